//! The HELLOs.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;

use super::dialect::Dialect;
use super::incoming::Incoming;
use super::resume::{Detached, Resumer};
use super::run::{Closed, Driver};
use super::shared::Shared;
use super::socket::{Fault, Received, Socket, close_frame};
use super::tunnel::Tunnel;
use super::websocket;
use crate::mux::{Config, Mux, ResumeError, Role};
use crate::wire::{AgentHello, Frame, GoAway, Resume, ServerHello, Windows, WireError};

const HELLO_TIMEOUT: Duration = Duration::from_secs(10);
/// For telling the peer why it failed.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
const KEEPALIVE_RANGE_S: (u32, u32) = (10, 300);
const NOT_OFFERED: &str = "a tunnel was resumed that was not offered";

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

/// A tunnel after its HELLOs.
pub struct Established<S> {
    /// Opens streams.
    pub tunnel: Tunnel,
    /// Streams the peer opens.
    pub incoming: Incoming,
    /// To be run by the owner, for as long as the tunnel shall live.
    pub driver: Driver<S>,
}

/// Sends the agent's HELLO over an upgraded connection and waits for the answer.
///
/// # Errors
/// [`HandshakeError`]
pub async fn agent_handshake<S>(
    socket: S,
    hello: AgentHello,
) -> Result<(ServerHello, Established<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    agent_handshake_with(socket, hello, Config::for_agent()).await
}

/// As [`agent_handshake`], with settings. The server's HELLO rules over `keepalive_idle`.
///
/// # Errors
/// [`HandshakeError`]
pub async fn agent_handshake_with<S>(
    socket: S,
    hello: AgentHello,
    config: Config,
) -> Result<(ServerHello, Established<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match agent_handshake_resuming(socket, hello, config, None).await? {
        (answer, Welcome::New(established)) => Ok((answer, established)),
        (_, Welcome::Resumed) => Err(HandshakeError::Protocol(NOT_OFFERED.to_owned())),
    }
}

/// How a server took an agent that may have offered to go on with a tunnel.
pub enum Welcome<T> {
    /// The tunnel goes on over this connection, run by the driver it had before.
    Resumed,
    /// A new one began; the one that was offered has ended.
    New(T),
}

/// As [`agent_handshake_with`]; offers to go on with the tunnel of `lost`, if that still can.
///
/// # Errors
/// [`HandshakeError`]; the tunnel goes on waiting then, except after [`HandshakeError::GoAway`]
/// and where the server's answer makes no sense.
pub async fn agent_handshake_resuming<S>(
    socket: S,
    mut hello: AgentHello,
    config: Config,
    lost: Option<&Resumer<S>>,
) -> Result<(ServerHello, Welcome<Established<S>>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let lost = lost.and_then(|lost| lost.detach(None).ok());
    hello.resume = lost.as_ref().map(Detached::resume);
    let payload = hello
        .to_bytes()
        .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
    let mut socket = Socket::new(socket, websocket::Role::Client);
    let exchange = async {
        socket.send(encoded(&Frame::Hello(payload))).await?;
        first_frame(&mut socket).await
    };
    let (frame, early) = in_time(exchange).await?;
    let answer = match frame {
        Frame::GoAway(goaway) => {
            if let Some(lost) = lost {
                lost.give_up();
            }
            farewell(&mut socket, Fault::silent(Closed::Peer)).await;
            return Err(HandshakeError::GoAway(goaway));
        }
        Frame::Hello(cbor) => ServerHello::from_bytes(&cbor),
        _ => Err(WireError::BadHello),
    };
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => return Err(refuse(&mut socket, error).await),
    };
    if answer.resumed {
        go_on(lost, &answer, socket, early)?;
        return Ok((answer, Welcome::Resumed));
    }
    if let Some(lost) = lost {
        lost.give_up();
    }
    let terms = Terms {
        role: Role::Even,
        windows: (hello.windows, answer.windows),
        seed: seed(&hello.instance),
    };
    let established = establish(socket, terms, config, answer.keepalive_s, early);
    Ok((answer, Welcome::New(established)))
}

