//! The WebSocket under a tunnel: small buffers, sizes checked, bytes counted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use futures_util::{Sink, SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use super::run::Closed;
use crate::webtunnel;
use crate::wire::MAX_MESSAGE_BYTES;

/// What an idle tunnel keeps; a larger message makes room for itself for as long as it lasts.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Two messages and their headers.
const MAX_WRITE_BUFFER_BYTES: usize = 2 * (MAX_MESSAGE_BYTES + 1024);
/// What is gathered of small messages.
const WEBTUNNEL_WRITE_BYTES: usize = 32 * 1024;

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

/// Which messages a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Ours, at this end of it.
    Adit(Role),
    /// WebTunnel's, at the server's end. Its peers heed no CLOSE that has a code.
    WebTunnel,
}

impl Kind {
    const fn role(self) -> Role {
        match self {
            Self::Adit(role) => role,
            Self::WebTunnel => Role::Server,
        }
    }

    fn farewell(self, frame: Option<CloseFrame>) -> Option<CloseFrame> {
        frame.filter(|_| self != Self::WebTunnel)
    }
}

pub(super) struct Socket<S> {
    inner: WebSocketStream<Metered<S>>,
    kind: Kind,
    /// What came was no WebSocket: its layer reads no more.
    broken: bool,
    /// The least that what was received can have taken on the network.
    accounted_bytes: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) async fn new(socket: S, role: Role) -> Self {
        Self::of(socket, Kind::Adit(role)).await
    }

    pub(super) async fn webtunnel(socket: S) -> Self {
        Self::of(socket, Kind::WebTunnel).await
    }

    async fn of(socket: S, kind: Kind) -> Self {
        let metered = Metered {
            inner: socket,
            written_bytes: 0,
            read_bytes: 0,
        };
        Self {
            inner: layer(metered, kind).await,
            kind,
            broken: false,
            accounted_bytes: 0,
        }
    }

    /// Whether nothing that was read still waits within the WebSocket layer. Where the peer cuts
    /// messages into fragments the answer stays no.
    pub(super) fn is_empty(&self) -> bool {
        !self.broken && self.inner.get_ref().read_bytes == self.accounted_bytes
    }

    /// Gives back the buffers that large messages have left behind, which the layer keeps for
    /// its life. Only for an empty socket after a flush.
    pub(super) async fn shrink(mut self) -> Self {
        self.inner = layer(self.inner.into_inner(), self.kind).await;
        self
    }

    /// Bytes the socket below has taken, WebSocket headers included.
    pub(super) fn written_bytes(&self) -> u64 {
        self.inner.get_ref().written_bytes
    }

    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Fault>> {
        self.inner.poll_next_unpin(cx).map(|message| match message {
            Some(Ok(Message::Binary(bytes))) => {
                self.account(bytes.len());
                Ok(Received::Message(bytes))
            }
            Some(Ok(Message::Text(_))) => Err(Fault::protocol("a text message")),
            Some(Ok(Message::Close(_))) | None => Err(Fault::silent(Closed::Peer)),
            Some(Ok(control)) => {
                self.account(control.len());
                Ok(Received::Control)
            }
            Some(Err(error)) => {
                self.broken = true;
                Err(fault(&error))
            }
        })
    }

    fn account(&mut self, payload_bytes: usize) {
        let length_bytes = match payload_bytes {
            0..=125 => 0,
            126..=0xffff => 2,
            _ => 8,
        };
        let mask_bytes = if self.kind.role() == Role::Server {
            4
        } else {
            0
        };
        self.accounted_bytes += 2 + length_bytes + mask_bytes + payload_bytes as u64;
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

    /// After [`Self::poll_ready`].
    pub(super) fn start_ping(&mut self, payload: Bytes) -> Result<(), Fault> {
        Pin::new(&mut self.inner)
            .start_send(Message::Ping(payload))
            .map_err(|error| fault(&error))
    }

    pub(super) fn is_webtunnel(&self) -> bool {
        self.kind == Kind::WebTunnel
    }

    /// A message of more than this makes buffers grow.
    pub(super) const fn large_message_bytes(&self) -> usize {
        match self.kind {
            Kind::Adit(_) => 4 * 1024,
            Kind::WebTunnel => 1024,
        }
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

    /// Says goodbye without waiting for anything: heard only where the socket takes it at once.
    pub(super) fn leave(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let goodbye = self.kind.farewell(Some(close_frame(CloseCode::Away, "")));
        let goodbye = Message::Close(goodbye);
        let mut inner = Pin::new(&mut self.inner);
        if matches!(inner.as_mut().poll_ready(&mut cx), Poll::Ready(Ok(())))
            && inner.as_mut().start_send(goodbye).is_ok()
        {
            let _ = inner.poll_flush(&mut cx);
        }
    }

    /// Says why, and reads on until the peer has heard it: a socket closed over unread bytes
    /// would take the reason back. Returns whether it answered with a close of its own. To be called
    /// under a timeout.
    pub(super) async fn close(&mut self, farewell: Option<CloseFrame>) -> bool {
        // Where the peer closed first this fails, and reading on sends the answer.
        let _ = self.inner.close(self.kind.farewell(farewell)).await;
        let mut answered = false;
        while let Some(Ok(message)) = self.inner.next().await {
            answered |= message.is_close();
        }
        if self.broken {
            let raw = self.inner.get_mut();
            if raw.shutdown().await.is_ok() {
                let _ = tokio::io::copy(raw, &mut tokio::io::sink()).await;
            }
        }
        answered
    }
}

async fn layer<S>(socket: S, kind: Kind) -> WebSocketStream<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER_BYTES)
        .max_message_size(Some(MAX_MESSAGE_BYTES))
        .max_frame_size(Some(MAX_MESSAGE_BYTES));
    let config = match kind {
        Kind::Adit(_) => config,
        // Its messages are small: many of them go out in one write, and come in one read.
        Kind::WebTunnel => config
            .write_buffer_size(WEBTUNNEL_WRITE_BYTES)
            .max_message_size(Some(webtunnel::MAX_RECEIVED_BYTES))
            .max_frame_size(Some(webtunnel::MAX_RECEIVED_BYTES)),
    };
    WebSocketStream::from_raw_socket(socket, kind.role(), Some(config)).await
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

