//! One connection from handshake to close.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tunnel::driver::ReadAhead;

use super::caps::Permit;
use super::client_certificate::ClientCertificate;
use super::front::{Front, Origination};
use super::gate::{Gate, Socket};
use super::head::MAX_AGENT_FIELDS;
use super::link::Link;

/// What hyper may hold of what is read or to be written. More than the largest head.
const BUFFER_BYTES: usize = 128 * 1024;

/// Serves a connection until it is closed or handed over to an upgrade.
pub(super) async fn serve(front: Arc<Front>, socket: TcpStream, peer: SocketAddr, permit: Permit) {
    let Shaken {
        socket,
        sni,
        certificate,
    } = tokio::select! {
        biased;
        () = front.lifecycle().soft().cancelled() => return,
        shaken = handshake(&front, socket) => match shaken {
            Ok(shaken) => shaken,
            Err(error) => {
                tracing::debug!(%peer, %error, "no handshake");
                return;
            }
        },
    };
    let link = Link::new(Some(permit));
    let gate = Gate::new(socket, Arc::clone(&link), Arc::clone(front.timers()));
    let origination = Arc::new(Origination {
        link: Arc::clone(&link),
        socket: peer,
        sni,
        certificate,
    });
    let service = service_fn(|request| {
        let (front, origination) = (Arc::clone(&front), Arc::clone(&origination));
        async move { Ok::<_, std::convert::Infallible>(front.answer(&origination, request).await) }
    });
    // Its own header timer stays off: the gate has stricter ones.
    let connection = http1::Builder::new()
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES)
        // The gate lets so many pass of agents of WebTunnel alone.
        .max_headers(MAX_AGENT_FIELDS)
        .serve_connection(TokioIo::new(gate), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            () = link.until_cut() => {
                tracing::debug!(%peer, "cut");
                return;
            }
            () = front.lifecycle().soft().cancelled(), if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "connection ended");
                }
                return;
            }
        }
    }
}

/// What the kernel takes of messages beyond what it may send now. What it has taken nothing can
/// overtake: left to itself it takes megabytes, on a thin line a minute of a tunnel's keystrokes.
/// An answer it takes whole, where it can: that frees what the answer holds here.
const UNSENT_BYTES: u32 = 16 << 10;

/// A socket ready for HTTP.
struct Shaken {
    socket: Transport,
    /// `Some` on TLS: the name that the client asked for, if it did.
    sni: Option<Option<String>>,
    certificate: Option<Arc<ClientCertificate>>,
}

async fn handshake(front: &Front, socket: TcpStream) -> io::Result<Shaken> {
    // Before the handshake: its flights are small writes too.
    socket.set_nodelay(true)?;
    let Some(acceptor) = front.acceptor() else {
        return Ok(Shaken {
            socket: Transport::Plain(ReadAhead::new(socket)),
            sni: None,
            certificate: None,
        });
    };
    let limit = Duration::from_millis(front.timers().tls_handshake_ms);
    let accepted = tokio::time::timeout(limit, acceptor.accept(ReadAhead::new(socket)));
    let (stream, certificate) = accepted.await??;
    let name = stream.get_ref().1.server_name().map(str::to_owned);
    Ok(Shaken {
        socket: Transport::Tls(Box::new(stream)),
        sni: Some(name),
        certificate: certificate.map(Arc::new),
    })
}

/// A socket with or without TLS.
enum Transport {
    Plain(ReadAhead<TcpStream>),
    Tls(Box<TlsStream<ReadAhead<TcpStream>>>),
}

impl Transport {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(socket) => socket.inner(),
            Self::Tls(stream) => stream.get_ref().0.inner(),
        }
    }
}

impl Socket for Transport {
    fn reset_on_drop(&self) {
        // Where it fails the connection is gone already.
        let _ = self.socket().set_zero_linger();
    }

    fn carries_messages(&self) {
        // Works without, but for keystrokes on a thin line.
        let _ = SockRef::from(self.socket()).set_tcp_notsent_lowat(UNSENT_BYTES);
    }
}

/// Calls the same method of whatever is inside.
macro_rules! forward {
    ($transport:expr, $method:ident $(, $argument:expr)*) => {
        match $transport.get_mut() {
            Self::Plain(socket) => Pin::new(socket).$method($($argument),*),
            Self::Tls(stream) => Pin::new(&mut **stream).$method($($argument),*),
        }
    };
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        forward!(self, poll_read, cx, out)
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write, cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        forward!(self, poll_write_vectored, cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_flush, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        forward!(self, poll_shutdown, cx)
    }
}
