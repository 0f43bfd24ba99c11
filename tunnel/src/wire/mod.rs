//! The bytes of `adit.tunnel.v1` and `adit.stream.v1`: frames, HELLO, targets, codes.

mod capped;
mod code;
mod error;
mod frame;
mod goaway;
mod hello;
mod target;
mod text;

pub use code::Code;
pub use error::WireError;
pub(crate) use frame::first_frame_bytes;
pub use frame::{
    FULL_MESSAGE_BYTES, Frame, HEADER_BYTES, MAX_HELLO_BYTES, MAX_MESSAGE_BYTES, MAX_OPEN_BYTES,
    MAX_PAYLOAD_BYTES, MAX_TEXT_BYTES, Taken, encode_data_header,
};
pub use goaway::{GoAway, GoAwayReason};
pub use hello::{AgentHello, Info, Resume, ServerHello, ServiceInfo, StreamHello, Windows};
pub use target::Target;
pub use text::clean;
