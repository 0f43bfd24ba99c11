//! The whole chain in one process: a real server, real agents, real services.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here has failed"
)]

mod client;
mod harness;
mod network;
mod place;

mod identity;
mod resume;
mod rights;
mod service;
mod stream;
mod tunnel_life;
#[path = "../waiting/mod.rs"]
mod waiting;
