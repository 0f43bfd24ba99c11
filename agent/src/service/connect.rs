//! Connects to a service.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustls::ClientConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::wire::Code;

use super::{policy, tls};
use crate::config::Service;
use crate::dial;
use crate::server::ServerError;

/// Name, connection and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection, for the other end of the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) code: Code,
    pub(super) text: &'static str,
}

impl Refused {
    pub(super) const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text }
    }
}

/// Connects to services; holds what their TLS needs, which is nothing for most devices.
pub(super) struct Connector {
    checked: Option<Arc<ClientConfig>>,
    unchecked: Option<Arc<ClientConfig>>,
}

impl Connector {
    pub(super) fn new(services: &[Service]) -> Result<Self, ServerError> {
        let has_tls = |skips_checks| {
            services
                .iter()
                .any(|service| service.tls && tls::may_skip_checks(&service.host) == skips_checks)
        };
        Ok(Self {
            checked: has_tls(false).then(tls::checked).transpose()?,
            unchecked: has_tls(true).then(tls::unchecked).transpose()?,
        })
    }

    /// Resolves once and dials what was checked. Cancel-safe.
    pub(super) async fn connect(&self, service: &Service) -> Result<Connection, Refused> {
        timeout(CONNECT_TIMEOUT, self.connect_untimed(service))
            .await
            .unwrap_or(Err(Refused::new(
                Code::TimedOut,
                "the service does not answer",
            )))
    }

    async fn connect_untimed(&self, service: &Service) -> Result<Connection, Refused> {
        let addresses = dial::resolve(&service.host, service.port)
            .await
            .map_err(|_| Refused::new(Code::Unreachable, "the service's name has no address"))?;
        let addresses = policy::allowed(&service.host, addresses);
        if addresses.is_empty() {
            return Err(Refused::new(
                Code::NotAllowed,
                "the service's name leads to a forbidden address",
            ));
        }
        let tcp = dial::connect(&addresses)
            .await
            .map_err(|error| refused(&error))?;
        if let Err(error) = tcp.set_zero_linger() {
            tracing::debug!(%error, "a cut stream may look like a clean end to its service");
        }
        if !service.tls {
            return Ok(Connection::Plain(tcp));
        }
        let config = if tls::may_skip_checks(&service.host) {
            &self.unchecked
        } else {
            &self.checked
        };
        let config = config.as_ref().ok_or(Refused::new(Code::Internal, ""))?;
        let name = tls::server_name(&service.host).map_err(|_| {
            Refused::new(Code::Broken, "no certificate can have the service's name")
        })?;
        TlsConnector::from(Arc::clone(config))
            .connect(name, tcp)
            .await
            .map(|encrypted| Connection::Tls(Box::new(encrypted)))
            .map_err(|error| {
                tracing::info!(service = service.name, %error, "no TLS with the service");
                Refused::new(
                    Code::Broken,
                    "no TLS with the service: its certificate or protocol is not acceptable",
                )
            })
    }
}

fn refused(error: &io::Error) -> Refused {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            Refused::new(Code::Refused, "nothing listens at the service's port")
        }
        io::ErrorKind::TimedOut => Refused::new(Code::TimedOut, "the service does not answer"),
        _ => Refused::new(Code::Unreachable, "the service's host cannot be reached"),
    }
}

/// A connection to a service. Dropped before [`Connection::end_cleanly`] it tells the service with
/// RST that something broke; a FIN would look like a clean end of what was cut.
pub(super) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection {
    /// Both ways have ended with FIN: what is still on its way must not be thrown away.
    pub(super) fn end_cleanly(&self) {
        let tcp = match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(encrypted) => encrypted.get_ref().0,
        };
        if let Err(error) = SockRef::from(tcp).set_linger(None) {
            tracing::debug!(%error, "a service may lose the last bytes of a stream");
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Self::Tls(encrypted) => Pin::new(encrypted).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Self::Tls(encrypted) => Pin::new(encrypted).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_write_vectored(cx, slices),
            Self::Tls(encrypted) => Pin::new(encrypted).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(tcp) => tcp.is_write_vectored(),
            Self::Tls(encrypted) => encrypted.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Self::Tls(encrypted) => Pin::new(encrypted).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Self::Tls(encrypted) => Pin::new(encrypted).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn service(port: u16, tls: bool) -> Service {
        let host = "127.0.0.1".parse().unwrap();
        Service {
            name: "one".into(),
            kind: api::ServiceKind::Tcp,
            host,
            port,
            tls,
        }
    }

    #[tokio::test]
    async fn a_closed_port_is_told_apart_from_silence() {
        let connector = Connector::new(&[service(1, true)]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(connector.connect(&service(port, false)).await.is_ok());
        drop(listener);
        let refused = connector
            .connect(&service(port, false))
            .await
            .err()
            .unwrap();
        assert_eq!(refused.code, Code::Refused);
    }

    #[tokio::test]
    #[expect(
        clippy::disallowed_methods,
        reason = "the service ends with the test's runtime"
    )]
    async fn a_certificate_signed_by_the_device_itself_will_do_at_a_private_address() {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["whatever.lan".to_owned()])
            .and_then(|params| params.self_signed(&key))
            .unwrap();
        let private = rustls_pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let (tcp, _) = listener.accept().await.unwrap();
            let mut encrypted = acceptor.accept(tcp).await.unwrap();
            encrypted.write_all(b"hello").await.unwrap();
            encrypted.shutdown().await.unwrap();
        });
        let connector = Connector::new(&[service(port, true)]).unwrap();
        let mut connection = connector.connect(&service(port, true)).await.ok().unwrap();
        let mut greeting = String::new();
        connection.read_to_string(&mut greeting).await.unwrap();
        assert_eq!(greeting, "hello");
    }

    #[tokio::test]
    async fn a_service_that_stays_silent_during_tls_times_out() {
        let connector = Connector::new(&[service(1, true)]).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::time::pause();
        let refused = connector.connect(&service(port, true)).await.err().unwrap();
        assert_eq!(refused.code, Code::TimedOut);
    }
}
