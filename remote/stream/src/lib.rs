//! A stream to a service, over the browser's WebSocket: `adit.stream.v1` for remote modules.
//!
//! ```text
//! open(url) ──► Stream: AsyncRead + AsyncWrite ──┐
//!               Watch: fault, traffic            ├─ Link: the multiplexer behind a lock
//!               pump: WebSocket and timers ──────┘
//! ```
//!
//! What is not read earns no credit, so the device stops sending; what the WebSocket has not sent
//! holds writes back. All but the pump is plain computation, and tested on this machine.

#![warn(missing_docs)]
#![cfg_attr(
    not(target_arch = "wasm32"),
    expect(dead_code, reason = "the pump that uses it runs in browsers alone")
)]

mod fault;
mod link;
#[cfg(target_arch = "wasm32")]
mod probe;
mod retry;
#[cfg(target_arch = "wasm32")]
mod socket;
mod stream;

pub use link::LinkState;
#[cfg(target_arch = "wasm32")]
pub use socket::open;
pub use stream::{Stats, Stream, Watch};
