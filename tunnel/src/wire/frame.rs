//! Frames: a header of 8 bytes and a payload (PROTOCOL section 2).

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::code::Code;
use super::error::WireError;
use super::goaway::GoAway;
use super::text::clean;

/// Type, flags, length, stream.
pub const HEADER_BYTES: usize = 8;
/// Of one frame.
pub const MAX_PAYLOAD_BYTES: usize = 32 * 1024;
/// Of one WebSocket message: whole frames.
pub const MAX_MESSAGE_BYTES: usize = 64 * 1024;
/// What a sender fills of it: with the longest header of a WebSocket frame it is four whole TLS
/// records. A few bytes more would be a record, and often a system call, of their own.
pub const FULL_MESSAGE_BYTES: usize = MAX_MESSAGE_BYTES - 14;
/// Of HELLO's payload.
pub const MAX_HELLO_BYTES: usize = 16 * 1024;
/// Of OPEN's payload.
pub const MAX_OPEN_BYTES: usize = 4 * 1024;
/// Of a text within a frame.
pub const MAX_TEXT_BYTES: usize = 1024;

/// Flag: whoever does not know the type skips the frame.
const SKIP_IF_UNKNOWN: u8 = 0x80;

pub(super) const HELLO: u8 = 0x01;
pub(super) const PING: u8 = 0x02;
pub(super) const PONG: u8 = 0x03;
pub(super) const GOAWAY: u8 = 0x04;
pub(super) const ACK: u8 = 0x05;
pub(super) const OPEN: u8 = 0x10;
pub(super) const ACCEPT: u8 = 0x11;
pub(super) const REJECT: u8 = 0x12;
pub(super) const DATA: u8 = 0x13;
pub(super) const CREDIT: u8 = 0x14;
pub(super) const FIN: u8 = 0x15;
pub(super) const RESET: u8 = 0x16;
/// The types that resumption counts, known or not.
const COUNTED: std::ops::RangeInclusive<u8> = 0x10..=0x1f;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The first frame each way; its CBOR as it came.
    Hello(Bytes),
    /// To be answered by PONG with the same bytes.
    Ping([u8; 8]),
    /// The answer to PING.
    Pong([u8; 8]),
    /// The sender opens nothing new.
    GoAway(GoAway),
    /// So many counted frames came in this epoch.
    Ack(u64),
    /// A new stream.
    Open {
        /// Its id.
        stream: u32,
        /// CBOR of a [`super::Target`], as it came: a bad one costs a REJECT, not the tunnel.
        target: Bytes,
    },
    /// The stream is wanted.
    Accept {
        /// Its id.
        stream: u32,
    },
    /// The stream is not wanted.
    Reject {
        /// Its id.
        stream: u32,
        /// Why, for programs.
        code: Code,
        /// Why, for people.
        text: String,
    },
    /// Bytes of a stream.
    Data {
        /// Its id.
        stream: u32,
        /// A part of the message that brought them, not a copy.
        bytes: Bytes,
    },
    /// More may be sent.
    Credit {
        /// On which stream.
        stream: u32,
        /// Up to this offset.
        limit: u64,
    },
    /// No more bytes this way.
    Fin {
        /// The stream's id.
        stream: u32,
    },
    /// The stream is cut.
    Reset {
        /// Its id.
        stream: u32,
        /// Why, for programs.
        code: Code,
        /// Why, for people.
        text: String,
    },
}

/// A frame taken off a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// `None`: of an unknown type, and to be skipped.
    pub frame: Option<Frame>,
    /// Whether resumption counts it.
    pub is_counted: bool,
    /// What it took of the message.
    pub bytes: usize,
}

impl Frame {
    /// Takes the next known frame off the front of a message; `None` at its end. Frames that may
    /// be skipped are skipped.
    ///
    /// # Errors
    /// [`WireError`]; the rest of the message is then meaningless.
    pub fn decode(message: &mut Bytes) -> Result<Option<Self>, WireError> {
        while let Some(taken) = Self::take(message)? {
            if taken.frame.is_some() {
                return Ok(taken.frame);
            }
        }
        Ok(None)
    }

    /// Takes the next frame off the front of a message, known or to be skipped; `None` at its
    /// end.
    ///
    /// # Errors
    /// [`WireError`]; the rest of the message is then meaningless.
    pub fn take(message: &mut Bytes) -> Result<Option<Taken>, WireError> {
        if message.is_empty() {
            return Ok(None);
        }
        if message.len() < HEADER_BYTES {
            return Err(WireError::Truncated);
        }
        let kind = message.get_u8();
        let flags = message.get_u8();
        let length = usize::from(message.get_u16());
        let stream = message.get_u32();
        if length > max_payload(kind) {
            return Err(WireError::TooLarge(kind));
        }
        if length > message.len() {
            return Err(WireError::Truncated);
        }
        let payload = message.split_to(length);
        let frame = match Self::from_parts(kind, stream, payload) {
            Err(WireError::UnknownType(_)) if flags & SKIP_IF_UNKNOWN != 0 => None,
            other => Some(other?),
        };
        Ok(Some(Taken {
            frame,
            is_counted: COUNTED.contains(&kind),
            bytes: HEADER_BYTES + length,
        }))
    }