/// Goes on with a tunnel as the server's answer says.
pub(super) fn go_on<S>(
    lost: Option<Detached<S>>,
    answer: &ServerHello,
    socket: Socket<S>,
    early: Bytes,
) -> Result<(), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Some(lost) = lost else {
        return Err(HandshakeError::Protocol(NOT_OFFERED.to_owned()));
    };
    let ended = lost.handle();
    let is_same = lost.resume().tunnel == answer.tunnel;
    let resumed = match answer.received {
        Some(received) if is_same => lost.attach(socket, early, received),
        _ => Err(ResumeError::Ended),
    };
    resumed.map_err(|error| {
        ended.close();
        HandshakeError::Protocol(error.to_string())
    })
}

/// Reads the agent's HELLO from an upgraded connection.
///
/// # Errors
/// [`HandshakeError`]
pub async fn server_handshake<S>(socket: S) -> Result<(AgentHello, Pending<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    server_handshake_with(socket, Config::default()).await
}

/// As [`server_handshake`], with settings: above all the budget that all tunnels share.
///
/// # Errors
/// [`HandshakeError`]
pub async fn server_handshake_with<S>(
    socket: S,
    config: Config,
) -> Result<(AgentHello, Pending<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut socket = Socket::new(socket, websocket::Role::Server);
    let (frame, early) = in_time(first_frame(&mut socket)).await?;
    let hello = match frame {
        // The agent cannot know yet what it may send.
        Frame::Hello(cbor) if early.is_empty() => AgentHello::from_bytes(&cbor),
        _ => Err(WireError::BadHello),
    };
    match hello {
        Ok(hello) => {
            let peer = hello.windows;
            Ok((
                hello,
                Pending {
                    socket,
                    peer,
                    config,
                },
            ))
        }
        Err(error) => Err(refuse(&mut socket, error).await),
    }
}

/// A connection whose agent has said HELLO and waits for the answer.
pub struct Pending<S> {
    socket: Socket<S>,
    peer: Windows,
    config: Config,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Pending<S> {
    /// Answers HELLO.
    ///
    /// # Errors
    /// [`HandshakeError::Io`] when the connection broke.
    pub async fn answer(mut self, hello: ServerHello) -> Result<Established<S>, HandshakeError> {
        let cbor = hello
            .to_bytes()
            .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
        in_time(self.socket.send(encoded(&Frame::Hello(cbor)))).await?;
        let windows = (hello.windows, self.peer);
        let terms = Terms {
            role: Role::Odd,
            windows,
            seed: seed(&hello.tunnel),
        };
        Ok(establish(
            self.socket,
            terms,
            self.config,
            hello.keepalive_s,
            Bytes::new(),
        ))
    }

    /// Answers HELLO: the tunnel that `detached` is of goes on over this connection, run by the
    /// driver it had before. Of `hello` the tunnel, `resumed` and `received` are filled in here.
    ///
    /// # Errors
    /// [`HandshakeError::Io`] when the connection broke: the tunnel goes on waiting.
    /// [`HandshakeError::Protocol`] when the tunnel has ended meanwhile, or a later connection
    /// took it.
    pub async fn resume(
        mut self,
        detached: Detached<S>,
        hello: ServerHello,
    ) -> Result<(), HandshakeError> {
        answer_resumed(&mut self.socket, &detached, hello).await?;
        attach(detached, self.socket)
    }

    /// Answers GOAWAY and closes.
    pub async fn send_away(mut self, goaway: GoAway) {
        if in_time(self.socket.send(encoded(&Frame::GoAway(goaway))))
            .await
            .is_ok()
        {
            farewell(&mut self.socket, Fault::silent(Closed::Local)).await;
        }
    }
}

pub(super) async fn answer_resumed<S>(
    socket: &mut Socket<S>,
    detached: &Detached<S>,
    hello: ServerHello,
) -> Result<(), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let Resume { tunnel, received } = detached.resume();
    let hello = ServerHello {
        tunnel,
        resumed: true,
        received: Some(received),
        ..hello
    };
    let cbor = hello
        .to_bytes()
        .map_err(|error| HandshakeError::Protocol(error.to_string()))?;
    in_time(socket.send(encoded(&Frame::Hello(cbor)))).await
}

