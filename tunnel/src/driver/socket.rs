//! The WebSocket under a tunnel: small buffers, sizes checked, bytes counted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::run::Closed;
use crate::wire::MAX_MESSAGE_BYTES;

/// What an idle tunnel keeps; a larger message makes room for itself for as long as it lasts.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Two messages and their headers.
const MAX_WRITE_BUFFER_BYTES: usize = 2 * (MAX_MESSAGE_BYTES + 1024);

/// What came.
pub(super) enum Received {
    /// Whole frames.
    Message(Bytes),
    /// A ping or pong of the WebSocket's own.
    Control,
}

/// Why nothing more comes or goes, and what to tell the peer about it.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) closed: Closed,
    pub(super) farewell: Option<CloseFrame>,
}

impl Fault {
    pub(super) fn silent(closed: Closed) -> Self {
        Self {
            closed,
            farewell: None,
        }
    }

    pub(super) fn protocol(reason: &str) -> Self {
        Self {
            closed: Closed::Protocol(reason.into()),
            farewell: Some(close_frame(CloseCode::Protocol, reason)),
        }
    }
}

pub(super) struct Socket<S> {
    inner: WebSocketStream<Metered<S>>,
    /// What came was no WebSocket: its layer reads no more.
    broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) async fn new(socket: S, role: Role) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let metered = Metered {
            inner: socket,
            written_bytes: 0,
        };
        let inner = WebSocketStream::from_raw_socket(metered, role, Some(config)).await;
        Self {
            inner,
            broken: false,
        }
    }

    /// Bytes the socket below has taken, WebSocket headers included.
    pub(super) fn written_bytes(&self) -> u64 {
        self.inner.get_ref().written_bytes
    }

    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Fault>> {
        self.inner.poll_next_unpin(cx).map(|message| match message {
            Some(Ok(Message::Binary(bytes))) => Ok(Received::Message(bytes)),
            Some(Ok(Message::Text(_))) => Err(Fault::protocol("a text message")),
            Some(Ok(Message::Close(_))) | None => Err(Fault::silent(Closed::Peer)),
            Some(Ok(_)) => Ok(Received::Control),
            Some(Err(error)) => {
                self.broken = true;
                Err(fault(&error))
            }
        })
    }

    pub(super) async fn receive(&mut self) -> Result<Received, Fault> {
        std::future::poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Whether the message before is gone and the next one may be sent.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Pin::new(&mut self.inner)
            .poll_ready(cx)
            .map_err(|error| fault(&error))
    }

    /// After [`Self::poll_ready`].
    pub(super) fn start_send(&mut self, message: Bytes) -> Result<(), Fault> {
        let message = Message::Binary(message);
        Pin::new(&mut self.inner)
            .start_send(message)
            .map_err(|error| fault(&error))
    }

    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        Pin::new(&mut self.inner)
            .poll_flush(cx)
            .map_err(|error| fault(&error))
    }

    pub(super) async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.inner
            .send(Message::Binary(message))
            .await
            .map_err(|error| fault(&error))
    }

    /// Says why, and reads on until the peer has heard it: a socket closed over unread bytes
    /// would take the reason back. To be called under a timeout.
    pub(super) async fn close(&mut self, farewell: Option<CloseFrame>) {
        // Where the peer closed first this fails, and reading on sends the answer.
        let _ = self.inner.close(farewell).await;
        while let Some(Ok(_)) = self.inner.next().await {}
        if self.broken {
            let raw = self.inner.get_mut();
            if raw.shutdown().await.is_ok() {
                let _ = tokio::io::copy(raw, &mut tokio::io::sink()).await;
            }
        }
    }
}

/// A reason that fits a close frame.
pub(super) fn close_frame(code: CloseCode, reason: &str) -> CloseFrame {
    CloseFrame {
        code,
        reason: crate::wire::clean(reason, 120).into(),
    }
}

fn fault(error: &Error) -> Fault {
    match error {
        Error::Io(error) => Fault::silent(Closed::Io(error.kind())),
        Error::ConnectionClosed | Error::AlreadyClosed => Fault::silent(Closed::Peer),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Fault::silent(Closed::Io(io::ErrorKind::UnexpectedEof))
        }
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            let reason = "a message is too large";
            Fault {
                closed: Closed::Protocol(reason.into()),
                farewell: Some(close_frame(CloseCode::Size, reason)),
            }
        }
        error => Fault::protocol(&error.to_string()),
    }
}

/// Counts what the socket took, so that the scheduler knows what still waits above it.
struct Metered<S> {
    inner: S,
    written_bytes: u64,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> Metered<S> {
    fn count(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.written_bytes += *bytes as u64;
        }
        written
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
