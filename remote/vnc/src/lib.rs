//! The VNC client of the browser, a wasm module of its own.
//!
//! ```text
//! page ── worker (glue, wasm only) ── desk ──▶ rfb::Client ◀── the stream
//!      ◀── messages ──┘                ├──▶ canvas: what has changed
//!                                      └──▶ photo: what the browser decodes
//! ```
//!
//! [`rfb`]: the protocol as pure computation: bytes in, bytes, events and a picture out. It also
//! runs on this machine; that is how it is tested.

#![warn(missing_docs)]

#[cfg(target_arch = "wasm32")]
mod canvas;
#[cfg(target_arch = "wasm32")]
mod desk;
#[cfg(target_arch = "wasm32")]
mod ended;
#[cfg(target_arch = "wasm32")]
mod photo;
pub mod rfb;
#[cfg(target_arch = "wasm32")]
mod worker;

#[cfg(target_arch = "wasm32")]
pub use worker::start;