/// Counts what the socket took, so that the scheduler knows what still waits above it, and what it
/// gave.
struct Metered<S> {
    inner: S,
    written_bytes: u64,
    read_bytes: u64,
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read_bytes += (buf.filled().len() - before) as u64;
        read
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

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    async fn pair() -> (Socket<DuplexStream>, Socket<DuplexStream>) {
        let (client, server) = duplex(256 * 1024);
        (
            Socket::new(client, Role::Client).await,
            Socket::new(server, Role::Server).await,
        )
    }

    async fn pass(from: &mut Socket<DuplexStream>, to: &mut Socket<DuplexStream>, bytes: usize) {
        from.send(vec![7; bytes].into())
            .await
            .expect("the pipe has room");
        match to.receive().await {
            Ok(Received::Message(message)) => assert_eq!(message, vec![7; bytes]),
            _ => panic!("the message"),
        }
    }

    #[tokio::test]
    async fn a_socket_works_on_after_it_was_shrunk() {
        let (mut client, mut server) = pair().await;
        for bytes in [0, 1, 125, 126, 65_535, 65_536] {
            pass(&mut client, &mut server, bytes).await;
            pass(&mut server, &mut client, bytes).await;
            assert!(
                client.is_empty() && server.is_empty(),
                "after {bytes} bytes"
            );
            client = client.shrink().await;
            server = server.shrink().await;
        }
    }

    #[tokio::test]
    async fn a_socket_with_a_part_of_a_message_is_not_empty() {
        let (client, mut server) = pair().await;
        let mut raw = client.inner.into_inner().inner;
        // A message of one byte, and the first byte of another.
        raw.write_all(&[0x82, 0x81, 0, 0, 0, 0, 9, 0x82])
            .await
            .expect("the pipe has room");
        assert!(matches!(server.receive().await, Ok(Received::Message(_))));
        assert!(!server.is_empty());
    }
}
