//! What goes: frames in a queue, many of them with one system call.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::header::{Header, MAX_HEADER_BYTES, Opcode};
use super::{Error, mask};

/// Handed over at once, at most.
const MAX_SLICES: usize = 64;
/// A queue that was longer than this is given back when it is empty.
const KEEP_FRAMES: usize = 16;

pub(super) struct Writer {
    masks: bool,
    queue: VecDeque<Frame>,
    queued_bytes: usize,
    /// The answer to the last ping. Whoever pings faster than he listens gets one.
    pong: Option<Bytes>,
}

struct Frame {
    head: [u8; MAX_HEADER_BYTES],
    /// Of the head: what is to be sent.
    head_start: usize,
    head_end: usize,
    payload: Bytes,
}

impl Frame {
    fn left(&self) -> usize {
        self.head_end - self.head_start + self.payload.len()
    }
}

impl Writer {
    pub(super) fn new(masks: bool) -> Self {
        Self {
            masks,
            queue: VecDeque::new(),
            queued_bytes: 0,
            pong: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.pong.is_none()
    }

    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    pub(super) fn shrink(&mut self) {
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    pub(super) fn pong(&mut self, payload: Bytes) {
        self.pong = Some(payload);
    }

    pub(super) fn push(&mut self, opcode: Opcode, payload: Bytes) {
        let key = self.masks.then(rand::random::<[u8; 4]>);
        let header = Header {
            fin: true,
            opcode,
            length: payload.len() as u64,
            key,
        };
        let mut head = [0; MAX_HEADER_BYTES];
        let head_end = header.write(&mut head);
        // Into a copy: what is kept for a resumption must stay what it is.
        let payload = match key {
            Some(key) => {
                let mut masked = BytesMut::from(&payload[..]);
                mask::apply(&mut masked, key, 0);
                masked.freeze()
            }
            None => payload,
        };
        let frame = Frame {
            head,
            head_start: 0,
            head_end,
            payload,
        };
        self.queued_bytes += frame.left();
        self.queue.push_back(frame);
    }

    /// Until all is handed over.
    pub(super) fn poll_write<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<(), Error>> {
        if let Some(pong) = self.pong.take() {
            self.push(Opcode::Pong, pong);
        }
        if !socket.is_write_vectored() {
            self.join();
        }
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let mut count = 0;
            for frame in self.queue.iter().take(MAX_SLICES / 2) {
                for bytes in [
                    &frame.head[frame.head_start..frame.head_end],
                    &frame.payload[..],
                ] {
                    if !bytes.is_empty() {
                        slices[count] = IoSlice::new(bytes);
                        count += 1;
                    }
                }
            }
            let written = Pin::new(&mut *socket).poll_write_vectored(cx, &slices[..count]);
            match ready!(written) {
                Ok(0) => return Poll::Ready(Err(Error::Io(io::ErrorKind::WriteZero))),
                Ok(written) => self.advance(written),
                Err(error) => return Poll::Ready(Err(Error::Io(error.kind()))),
            }
        }
        if self.queue.capacity() > KEEP_FRAMES {
            self.queue = VecDeque::new();
        }
        Poll::Ready(Ok(()))
    }

    /// All in one piece, for a connection that takes one at a time.
    fn join(&mut self) {
        if self
            .queue
            .iter()
            .all(|frame| frame.head_start == frame.head_end)
        {
            return;
        }
        let mut all = BytesMut::with_capacity(self.queued_bytes);
        for frame in self.queue.drain(..) {
            all.extend_from_slice(&frame.head[frame.head_start..frame.head_end]);
            all.extend_from_slice(&frame.payload);
        }
        self.queue.push_back(Frame {
            head: [0; MAX_HEADER_BYTES],
            head_start: 0,
            head_end: 0,
            payload: all.freeze(),
        });
    }

    fn advance(&mut self, mut written: usize) {
        self.queued_bytes -= written;
        while let Some(frame) = self.queue.front_mut() {
            let of_head = written.min(frame.head_end - frame.head_start);
            frame.head_start += of_head;
            let of_payload = (written - of_head).min(frame.payload.len());
            frame.payload.advance(of_payload);
            written -= of_head + of_payload;
            if frame.left() > 0 {
                return;
            }
            self.queue.pop_front();
        }
    }
}
