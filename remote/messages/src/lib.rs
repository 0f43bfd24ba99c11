//! What a page and the Worker of a remote module say to each other.
//!
//! A message of `postMessage` is either a string, the JSON of a type in here, or a `Uint8Array`:
//! the bytes themselves, transferred and not copied. Which bytes those are, each module says.

#![warn(missing_docs)]

pub mod ssh;
mod stream;
pub mod vnc;

pub use stream::StreamFault;
