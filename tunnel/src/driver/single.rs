//! A connection that carries one stream (`adit.stream.v1`, PROTOCOL section 6).

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::dialect::Dialect;
use super::handshake::{
    HandshakeError, Terms, Welcome, answer_resumed, attach, encoded, first_frame, go_on, in_time,
    refuse, seed,
};
use super::incoming::IncomingStream;
use super::resume::{Detached, Resumer};
use super::run::Driver;
use super::shared::{Handle, Shared, Waiters};
use super::socket::Socket;
use super::stream::Stream;
use super::tunnel::Tunnel;
use super::websocket;
use crate::mux::{Config, Mux, Role, StreamId};
use crate::wire::{Frame, ServerHello, StreamHello, Target, Windows, WireError};

/// The client's end after the HELLOs.
pub struct OpenedStream<S> {
    /// Bytes may be written at once; [`Stream::accepted`] tells the answer.
    pub stream: Stream,
    /// Ends the connection, and tells its figures.
    pub tunnel: Tunnel,
    /// To be run by the owner, for as long as the stream shall live.
    pub driver: Driver<S>,
}

/// The server's end after the HELLOs.
pub struct AskedStream<S> {
    /// To be accepted or rejected.
    pub stream: IncomingStream,
    /// Ends the connection, and tells its figures.
    pub tunnel: Tunnel,
    /// To be run by the owner, for as long as the stream shall live.
    pub driver: Driver<S>,
}

/// Asks for the stream that an upgraded connection is for.
///
/// # Errors
/// [`HandshakeError`]
pub async fn stream_handshake<S>(
    socket: S,
    hello: StreamHello,
    config: Config,
) -> Result<(ServerHello, OpenedStream<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    match stream_handshake_resuming(socket, hello, config, None).await? {
        (answer, Welcome::New(opened)) => Ok((answer, opened)),
        (answer, Welcome::Resumed) => Err(protocol(format!("resumed: {}", answer.resumed))),
    }
}

/// As [`stream_handshake`]; offers to go on with the stream of `lost`, if that still can.
///
/// # Errors
/// [`HandshakeError`]; the stream goes on waiting then, except where the server's answer makes no
/// sense.
pub async fn stream_handshake_resuming<S>(
    socket: S,
    mut hello: StreamHello,
    config: Config,
    lost: Option<&Resumer<S>>,
) -> Result<(ServerHello, Welcome<OpenedStream<S>>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let lost = lost.and_then(|lost| lost.detach(None).ok());
    hello.resume = lost.as_ref().map(Detached::resume);
    let payload = hello.to_bytes().map_err(protocol)?;
    let mut socket = Socket::new(socket, websocket::Role::Client);
    let exchange = async {
        socket.send(encoded(&Frame::Hello(payload))).await?;
        first_frame(&mut socket).await
    };
    let (frame, early) = in_time(exchange).await?;
    let answer = match frame {
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
        role: Role::Odd,
        windows: (hello.windows, answer.windows),
        seed: seed(&answer.tunnel),
    };
    let (handle, driver) = establish(socket, &terms, config, answer.keepalive_s, early)?;
    let tunnel = Tunnel {
        shared: Arc::clone(&handle.shared),
    };
    let stream = Stream::new(handle);
    let opened = OpenedStream {
        stream,
        tunnel,
        driver,
    };
    Ok((answer, Welcome::New(opened)))
}

/// Reads the HELLO of whoever asks for a stream over an upgraded connection.
///
/// # Errors
/// [`HandshakeError`]
pub async fn stream_asked<S>(
    socket: S,
    config: Config,
) -> Result<(StreamHello, PendingStream<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut socket = Socket::new(socket, websocket::Role::Server);
    let (frame, early) = in_time(first_frame(&mut socket)).await?;
    let hello = match frame {
        // The client cannot know yet what it may send.
        Frame::Hello(cbor) if early.is_empty() => StreamHello::from_bytes(&cbor),
        _ => Err(WireError::BadHello),
    };
    match hello {
        Ok(hello) => {
            let peer = hello.windows;
            let pending = PendingStream {
                socket,
                peer,
                config,
            };
            Ok((hello, pending))
        }
        Err(error) => Err(refuse(&mut socket, error).await),
    }
}

/// A connection whose client has said HELLO and waits for the answer.
pub struct PendingStream<S> {
    socket: Socket<S>,
    peer: Windows,
    config: Config,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> PendingStream<S> {
    /// Answers HELLO. `target` is what the connection was opened for.
    ///
    /// # Errors
    /// [`HandshakeError::Io`] when the connection broke, [`HandshakeError::Protocol`] when a
    /// budget is used up.
    pub async fn answer(
        mut self,
        hello: ServerHello,
        target: Target,
    ) -> Result<AskedStream<S>, HandshakeError> {
        let cbor = hello.to_bytes().map_err(protocol)?;
        in_time(self.socket.send(encoded(&Frame::Hello(cbor)))).await?;
        let terms = Terms {
            role: Role::Even,
            windows: (hello.windows, self.peer),
            seed: seed(&hello.tunnel),
        };
        let (handle, driver) = establish(
            self.socket,
            &terms,
            self.config,
            hello.keepalive_s,
            Bytes::new(),
        )?;
        let tunnel = Tunnel {
            shared: Arc::clone(&handle.shared),
        };
        let stream = IncomingStream::new(handle, target);
        Ok(AskedStream {
            stream,
            tunnel,
            driver,
        })
    }

    /// Answers HELLO: the stream that `detached` is of goes on over this connection, run by the
    /// driver it had before. Of `hello` the tunnel, `resumed` and `received` are filled in here.
    ///
    /// # Errors
    /// [`HandshakeError::Io`] when the connection broke: the stream goes on waiting.
    /// [`HandshakeError::Protocol`] when it has ended meanwhile, or a later connection took it.
    pub async fn resume(
        mut self,
        detached: Detached<S>,
        hello: ServerHello,
    ) -> Result<(), HandshakeError> {
        answer_resumed(&mut self.socket, &detached, hello).await?;
        attach(detached, self.socket)
    }
}

fn establish<S>(
    socket: Socket<S>,
    terms: &Terms,
    mut config: Config,
    keepalive_s: u32,
    early: Bytes,
) -> Result<(Handle, Driver<S>), HandshakeError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    config.keepalive_idle = Terms::keepalive(keepalive_s);
    let (local, peer) = terms.windows;
    let mux = Mux::for_stream(
        terms.role,
        &config,
        local,
        peer,
        crate::Time::START,
        terms.seed,
    );
    let mux = mux.map_err(protocol)?;
    let shared = Arc::new(Shared::new(|_| Dialect::Adit(mux)));
    let waiters = Waiters::default();
    let handle = Handle {
        shared: Arc::clone(&shared),
        id: StreamId::ONLY,
        changed: Arc::clone(&waiters.changed),
    };
    shared.drive(|state| state.waiters.insert(StreamId::ONLY, waiters));
    Ok((handle, Driver::new(socket, shared, early)))
}

fn protocol(error: impl std::fmt::Display) -> HandshakeError {
    HandshakeError::Protocol(error.to_string())
}
