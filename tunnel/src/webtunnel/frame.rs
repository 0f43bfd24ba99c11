//! WebSocket frames of a client: raw bytes of one connection, without any header of WebTunnel.
//!
//! Not by the WebSocket layer of tunnels: there a CLOSE of the peer ends both directions, and of
//! these clients it ends one.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::MAX_DATA_BYTES;

const BINARY: u8 = 0x2;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;
const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;
const MASK_BYTES: usize = 4;
/// Clients send 2048 bytes at most; a little more does no harm.
const MAX_PAYLOAD_BYTES: usize = 16 << 10;

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// Bytes of the connection.
    Bytes(Bytes),
    /// To be answered by a PONG of the same payload.
    Ping(Bytes),
    /// An answer to a PING.
    Pong,
    /// No more bytes come.
    Close,
    /// What has no meaning here.
    Other,
}

/// What came is no frame of a client; its connection must be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no WebSocket frame of a client")]
pub struct BadFrame;

impl ClientFrame {
    /// Takes the next frame off the front; `None`: it is not whole yet.
    ///
    /// # Errors
    /// [`BadFrame`]
    pub fn take(buffer: &mut BytesMut) -> Result<Option<Self>, BadFrame> {
        let Some(([first, second], rest)) = buffer.split_first_chunk::<2>() else {
            return Ok(None);
        };
        // Whole, without extensions, and masked: as all clients send.
        if first & 0xf0 != FINAL || second & MASKED == 0 {
            return Err(BadFrame);
        }
        let opcode = first & 0x0f;
        let (length, head) = match second & 0x7f {
            126 => match rest.first_chunk::<2>() {
                Some(length) => (usize::from(u16::from_be_bytes(*length)), 4),
                None => return Ok(None),
            },
            127 => return Err(BadFrame),
            short => (usize::from(short), 2),
        };
        let is_control = opcode & 0x8 != 0;
        if length > MAX_PAYLOAD_BYTES || (is_control && length > 125) {
            return Err(BadFrame);
        }
        if buffer.len() < head + MASK_BYTES + length {
            return Ok(None);
        }
        buffer.advance(head);
        let mut mask = [0; MASK_BYTES];
        buffer.copy_to_slice(&mut mask);
        let mut payload = buffer.split_to(length);
        for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
            *byte ^= mask;
        }
        let payload = payload.freeze();
        Ok(Some(match opcode {
            BINARY => Self::Bytes(payload),
            PING => Self::Ping(payload),
            PONG => Self::Pong,
            CLOSE => Self::Close,
            _ => Self::Other,
        }))
    }
}

/// Appends bytes for a client, as frames of 2048 bytes at most, and none of them empty: that would
/// be a close.
pub fn put_bytes(bytes: &[u8], frames: &mut BytesMut) {
    for part in bytes.chunks(MAX_DATA_BYTES) {
        frames.put_u8(FINAL | BINARY);
        match u8::try_from(part.len()) {
            Ok(short) if short < 126 => frames.put_u8(short),
            _ => {
                frames.put_u8(126);
                frames.put_u16(part.len() as u16);
            }
        }
        frames.put_slice(part);
    }
}

/// Appends the answer to a PING.
pub fn put_pong(payload: &[u8], frames: &mut BytesMut) {
    let payload = &payload[..payload.len().min(125)];
    frames.put_slice(&[FINAL | PONG, payload.len() as u8]);
    frames.put_slice(payload);
}

/// Appends a PING that does nothing but wake the client: one without payload would be a close.
pub fn put_nudge(frames: &mut BytesMut) {
    frames.put_slice(&[FINAL | PING, 1, 0]);
}

/// Appends the end of this side.
pub fn put_close(frames: &mut BytesMut) {
    frames.put_slice(&[FINAL | CLOSE, 0]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masked(opcode: u8, payload: &[u8]) -> BytesMut {
        let mut frame = BytesMut::from(&[FINAL | opcode][..]);
        if payload.len() < 126 {
            frame.put_u8(MASKED | payload.len() as u8);
        } else {
            frame.put_u8(MASKED | 126);
            frame.put_u16(payload.len() as u16);
        }
        let mask = [1, 2, 3, 4];
        frame.put_slice(&mask);
        let masked = payload.iter().zip(mask.iter().cycle());
        frame.extend(masked.map(|(byte, mask)| byte ^ mask));
        frame
    }

    #[test]
    fn frames_of_clients_are_read() {
        let mut buffer = masked(BINARY, b"hello");
        buffer.unsplit(masked(PING, b""));
        buffer.unsplit(masked(CLOSE, &[3, 0xe8]));
        let mut next = || ClientFrame::take(&mut buffer);
        assert_eq!(next(), Ok(Some(ClientFrame::Bytes("hello".into()))));
        assert_eq!(next(), Ok(Some(ClientFrame::Ping(Bytes::new()))));
        assert_eq!(next(), Ok(Some(ClientFrame::Close)));
        assert_eq!(next(), Ok(None));
        for bad in [
            &[0x82, 0x01, b'x'][..],
            &[0x02, 0x81, 0, 0, 0, 0, b'x'],
            &[0xc2, 0x81, 0, 0, 0, 0, b'x'],
            &[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 1],
            &[0x89, 0xfe, 0, 126],
        ] {
            assert_eq!(ClientFrame::take(&mut bad.into()), Err(BadFrame), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(_)) = ClientFrame::take(&mut buffer) {}
        }

        #[test]
        fn a_frame_in_pieces_is_the_frame(
            payload in proptest::collection::vec(any::<u8>(), 0..3000),
            cut in 0_usize..3000,
        ) {
            let whole = masked(BINARY, &payload);
            let cut = cut.min(whole.len() - 1);
            let mut buffer = BytesMut::from(&whole[..cut]);
            prop_assert_eq!(ClientFrame::take(&mut buffer), Ok(None));
            buffer.extend_from_slice(&whole[cut..]);
            let frame = ClientFrame::take(&mut buffer);
            prop_assert_eq!(frame, Ok(Some(ClientFrame::Bytes(payload.into()))));
        }

        #[test]
        fn no_frame_for_a_client_is_empty_or_too_long(
            bytes in proptest::collection::vec(any::<u8>(), 0..10_000),
        ) {
            let mut frames = BytesMut::new();
            put_bytes(&bytes, &mut frames);
            let mut carried = Vec::new();
            while !frames.is_empty() {
                prop_assert_eq!(frames.get_u8(), FINAL | BINARY);
                let length = match frames.get_u8() {
                    126 => usize::from(frames.get_u16()),
                    short => usize::from(short),
                };
                prop_assert!((1..=MAX_DATA_BYTES).contains(&length));
                carried.extend_from_slice(&frames.split_to(length));
            }
            prop_assert_eq!(carried, bytes);
        }
    }
}
