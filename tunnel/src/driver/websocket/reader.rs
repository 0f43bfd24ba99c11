//! What comes: bytes, frames, messages.
//!
//! Headers and small messages go through a small buffer, the rest of a large one straight to where
//! it is kept. System calls are saved by [`ReadAhead`](super::super::ReadAhead), which is below.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::header::{Header, Opcode};
use super::{CloseFrame, Error, mask};

/// What is read at once to see what it is.
const BUFFER_BYTES: usize = 4 * 1024;
/// Room for a message before any of it has come.
const MOST_AHEAD_BYTES: usize = 64 * 1024;

/// A message, or what is between messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::driver) enum Event {
    Binary(Bytes),
    Text(Bytes),
    Ping(Bytes),
    Pong,
    Close(Option<CloseFrame>),
}

pub(super) struct Reader {
    is_masked: bool,
    max_message_bytes: usize,
    /// Zeroed once and used again. Nothing while nothing comes.
    buffer: Vec<u8>,
    /// Of the buffer: what came and was not looked at.
    start: usize,
    end: usize,
    frame: Option<Payload>,
    message: BytesMut,
    /// Of the message that has begun.
    is_text: Option<bool>,
    /// Of a text: what is UTF-8 for sure.
    checked_bytes: usize,
    /// Looked at since there was an event.
    unfinished_bytes: usize,
}

/// A frame whose header has come.
struct Payload {
    header: Header,
    /// Of control frames; all others go to the message.
    control: BytesMut,
    left: usize,
    done: usize,
}

impl Payload {
    /// Of what is left so much that it is not read together with what follows.
    fn is_long(&self) -> bool {
        self.left >= BUFFER_BYTES && !self.header.opcode.is_control()
    }

    fn unmask(&self, bytes: &mut [u8]) {
        if let Some(key) = self.header.key {
            mask::apply(bytes, key, self.done);
        }
    }

    fn came(&mut self, bytes: usize) {
        self.done += bytes;
        self.left -= bytes;
    }
}

impl Reader {
    pub(super) fn new(is_masked: bool, max_message_bytes: usize) -> Self {
        Self {
            is_masked,
            max_message_bytes,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            frame: None,
            message: BytesMut::new(),
            is_text: None,
            checked_bytes: 0,
            unfinished_bytes: 0,
        }
    }

    #[cfg(test)]
    pub(super) fn held_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// # Errors
    /// The peer broke the protocol, or the connection is over; nothing may be read afterwards.
    pub(super) fn poll_event<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<Event, Error>> {
        loop {
            if let Some(event) = self.parse()? {
                self.unfinished_bytes = 0;
                return Poll::Ready(Ok(event));
            }
            match self.frame.take() {
                Some(mut frame) if frame.is_long() => {
                    let polled = self.poll_payload(cx, socket, &mut frame);
                    self.frame = Some(frame);
                    ready!(polled)?;
                }
                frame => {
                    self.frame = frame;
                    ready!(self.poll_fill(cx, socket))?;
                }
            }
        }
    }

