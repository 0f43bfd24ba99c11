//! Configuration: defaults < TOML file < environment < flags.

mod check;
mod load;
mod model;
mod origin;
mod redirect;

pub use check::{Warning, check};
pub use load::{ConfigError, Layer, Problem, load};
pub use model::{
    Authority, Config, Database, DeviceCertificates, Limits, Listen, Log, LogFormat, Metrics,
    Timers, Tls, WebTunnel,
};
pub use origin::{DeviceDomain, InvalidName, Origin, Scheme};
pub use redirect::{InvalidRedirect, Redirect};

/// Every key with its meaning and its default, as `config print` shows it.
pub const REFERENCE: &str = include_str!("reference.toml");