    fn from_parts(kind: u8, stream: u32, payload: Bytes) -> Result<Self, WireError> {
        match kind {
            HELLO..=ACK if stream != 0 => return Err(WireError::WrongStream(kind)),
            OPEN..=RESET if stream == 0 => return Err(WireError::WrongStream(kind)),
            _ => {}
        }
        Ok(match kind {
            HELLO => Self::Hello(payload),
            PING => Self::Ping(fixed(kind, &payload)?),
            PONG => Self::Pong(fixed(kind, &payload)?),
            GOAWAY => Self::GoAway(GoAway::decode_payload(&payload)?),
            ACK => Self::Ack(u64::from_be_bytes(fixed(kind, &payload)?)),
            OPEN => Self::Open {
                stream,
                target: payload,
            },
            ACCEPT => fixed::<0>(kind, &payload).map(|_| Self::Accept { stream })?,
            REJECT => {
                let (code, text) = decode_reason(kind, &payload)?;
                Self::Reject { stream, code, text }
            }
            DATA => Self::Data {
                stream,
                bytes: payload,
            },
            CREDIT => Self::Credit {
                stream,
                limit: u64::from_be_bytes(fixed(kind, &payload)?),
            },
            FIN => fixed::<0>(kind, &payload).map(|_| Self::Fin { stream })?,
            RESET => {
                let (code, text) = decode_reason(kind, &payload)?;
                Self::Reset { stream, code, text }
            }
            unknown => return Err(WireError::UnknownType(unknown)),
        })
    }

    /// Appends the frame to a message. Texts are cut to what a frame may hold; HELLO, OPEN and
    /// DATA are the caller's to keep within their sizes.
    pub fn encode(&self, out: &mut BytesMut) {
        let start = out.len();
        out.put_bytes(0, HEADER_BYTES);
        let (kind, stream) = self.encode_payload(out);
        let length = out.len() - start - HEADER_BYTES;
        debug_assert!(
            length <= max_payload(kind),
            "a frame of type {kind:#04x} is too large"
        );
        // Within MAX_PAYLOAD_BYTES by the above, so the cast keeps every bit.
        let header = header(kind, length as u16, stream);
        out[start..start + HEADER_BYTES].copy_from_slice(&header);
    }

    fn encode_payload(&self, out: &mut BytesMut) -> (u8, u32) {
        match self {
            Self::Hello(cbor) => {
                out.put_slice(cbor);
                (HELLO, 0)
            }
            Self::Ping(opaque) => {
                out.put_slice(opaque);
                (PING, 0)
            }
            Self::Pong(opaque) => {
                out.put_slice(opaque);
                (PONG, 0)
            }
            Self::GoAway(goaway) => {
                goaway.encode_payload(out);
                (GOAWAY, 0)
            }
            Self::Ack(received) => {
                out.put_u64(*received);
                (ACK, 0)
            }
            Self::Open { stream, target } => {
                out.put_slice(target);
                (OPEN, *stream)
            }
            Self::Accept { stream } => (ACCEPT, *stream),
            Self::Reject { stream, code, text } => {
                encode_reason(*code, text, out);
                (REJECT, *stream)
            }
            Self::Data { stream, bytes } => {
                out.put_slice(bytes);
                (DATA, *stream)
            }
            Self::Credit { stream, limit } => {
                out.put_u64(*limit);
                (CREDIT, *stream)
            }
            Self::Fin { stream } => (FIN, *stream),
            Self::Reset { stream, code, text } => {
                encode_reason(*code, text, out);
                (RESET, *stream)
            }
        }
    }
}

/// Appends the header of a DATA frame; its `length` bytes of payload follow. The hot path makes no
/// [`Frame`] of what is in several pieces.
pub fn encode_data_header(stream: u32, length: usize, out: &mut BytesMut) {
    debug_assert!(length <= MAX_PAYLOAD_BYTES, "the scheduler cuts frames");
    out.put_slice(&header(DATA, length as u16, stream));
}

/// What the first frame of whole frames takes, which this end encoded itself; 0 when there is none.
pub(crate) fn first_frame_bytes(frames: &[u8]) -> usize {
    match frames {
        [_, _, l0, l1, ..] => HEADER_BYTES + usize::from(u16::from_be_bytes([*l0, *l1])),
        _ => 0,
    }
}

fn header(kind: u8, length: u16, stream: u32) -> [u8; HEADER_BYTES] {
    let [l0, l1] = length.to_be_bytes();
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    [kind, 0, l0, l1, s0, s1, s2, s3]
}

fn max_payload(kind: u8) -> usize {
    match kind {
        HELLO => MAX_HELLO_BYTES,
        OPEN => MAX_OPEN_BYTES,
        REJECT | RESET => 2 + MAX_TEXT_BYTES,
        GOAWAY => 6 + MAX_TEXT_BYTES,
        _ => MAX_PAYLOAD_BYTES,
    }
}

fn fixed<const N: usize>(kind: u8, payload: &Bytes) -> Result<[u8; N], WireError> {
    payload
        .as_ref()
        .try_into()
        .map_err(|_| WireError::BadLength(kind))
}

fn encode_reason(code: Code, text: &str, out: &mut BytesMut) {
    out.put_u16(code.to_wire());
    out.put_slice(clean(text, MAX_TEXT_BYTES).as_bytes());
}

fn decode_reason(kind: u8, payload: &Bytes) -> Result<(Code, String), WireError> {
    let Some((code, text)) = payload.split_first_chunk::<2>() else {
        return Err(WireError::BadLength(kind));
    };
    let code = Code::from_wire(u16::from_be_bytes(*code));
    Ok((code, clean(&String::from_utf8_lossy(text), MAX_TEXT_BYTES)))
}

#[cfg(test)]
mod tests;
