//! WebTunnel 1.0, the server's end: many channels over one WebSocket to an agent that other
//! people wrote (`WebTunnelAgent`, its gateway, its library), as pure computation.
//!
//! - [`Message`]: the bytes.
//! - [`Mux`]: the multiplexer, with the methods of [`crate::mux::Mux`], so that one driver runs
//!   both. No credit, no resumption, 16-bit channels that only this end opens, ports for targets.
//! - [`Property`]: what an agent reports in the middle of a tunnel.
//!
//! The peculiarities that each rule here answers to were seen on the wire of the public agent,
//! SDK 2.5; they are named where they matter.

mod channel;
mod command;
mod error;
pub mod frame;
mod ids;
mod message;
mod mux;
mod pause;
mod properties;
mod receive;
mod rouse;
#[cfg(test)]
mod tests;
mod transmit;

pub use self::error::{Fault, MessageError};
pub use self::message::Message;
pub use self::mux::{Config, Mux};
pub use self::properties::{Property, text_of};
pub use self::rouse::Rouse;
pub use self::transmit::Outgoing;

/// The WebSocket sub-protocol of agents.
pub const AGENT_PROTOCOL: &str = "com.appinf.webtunnel.server/1.0";
/// The WebSocket sub-protocol of clients: one connection each, raw bytes.
pub const CLIENT_PROTOCOL: &str = "com.appinf.webtunnel.client/1.0";

/// Payload of a DATA message, and of a client's frame. One byte more, and the peer drops all.
pub const MAX_DATA_BYTES: usize = 2048;
/// Opcode, flags and channel. A message with fewer bytes makes an agent hang for good.
pub const HEADER_BYTES: usize = 4;
/// The longest message that is sent to an agent.
pub const MAX_SENT_BYTES: usize = HEADER_BYTES + MAX_DATA_BYTES;
/// The longest message that is taken from an agent: a PROP_UPDATE may be long.
pub const MAX_RECEIVED_BYTES: usize = HEADER_BYTES + (1 << 20);
