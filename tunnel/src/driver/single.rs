//! A connection that carries one stream (`adit.stream.v1`, PROTOCOL section 6).

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::Role as SocketRole;

use super::handshake::{HandshakeError, Terms, encoded, first_frame, in_time, refuse, seed};
use super::incoming::IncomingStream;
use super::run::Driver;
use super::shared::{Handle, Shared, Waiters};
use super::socket::Socket;
use super::stream::Stream;
use super::tunnel::Tunnel;
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
    let payload = hello.to_bytes().map_err(protocol)?;
    let mut socket = Socket::new(socket, SocketRole::Client).await;
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
    Ok((
        answer,
        OpenedStream {
            stream,
            tunnel,
            driver,
        },
    ))
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
    let mut socket = Socket::new(socket, SocketRole::Server).await;
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
    let shared = Arc::new(Shared::new(|_| mux));
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
