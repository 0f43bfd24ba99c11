//! Ties a multiplexer to a WebSocket and tokio.
//!
//! ```text
//! agent:  agent_handshake(socket, hello) ──► (ServerHello, Established)
//! server: server_handshake(socket) ──► (AgentHello, Pending) ──answer(ServerHello)──► Established
//! Established { tunnel: open streams · incoming: streams the peer opens · driver: run() it }
//! ```
//!
//! One task per tunnel (the caller's, in [`Driver::run`]) owns the socket; streams are state
//! behind one lock, not tasks and channels.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::wire::{AgentHello, Code, ServerHello, Target};

/// Opens streams on a live tunnel; cheap to clone. Dropping it closes nothing.
#[derive(Clone)]
pub struct Tunnel;

/// Figures of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Round-trip time, minimum of the last 10 s.
    pub rtt: Option<Duration>,
    /// Live streams.
    pub streams: u32,
    /// WebSocket payload bytes.
    pub bytes_sent: u64,
    /// WebSocket payload bytes.
    pub bytes_received: u64,
}

/// Why a stream could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The peer refused.
    #[error("refused by the other end ({code}): {text}")]
    Rejected {
        /// Why, for programs.
        code: Code,
        /// Why, for people; untrusted.
        text: String,
    },
    /// No more streams fit, or budgets are used up.
    #[error("the tunnel carries all it can")]
    Busy,
    /// One of the ends is going away.
    #[error("the tunnel opens nothing new")]
    Draining,
    /// The tunnel has ended.
    #[error("the tunnel has ended")]
    Closed,
}

/// Why a stream's bytes ended other than by a clean end; inside the [`io::Error`] of reads and
/// writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// It was never accepted.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// One end cut it.
    #[error("cut ({code}): {text}")]
    Reset {
        /// Why, for programs.
        code: Code,
        /// Why, for people; untrusted.
        text: String,
    },
    /// The tunnel under it ended.
    #[error("the tunnel was lost")]
    TunnelLost,
}

/// Why a tunnel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// This end closed it ([`Tunnel::close`], or the cancel token's owner).
    Local,
    /// The peer closed the WebSocket.
    Peer,
    /// The peer broke the protocol; the text says how.
    Protocol(String),
    /// The peer did not answer.
    Dead,
    /// The socket broke.
    Io(io::ErrorKind),
    /// The peer said goodbye first.
    GoAway(GoAway),
}

/// GOAWAY (PROTOCOL section 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoAway {
    /// Why.
    pub reason: GoAwayReason,
    /// When to connect again.
    pub reconnect_after: Duration,
    /// Where instead; only ever a server of the agent's own configuration.
    pub url: Option<String>,
}

/// The reason of a GOAWAY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GoAwayReason {
    /// 1: finish the streams, then connect after `reconnect_after` × U(1,2).
    Restart,
    /// 2: connect elsewhere at once, keep this one until its streams end.
    Move,
    /// 3: a newer tunnel of the device took over; wait at least 60 s.
    Replaced,
    /// 4: the device was disabled or deleted.
    Disabled,
    /// 5: the protocol was broken.
    Protocol,
    /// 6: ids are used up; connect anew.
    Ids,
    /// A number this version does not know.
    Other(u16),
}

impl Tunnel {
    /// Opens a stream. Returns at once: bytes may be written before the peer has accepted
    /// (they count against its initial window); a refusal then shows in [`Stream::accepted`] and
    /// in reads and writes.
    ///
    /// # Errors
    /// [`OpenError`] where this end already knows that it cannot be.
    pub fn open(&self, _target: &Target) -> Result<Stream, OpenError> {
        todo!()
    }

    /// Says GOAWAY: nothing new is opened from now on, living streams go on.
    pub fn go_away(&self, _goaway: GoAway) {
        todo!()
    }

    /// Ends the tunnel now; its streams end with [`StreamError::TunnelLost`].
    pub fn close(&self) {
        todo!()
    }

    /// Completes when the tunnel has ended.
    pub async fn closed(&self) -> Closed {
        todo!()
    }