    /// Straight to where it is kept: what would fill the buffer need not go through it.
    fn poll_payload<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
        frame: &mut Payload,
    ) -> Poll<Result<(), Error>> {
        let before = self.message.len();
        self.message.reserve(frame.left.min(MOST_AHEAD_BYTES));
        let mut room = (&mut self.message).limit(frame.left);
        let read = ready!(poll_read_buf(Pin::new(socket), cx, &mut room))
            .map_err(|error| Error::Io(error.kind()))?;
        if read == 0 {
            return Poll::Ready(Err(Error::Io(io::ErrorKind::UnexpectedEof)));
        }
        frame.unmask(&mut self.message[before..]);
        frame.came(read);
        self.unfinished_bytes += read;
        Poll::Ready(self.check_text())
    }

    fn poll_fill<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut S,
    ) -> Poll<Result<(), Error>> {
        // A part of a header at most: payload is taken as it comes.
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        self.buffer.resize(BUFFER_BYTES, 0);
        let mut room = ReadBuf::new(&mut self.buffer[self.end..]);
        let polled = Pin::new(socket).poll_read(cx, &mut room);
        let read = room.filled().len();
        match polled {
            Poll::Pending => {
                if self.end == 0 {
                    self.buffer = Vec::new();
                }
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(Error::Io(error.kind()))),
            Poll::Ready(Ok(())) if read == 0 => {
                Poll::Ready(Err(Error::Io(io::ErrorKind::UnexpectedEof)))
            }
            Poll::Ready(Ok(())) => {
                self.end += read;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn parse(&mut self) -> Result<Option<Event>, Error> {
        loop {
            let mut frame = match self.frame.take() {
                Some(frame) => frame,
                None => match self.next_frame()? {
                    Some(frame) => frame,
                    None => return Ok(None),
                },
            };
            self.take_payload(&mut frame);
            self.check_text()?;
            if frame.left > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(event) = self.finish(frame)? {
                return Ok(Some(event));
            }
        }
    }

    fn next_frame(&mut self) -> Result<Option<Payload>, Error> {
        let bytes = &self.buffer[self.start..self.end];
        let Some((header, header_bytes)) = Header::parse(bytes, self.is_masked)? else {
            return Ok(None);
        };
        self.pass(header_bytes)?;
        if !header.opcode.is_control() {
            match (header.opcode, self.is_text) {
                (Opcode::Continuation, None) => {
                    return Err(Error::Protocol("a part of no message"));
                }
                (Opcode::Continuation, Some(_)) => {}
                (_, Some(_)) => return Err(Error::Protocol("a message within a message")),
                (opcode, None) => self.is_text = Some(opcode == Opcode::Text),
            }
        }
        let most = self.max_message_bytes.saturating_sub(self.message.len());
        let left = usize::try_from(header.length)
            .ok()
            .filter(|length| header.opcode.is_control() || *length <= most)
            .ok_or(Error::TooLarge)?;
        let ahead = left.min(MOST_AHEAD_BYTES);
        let mut control = BytesMut::new();
        if header.opcode.is_control() {
            control.reserve(ahead);
        } else {
            self.message.reserve(ahead);
        }
        Ok(Some(Payload {
            header,
            control,
            left,
            done: 0,
        }))
    }

    /// As much as there is.
    fn take_payload(&mut self, frame: &mut Payload) {
        let length = frame.left.min(self.end - self.start);
        let bytes = &self.buffer[self.start..self.start + length];
        if frame.header.opcode.is_control() {
            let mut control = BytesMut::from(bytes);
            frame.unmask(&mut control);
            frame.control.unsplit(control);
        } else {
            let before = self.message.len();
            self.message.extend_from_slice(bytes);
            frame.unmask(&mut self.message[before..]);
        }
        frame.came(length);
        self.start += length;
        self.unfinished_bytes += length;
    }

    /// What can no longer become UTF-8 is not waited for to its end.
    fn check_text(&mut self) -> Result<(), Error> {
        if self.is_text != Some(true) {
            return Ok(());
        }
        let checked = match std::str::from_utf8(&self.message[self.checked_bytes..]) {
            Ok(text) => text.len(),
            // A character may go on in what comes next.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return Err(Error::NotUtf8),
        };
        self.checked_bytes += checked;
        Ok(())
    }

    fn finish(&mut self, frame: Payload) -> Result<Option<Event>, Error> {
        let control = frame.control.freeze();
        Ok(match frame.header.opcode {
            Opcode::Ping => Some(Event::Ping(control)),
            Opcode::Pong => Some(Event::Pong),
            Opcode::Close => Some(Event::Close(CloseFrame::parse(&control)?)),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !frame.header.fin => None,
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let message = std::mem::take(&mut self.message).freeze();
                if self.is_text.take() != Some(true) {
                    return Ok(Some(Event::Binary(message)));
                }
                if std::mem::take(&mut self.checked_bytes) < message.len() {
                    return Err(Error::NotUtf8);
                }
                Some(Event::Text(message))
            }
        })
    }

    /// The largest message in fragments of 16 bytes is no more. Without a bound, empty fragments
    /// would be read for ever.
    fn pass(&mut self, header_bytes: usize) -> Result<(), Error> {
        self.start += header_bytes;
        self.unfinished_bytes += header_bytes;
        if self.unfinished_bytes > 2 * self.max_message_bytes {
            return Err(Error::Protocol("too many fragments"));
        }
        Ok(())
    }
}
