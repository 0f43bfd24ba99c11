//! Adit's tunnel protocol, `adit.tunnel.v1`: many streams over one WebSocket.
//!
//! - [`wire`]: the bytes: frames, HELLO, targets, codes. No state.
//! - [`mux`]: the multiplexer, sans-IO: bytes and time in, bytes and events out.
//! - [`webtunnel`]: the same for the agents of others, which speak WebTunnel 1.0.
//! - [`proof`]: what a device signs to prove that it holds its key.
//! - [`driver`]: ties a multiplexer to a WebSocket and tokio (feature `driver`).
//!
//! Nothing here but `driver` knows a socket, a clock or a runtime.

#![warn(missing_docs)]

#[cfg(feature = "driver")]
pub mod driver;
pub mod mux;
pub mod proof;
pub mod webtunnel;
pub mod wire;

pub use mux::Time;

/// The WebSocket sub-protocol of the tunnel.
pub const TUNNEL_PROTOCOL: &str = "adit.tunnel.v1";
/// The WebSocket sub-protocol of one stream between a browser or `adit` and the server.
pub const STREAM_PROTOCOL: &str = "adit.stream.v1";
