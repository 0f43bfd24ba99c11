//! Ties a multiplexer to a WebSocket and tokio.
//!
//! ```text
//! agent:  agent_handshake(socket, hello) ──► (ServerHello, Established)
//! server: server_handshake(socket) ──► (AgentHello, Pending) ──answer(ServerHello)──► Established
//! Established { tunnel: open streams · incoming: streams the peer opens · driver: run() it }
//!
//! one stream alone, opened by the URL of the upgrade (adit.stream.v1):
//! client: stream_handshake(socket, hello) ──► (ServerHello, OpenedStream)
//! server: stream_asked(socket) ──► (StreamHello, PendingStream) ──answer(…)──► AskedStream
//!
//! an agent of others (WebTunnel 1.0): webtunnel(socket) ──► Established
//!
//! outlives its connection: driver.resumable(…) ──► Resumer, before run()
//! agent:  agent_handshake_resuming(socket, hello, …, resumer) ──► Welcome
//! server: server_handshake(socket) ──► resumer.detach(…) ──► pending.resume(detached, …)
//! ```
//!
//! One task per tunnel (the caller's, in [`Driver::run`]) owns the socket; streams are state
//! behind one lock, not tasks and channels. A stream's handle locks, works on the multiplexer and
//! wakes the driver when there is something to send; the driver does the reverse.

mod connection;
mod dialect;
mod handshake;
mod incoming;
mod read_ahead;
mod resume;
mod run;
mod shared;
mod single;
mod socket;
mod splice;
mod stream;
#[cfg(test)]
mod tests;
mod tunnel;
mod websocket;
mod webtunnel;

pub use self::handshake::{
    Established, HandshakeError, Pending, Welcome, agent_handshake, agent_handshake_resuming,
    agent_handshake_with, server_handshake, server_handshake_with,
};
pub use self::incoming::{Incoming, IncomingStream};
pub use self::read_ahead::ReadAhead;
pub use self::resume::{Detached, Resumer};
pub use self::run::{Closed, Driver};
pub use self::single::{
    AskedStream, OpenedStream, PendingStream, stream_asked, stream_handshake,
    stream_handshake_resuming,
};
pub use self::splice::{Broken, End, Pieces, Plain, splice, splice_until_one_ends};
pub use self::stream::{Stream, StreamControl};
pub use self::tunnel::{Link, Stats, Tunnel};
pub use self::webtunnel::webtunnel;
pub use crate::mux::{Budget, Config, OpenError, ResumeError, StreamError, Transferred};
pub use crate::wire::{GoAway, GoAwayReason};
