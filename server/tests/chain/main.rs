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
#[path = "../front_fixture/programs.rs"]
mod programs;

mod faults;
mod figures;
mod front_proxy;
mod hostile;
mod identity;
mod inspection;
mod proxy;
mod raw_agent;
mod resume;
mod rights;
mod roaming;
mod service;
mod stream;
mod tunnel_life;
#[path = "../waiting/mod.rs"]
mod waiting;
