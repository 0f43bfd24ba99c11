//! Configuration: defaults < TOML file < environment < flags.

mod model;

pub use model::{Config, Database, Listen, Tls};
