//! adit-server as a library: relay, device pages, REST API and the embedded web app.
//!
//! [`Server::build`] opens the database and binds nothing; [`Server::serve`] takes a listener and
//! returns when it was told to stop; [`Handle`] reaches into a running server (tests, demo, bench).

pub mod access;
pub mod accounts;
pub mod certificates;
pub mod clock;
pub mod config;
pub mod db;
pub mod devices;
pub mod events;
pub mod http;
pub mod import;
pub mod lifecycle;
pub mod log;
pub mod machine;
pub mod metrics;
pub mod proxy;
pub mod relay;
#[cfg(test)]
mod s32_matrix;
mod server;
pub mod sessions;
mod state;
#[cfg(test)]
mod testing;
pub mod usage;
pub mod web;
pub mod webtunnel;

pub use server::{BuildError, Handle, Server};
pub use state::AppState;
