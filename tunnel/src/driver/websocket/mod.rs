//! WebSocket framing (RFC 6455 section 5), for the messages of tunnels: large reads and writes
//! under load, nothing held while nothing happens, no extensions.
//!
//! Of our own since libraries for all purposes read into a buffer of one size, for busy and for
//! idle connections, and copy each message twice (docs/decisions/0019).

mod header;
mod mask;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::io;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use self::header::{MAX_CONTROL_BYTES, Opcode};
pub(super) use self::reader::Event;
use self::reader::Reader;
use self::writer::Writer;

/// What may wait to be written before the next message waits.
const MAX_QUEUED_BYTES: usize = 64 * 1024;

/// Which end of a WebSocket this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It masks what it sends.
    Client,
    Server,
}

/// Why a connection ended, as told in a close frame (RFC 6455 section 7.4.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CloseFrame {
    pub(super) code: u16,
    pub(super) reason: String,
}

/// Codes of close frames.
pub(super) mod code {
    pub(crate) const NORMAL: u16 = 1000;
    pub(crate) const AWAY: u16 = 1001;
    pub(crate) const PROTOCOL: u16 = 1002;
    pub(crate) const NOT_UTF8: u16 = 1007;
    pub(crate) const TOO_LARGE: u16 = 1009;
}

/// Why nothing more can be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Error {
    /// The connection below has failed or ended.
    #[error("the connection has failed: {0}")]
    Io(io::ErrorKind),
    /// The peer broke the protocol.
    #[error("{0}")]
    Protocol(&'static str),
    /// A message is larger than the peer was to send.
    #[error("a message is too large")]
    TooLarge,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
}

impl CloseFrame {
    /// `None`: it says nothing.
    fn parse(payload: &[u8]) -> Result<Option<Self>, Error> {
        let (code, reason) = match payload {
            [] => return Ok(None),
            [a, b, reason @ ..] => (u16::from_be_bytes([*a, *b]), reason),
            [_] => return Err(Error::Protocol("half a code")),
        };
        if !matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999) {
            return Err(Error::Protocol("a code that is not to be sent"));
        }
        let reason = std::str::from_utf8(reason).map_err(|_| Error::NotUtf8)?;
        Ok(Some(Self {
            code,
            reason: reason.to_owned(),
        }))
    }

    fn payload(&self) -> Bytes {
        let mut payload = BytesMut::new();
        payload.put_u16(self.code);
        let mut end = self.reason.len().min(MAX_CONTROL_BYTES - 2);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        payload.put_slice(&self.reason.as_bytes()[..end]);
        payload.freeze()
    }
}

/// Frames over a connection that has been upgraded.
pub(super) struct WebSocket<S> {
    socket: S,
    reader: Reader,
    writer: Writer,
    has_sent_close: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    pub(super) fn new(socket: S, role: Role, max_message_bytes: usize) -> Self {
        Self {
            socket,
            reader: Reader::new(role == Role::Server, max_message_bytes),
            writer: Writer::new(role == Role::Client),
            has_sent_close: false,
        }
    }

    pub(super) fn socket(&self) -> &S {
        &self.socket
    }

    pub(super) fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Gives back what a long queue has left behind.
    pub(super) fn shrink(&mut self) {
        self.writer.shrink();
    }

    /// What comes next. Pings and closes are answered with the next write.
    ///
    /// # Errors
    /// Nothing more comes.
    pub(super) fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, Error>> {
        let event = ready!(self.reader.poll_event(cx, &mut self.socket))?;
        match &event {
            Event::Ping(payload) if !self.has_sent_close => self.writer.pong(payload.clone()),
            Event::Close(frame) => self.start_close(frame.clone()),
            _ => {}
        }
        Poll::Ready(Ok(event))
    }

    /// Whether there is room for another message.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.writer.queued_bytes() < MAX_QUEUED_BYTES {
            return Poll::Ready(Ok(()));
        }
        self.writer.poll_write(cx, &mut self.socket)
    }

    /// After [`Self::poll_ready`].
    pub(super) fn start_binary(&mut self, message: Bytes) {
        self.start(Opcode::Binary, message);
    }

    /// After [`Self::poll_ready`]. Of `payload`, 125 bytes at most.
    pub(super) fn start_ping(&mut self, payload: Bytes) {
        let most = payload.len().min(MAX_CONTROL_BYTES);
        self.start(Opcode::Ping, payload.slice(..most));
    }

    /// The last of all frames; nothing that is started after it is sent.
    pub(super) fn start_close(&mut self, frame: Option<CloseFrame>) {
        let payload = frame.map(|frame| frame.payload()).unwrap_or_default();
        self.start(Opcode::Close, payload);
        self.has_sent_close = true;
    }

    /// Whether all is handed to the network.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.writer.is_empty() {
            ready!(self.writer.poll_write(cx, &mut self.socket))?;
        }
        let flushed = ready!(std::pin::Pin::new(&mut self.socket).poll_flush(cx));
        Poll::Ready(flushed.map_err(|error| Error::Io(error.kind())))
    }

    fn start(&mut self, opcode: Opcode, payload: Bytes) {
        if !self.has_sent_close {
            self.writer.push(opcode, payload);
        }
    }
}
