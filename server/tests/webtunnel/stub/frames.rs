//! WebSocket frames as the agent reads and writes them.

use std::sync::atomic::Ordering;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::mpsc;

use super::Seen;
use crate::waiting::spawn;

pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const MASK: [u8; 4] = [0x12, 0x34, 0x56, 0x78];
const READ_BYTES: usize = 16 << 10;

#[derive(Debug)]
pub(super) struct Frame {
    pub(super) opcode: u8,
    pub(super) payload: Vec<u8>,
}

/// Frames of the server. FIN is not looked at: what is cut is read as if whole, and the rest is
/// dropped with its opcode of 0.
pub(super) struct Reader<R> {
    from: R,
    buffer: Vec<u8>,
    /// What came in one read with the 101 waits for more bytes.
    held: bool,
}

impl<R: AsyncRead + Unpin> Reader<R> {
    pub(super) fn new(from: R, rest: Vec<u8>, seen: &Seen) -> Self {
        let held = !rest.is_empty();
        seen.held.store(held, Ordering::SeqCst);
        Self {
            from,
            buffer: rest,
            held,
        }
    }

    /// The next frame; cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Frame> {
        loop {
            if !self.held
                && let Some(frame) = take(&mut self.buffer)
            {
                return Some(frame);
            }
            self.buffer.reserve(READ_BYTES);
            match self.from.read_buf(&mut self.buffer).await {
                Ok(read) if read > 0 => self.held = false,
                _ => return None,
            }
        }
    }
}

fn take(buffer: &mut Vec<u8>) -> Option<Frame> {
    let ([first, second], rest) = buffer.split_first_chunk()?;
    assert_eq!(second & 0x80, 0, "a masked frame of a server");
    let (length, head) = match second & 0x7f {
        126 => (u16::from_be_bytes(*rest.first_chunk()?) as usize, 4),
        127 => (u64::from_be_bytes(*rest.first_chunk()?) as usize, 10),
        short => (usize::from(short), 2),
    };
    if buffer.len() < head + length {
        return None;
    }
    let opcode = first & 0x0f;
    let payload = buffer[head..head + length].to_vec();
    buffer.drain(..head + length);
    Some(Frame { opcode, payload })
}

/// Frames to the server, masked.
pub(super) fn writer(mut to: OwnedWriteHalf) -> mpsc::Sender<Frame> {
    let (sender, mut frames) = mpsc::channel::<Frame>(16);
    spawn(async move {
        while let Some(Frame { opcode, payload }) = frames.recv().await {
            let mut bytes = vec![0x80 | opcode];
            match payload.len() {
                short @ 0..126 => bytes.push(0x80 | short as u8),
                medium @ 126..0x1_0000 => {
                    bytes.push(0xfe);
                    bytes.extend_from_slice(&(medium as u16).to_be_bytes());
                }
                long => {
                    bytes.push(0xff);
                    bytes.extend_from_slice(&(long as u64).to_be_bytes());
                }
            }
            bytes.extend_from_slice(&MASK);
            let masked = payload.iter().zip(MASK.iter().cycle());
            bytes.extend(masked.map(|(byte, mask)| byte ^ mask));
            if to.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    sender
}
