//! The WebSocket under a tunnel: small buffers, sizes checked, bytes counted.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::run::Closed;
use super::websocket::{CloseFrame, Error, Event, Role, WebSocket, code};
use crate::webtunnel;
use crate::wire::MAX_MESSAGE_BYTES;

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
            farewell: Some(close_frame(code::PROTOCOL, reason)),
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

    const fn max_message_bytes(self) -> usize {
        match self {
            Self::Adit(_) => MAX_MESSAGE_BYTES,
            Self::WebTunnel => webtunnel::MAX_RECEIVED_BYTES,
        }
    }

    fn farewell(self, frame: Option<CloseFrame>) -> Option<CloseFrame> {
        frame.filter(|_| self != Self::WebTunnel)
    }
}

pub(super) struct Socket<S> {
    inner: WebSocket<Metered<S>>,
    kind: Kind,
    /// What came was no WebSocket: nothing more is read.
    broken: bool,
    answered: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(socket: S, role: Role) -> Self {
        Self::of(socket, Kind::Adit(role))
    }

    pub(super) fn webtunnel(socket: S) -> Self {
        Self::of(socket, Kind::WebTunnel)
    }

    fn of(socket: S, kind: Kind) -> Self {
        let metered = Metered {
            inner: socket,
            written_bytes: 0,
            flushed_bytes: 0,
        };
        Self {
            inner: WebSocket::new(metered, kind.role(), kind.max_message_bytes()),
            kind,
            broken: false,
            answered: false,
        }
    }

    /// Gives back the buffers that large messages have left behind.
    pub(super) fn shrink(&mut self) {
        self.inner.shrink();
    }

    /// Bytes the socket below has taken, WebSocket headers included.
    pub(super) fn written_bytes(&self) -> u64 {
        self.inner.socket().written_bytes
    }

    /// As many of them as no layer of this process holds any more. TLS takes up to 64 KiB that the
    /// kernel does not want yet: a keystroke behind them is as late as behind a queue of ours.
    pub(super) fn flushed_bytes(&self) -> u64 {
        self.inner.socket().flushed_bytes
    }

    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>) -> Poll<Result<Received, Fault>> {
        if self.broken {
            return Poll::Ready(Err(Fault::silent(Closed::Peer)));
        }
        let event = ready!(self.inner.poll_event(cx));
        self.broken = event.is_err();
        Poll::Ready(match event {
            Ok(Event::Binary(bytes)) => Ok(Received::Message(bytes)),
            Ok(Event::Ping(_) | Event::Pong) => Ok(Received::Control),
            Ok(Event::Text(_)) => Err(Fault::protocol("a text message")),
            Ok(Event::Close(_)) => Err(Fault::silent(Closed::Peer)),
            Err(error) => Err(fault(error)),
        })
    }

    pub(super) async fn receive(&mut self) -> Result<Received, Fault> {
        std::future::poll_fn(|cx| self.poll_receive(cx)).await
    }

    /// Whether there is room for another message.
    pub(super) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Fault>> {
        self.inner.poll_ready(cx).map_err(fault)
    }

    /// After [`Self::poll_ready`].
    pub(super) fn start_send(&mut self, message: Bytes) {
        self.inner.start_binary(message);
    }

    /// After [`Self::poll_ready`].
    pub(super) fn start_ping(&mut self, payload: Bytes) {
        self.inner.start_ping(payload);
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
        self.inner.poll_flush(cx).map_err(fault)
    }

    pub(super) async fn send(&mut self, message: Bytes) -> Result<(), Fault> {
        self.start_send(message);
        self.flush().await
    }

    async fn flush(&mut self) -> Result<(), Fault> {
        std::future::poll_fn(|cx| self.poll_flush(cx)).await
    }

    /// Says goodbye without waiting for anything: heard only where the socket takes it at once.
    pub(super) fn leave(&mut self) {
        let mut cx = Context::from_waker(Waker::noop());
        let goodbye = self.kind.farewell(Some(close_frame(code::AWAY, "")));
        self.inner.start_close(goodbye);
        let _ = self.inner.poll_flush(&mut cx);
    }

    /// Says why, and reads on until the peer has heard it: a socket closed over unread bytes
    /// would take the reason back. To be called under a timeout.
    pub(super) async fn close(&mut self, farewell: Option<CloseFrame>) {
        // Nothing more is said where the peer has closed first.
        self.inner.start_close(self.kind.farewell(farewell));
        let _ = self.flush().await;
        let was_broken = self.broken;
        let last = loop {
            if let Err(fault) = self.receive().await {
                break fault.closed;
            }
        };
        self.answered = !was_broken && last == Closed::Peer;
        let raw = self.inner.socket_mut();
        if raw.shutdown().await.is_ok() {
            let _ = tokio::io::copy(raw, &mut tokio::io::sink()).await;
        }
    }

    /// Whether the peer answered [`Self::close`] with a close of its own.
    pub(super) const fn has_answered(&self) -> bool {
        self.answered
    }
}

/// A reason that fits a close frame.
pub(super) fn close_frame(code: u16, reason: &str) -> CloseFrame {
    CloseFrame {
        code,
        reason: crate::wire::clean(reason, 120),
    }
}

fn fault(error: Error) -> Fault {
    let code = match error {
        Error::Io(kind) => return Fault::silent(Closed::Io(kind)),
        Error::Protocol(_) => code::PROTOCOL,
        Error::TooLarge => code::TOO_LARGE,
        Error::NotUtf8 => code::NOT_UTF8,
    };
    let reason = error.to_string();
    Fault {
        farewell: Some(close_frame(code, &reason)),
        closed: Closed::Protocol(reason),
    }
}

/// Counts what the socket took, so that the scheduler knows what still waits above it.
struct Metered<S> {
    inner: S,
    written_bytes: u64,
    flushed_bytes: u64,
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
    fn count(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.written_bytes += *bytes as u64;
            // Asks the layer below how much of it is gone; an error comes again with the next call.
            let _ = self.flush_below(cx);
        }
        written
    }

    fn flush_below(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        if let Poll::Ready(Ok(())) = &flushed {
            self.flushed_bytes = self.written_bytes;
        }
        flushed
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.flush_below(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    fn pair() -> (Socket<DuplexStream>, Socket<DuplexStream>) {
        let (client, server) = duplex(256 * 1024);
        (
            Socket::new(client, Role::Client),
            Socket::new(server, Role::Server),
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
        let (mut client, mut server) = pair();
        for bytes in [0, 1, 125, 126, 65_535, 65_536] {
            pass(&mut client, &mut server, bytes).await;
            pass(&mut server, &mut client, bytes).await;
            client.shrink();
            server.shrink();
        }
    }
}
