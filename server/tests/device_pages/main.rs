//! Device pages through the whole chain: a browser's requests, a real server, a real agent, and a
//! device's web server that behaves or not.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here has failed"
)]

mod device;
mod harness;

mod bodies;
mod canaries;
mod handoff;
mod headers;
mod trouble;
#[path = "../waiting/mod.rs"]
mod waiting;
mod websocket;
