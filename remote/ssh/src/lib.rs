//! The SSH client of the browser, a wasm module of its own.
//!
//! ```text
//! page ── worker (glue, wasm only) ── Inbox ──▶ client::run ──▶ russh ── Gate ── the stream
//!      ◀───────────────────────────── Page ◀───────┘
//! ```
//!
//! All but the glue also runs on this machine, over any stream; that is how it is tested. The
//! connection is end to end: the server in between sees SSH packets.

#![warn(missing_docs)]

mod client;
mod ended;
mod flow;
mod handler;
mod host_key;
mod inbox;
mod private_key;
mod shell;
mod sign_in;
#[cfg(target_arch = "wasm32")]
mod worker;

pub use client::{Page, Surroundings, run};
pub use inbox::{Inbox, Refused};
#[cfg(target_arch = "wasm32")]
pub use worker::start;