    /// Completes when no stream lives (for draining).
    pub async fn idle(&self) {
        todo!()
    }

    /// Figures of now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        todo!()
    }
}

/// One stream. `poll_shutdown` is a half-close (FIN). Dropped before both directions ended = cut
/// with [`Code::Cancelled`], and the peer never sees a clean end.
pub struct Stream;

impl Stream {
    /// Waits until the peer accepts or refuses.
    ///
    /// # Errors
    /// The refusal, or that the tunnel ended.
    pub async fn accepted(&mut self) -> Result<(), OpenError> {
        todo!()
    }

    /// A handle to cut the stream from elsewhere.
    #[must_use]
    pub fn control(&self) -> StreamControl {
        todo!()
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        todo!()
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}

/// Cuts a stream that somebody else reads and writes. Does not keep it alive.
#[derive(Clone)]
pub struct StreamControl;

impl StreamControl {
    /// Cuts the stream in both directions: the peer gets RESET, this end's reads and writes fail.
    pub fn reset(&self, _code: Code, _text: &str) {
        todo!()
    }

    /// Completes when the stream has ended in both directions, however.
    pub async fn ended(&self) {
        todo!()
    }
}

/// The streams that the peer opens.
pub struct Incoming;

impl Incoming {
    /// The next one; `None` when the tunnel has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<IncomingStream> {
        todo!()
    }
}

/// A stream that the peer has opened and that waits for an answer. Dropped = REJECT(internal).
pub struct IncomingStream;

impl IncomingStream {
    /// What it asks for.
    #[must_use]
    pub fn target(&self) -> &Target {
        todo!()
    }

    /// Completes when the peer no longer wants it, so that a pending connect can be given up.
    pub async fn cancelled(&self) {
        todo!()
    }

    /// Says ACCEPT.
    #[must_use]
    pub fn accept(self) -> Stream {
        todo!()
    }

    /// Says REJECT. `text` is shown to people at the other end.
    pub fn reject(self, _code: Code, _text: &str) {
        todo!()
    }
}

/// A tunnel after its HELLOs.
pub struct Established<S> {
    /// Opens streams.
    pub tunnel: Tunnel,
    /// Streams the peer opens.
    pub incoming: Incoming,
    /// To be run by the owner, for as long as the tunnel shall live.
    pub driver: Driver<S>,
}

/// Moves the bytes of one tunnel.
pub struct Driver<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<S> {
    /// Runs until the tunnel ends. Dropped earlier, the tunnel ends at once.
    pub async fn run(self) -> Closed {
        todo!()
    }
}

/// Why the HELLOs failed.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The peer closed or the socket broke.
    #[error("the connection broke during the handshake: {0}")]
    Io(#[from] io::Error),
    /// The peer sent something else.
    #[error("the other end broke the protocol: {0}")]
    Protocol(String),
    /// Nothing came in time.
    #[error("the other end did not say HELLO in time")]
    TimedOut,
    /// The server said GOAWAY instead of HELLO.
    #[error("the server sent this device away")]
    GoAway(GoAway),
}

/// Sends the agent's HELLO over an upgraded connection and waits for the answer.
///
/// # Errors
/// [`HandshakeError`]
pub async fn agent_handshake<S>(
    _socket: S,
    _hello: AgentHello,
) -> Result<(ServerHello, Established<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    todo!()
}

/// Reads the agent's HELLO from an upgraded connection.
///
/// # Errors
/// [`HandshakeError`]
pub async fn server_handshake<S>(_socket: S) -> Result<(AgentHello, Pending<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    todo!()
}

/// A connection whose agent has said HELLO and waits for the answer.
pub struct Pending<S>(S);

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Pending<S> {
    /// Answers HELLO.
    ///
    /// # Errors
    /// [`HandshakeError::Io`] when the connection broke.
    pub async fn answer(self, _hello: ServerHello) -> Result<Established<S>, HandshakeError> {
        todo!()
    }

    /// Answers GOAWAY and closes.
    pub async fn send_away(self, _goaway: GoAway) {
        todo!()
    }
}