pub(super) fn attach<S>(detached: Detached<S>, socket: Socket<S>) -> Result<(), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    detached
        .attach_told(socket)
        .map_err(|error| HandshakeError::Protocol(error.to_string()))
}

/// What the HELLOs agreed on.
pub(super) struct Terms {
    pub(super) role: Role,
    /// This end's and the other's.
    pub(super) windows: (Windows, Windows),
    pub(super) seed: u64,
}

impl Terms {
    /// What the server's HELLO asks for, brought into what is sane.
    pub(super) fn keepalive(keepalive_s: u32) -> Duration {
        let (least, most) = KEEPALIVE_RANGE_S;
        Duration::from_secs(keepalive_s.clamp(least, most).into())
    }
}

fn establish<S>(
    socket: Socket<S>,
    terms: Terms,
    mut config: Config,
    keepalive_s: u32,
    early: Bytes,
) -> Established<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    config.keepalive_idle = Terms::keepalive(keepalive_s);
    let (local, peer) = terms.windows;
    let shared = Arc::new(Shared::new(|now| {
        let mux = Mux::new(terms.role, &config, local, peer, now, terms.seed);
        Dialect::Adit(mux)
    }));
    Established {
        tunnel: Tunnel {
            shared: Arc::clone(&shared),
        },
        incoming: Incoming::new(Arc::clone(&shared)),
        driver: Driver::new(socket, shared, early),
    }
}

/// The first frame of the peer, and what came with it. What is no frame is told to the peer.
pub(super) async fn first_frame<S>(socket: &mut Socket<S>) -> Result<(Frame, Bytes), Fault>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let fault = loop {
        match socket.receive().await {
            Ok(Received::Control) => {}
            Ok(Received::Message(mut message)) => match Frame::decode(&mut message) {
                Ok(Some(frame)) => return Ok((frame, message)),
                Ok(None) => {}
                Err(error) => break Fault::protocol(&error.to_string()),
            },
            Err(fault) => break fault,
        }
    };
    let closed = fault.closed.clone();
    if fault.farewell.is_some() {
        farewell(socket, fault).await;
    }
    Err(Fault::silent(closed))
}

pub(super) async fn in_time<T>(
    exchange: impl Future<Output = Result<T, Fault>>,
) -> Result<T, HandshakeError> {
    match timeout(HELLO_TIMEOUT, exchange).await {
        Err(_) => Err(HandshakeError::TimedOut),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(fault)) => Err(match fault.closed {
            Closed::Protocol(text) => HandshakeError::Protocol(text),
            Closed::Io(kind) => HandshakeError::Io(kind.into()),
            _ => HandshakeError::Io(io::ErrorKind::UnexpectedEof.into()),
        }),
    }
}

pub(super) async fn refuse<S>(socket: &mut Socket<S>, error: WireError) -> HandshakeError
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    farewell(socket, Fault::protocol(&error.to_string())).await;
    HandshakeError::Protocol(error.to_string())
}

async fn farewell<S>(socket: &mut Socket<S>, fault: Fault)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let frame = fault
        .farewell
        .unwrap_or_else(|| close_frame(websocket::code::NORMAL, ""));
    let _ = timeout(FAREWELL_TIMEOUT, socket.close(Some(frame))).await;
}

pub(super) fn encoded(frame: &Frame) -> Bytes {
    let mut message = BytesMut::new();
    frame.encode(&mut message);
    message.freeze()
}

/// Random enough to spread keepalives: the first bytes of a random id.
pub(super) fn seed(random: &[u8; 16]) -> u64 {
    random
        .first_chunk::<8>()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
