//! The VNC client of the browser, a wasm module of its own.
//!
//! [`rfb`]: the protocol as pure computation: bytes in, bytes, events and a picture out.

#![warn(missing_docs)]

pub mod rfb;
