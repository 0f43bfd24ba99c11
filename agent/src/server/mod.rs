//! Speaks to the server: over TLS, with the device's key as proof.

mod attempt;
mod client_certificate;
mod connect;
mod enroll;
mod error;
mod http1;
mod issuer;
mod peers;
mod proof;
mod tls;
mod tunnel;
mod url;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::tunnel::driver::ReadAhead;
use rand::Rng;
use rand::rngs::StdRng;
use rustls::ClientConfig;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::Config;
use crate::dial;
use crate::host::Host;
use crate::key::DeviceKey;
use crate::proxy::ProxyUrl;

pub use connect::ProxyError;
pub use enroll::enroll;
pub use error::{Refusal, ServerError};
pub use url::{ServerUrl, ServerUrlError};

pub(crate) use error::advice_after;
use error::plain;
pub(crate) use tls::{client_config, server_name};
pub(crate) use tunnel::Socket;

/// What the kernel takes beyond what it may send now. What it has taken nothing can overtake:
/// left to itself it takes megabytes, on a thin line a minute of a tunnel's keystrokes.
const UNSENT_BYTES: u32 = 16 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const TLS_TIMEOUT: Duration = Duration::from_secs(10);
/// The server queues handshakes rather than refusing them; it deserves some patience.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection to the server, encrypted or (on loopback) not.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// The server as this process sees it.
pub(crate) struct Server {
    url: ServerUrl,
    proxy: Option<ProxyUrl>,
    /// `None`: plain http, on this machine.
    tls: Option<Arc<ClientConfig>>,
    /// For a proxy that is spoken to by TLS. The device's certificate is not for it.
    proxy_tls: Option<Arc<ClientConfig>>,
    key: Arc<DeviceKey>,
    /// Random per process: tells two processes with one key apart.
    instance: [u8; 16],
    peers: peers::Peers,
}

impl Server {
    /// Reads the certificates to trust; connects nowhere.
    pub(crate) fn new(
        config: &Config,
        key: Arc<DeviceKey>,
        rng: &mut StdRng,
    ) -> Result<Self, ServerError> {
        let mut instance = [0; 16];
        rng.fill_bytes(&mut instance);
        let variable = |name: &str| std::env::var(name).ok();
        let proxy = config
            .proxy
            .towards(&config.server, variable)
            .map_err(ProxyError::from)?;
        if let Some(proxy) = &proxy {
            tracing::info!(%proxy, "the server is reached through a proxy");
        }
        let ca_file = config.ca_file.as_deref();
        let own = config.client_certificate.as_ref();
        let tls = config
            .server
            .is_tls()
            .then(|| client_config(ca_file, own))
            .transpose()?;
        let proxy_tls = proxy
            .as_ref()
            .is_some_and(ProxyUrl::is_tls)
            .then(|| client_config(ca_file, None))
            .transpose()?;
        Ok(Self {
            url: config.server.clone(),
            proxy,
            tls,
            proxy_tls,
            key,
            instance,
            peers: peers::Peers::default(),
        })
    }

    pub(crate) const fn instance(&self) -> [u8; 16] {
        self.instance
    }

    async fn dial(&self) -> Result<http1::Connection, ServerError> {
        let mut io: Box<dyn Io> = match &self.proxy {
            None => Box::new(self.dial_direct().await?),
            Some(proxy) => self.dial_through(proxy).await?,
        };
        io = if self.url.is_tls() {
            self.encrypt(io, self.tls.as_ref(), self.url.host()).await?
        } else {
            Box::new(ReadAhead::new(io))
        };
        http1::Connection::open(io).await
    }

    async fn dial_direct(&self) -> Result<TcpStream, ServerError> {
        let (host, port) = (self.url.host(), self.url.port());
        let addresses = dial::resolve(host, port)
            .await
            .map_err(|source| ServerError::Resolve {
                host: host.to_string(),
                source,
            })?;
        self.dial_one_of(addresses)
            .await?
            .map_err(|source| ServerError::Connect {
                authority: self.url.authority(),
                source,
            })
    }

    /// The server's name is the proxy's to resolve: this network may not know it.
    async fn dial_through(&self, proxy: &ProxyUrl) -> Result<Box<dyn Io>, ServerError> {
        let addresses = dial::resolve(proxy.host(), proxy.port())
            .await
            .map_err(|source| ProxyError::Resolve {
                proxy: proxy.to_string(),
                source,
            })?;
        let tcp = self
            .dial_one_of(addresses)
            .await?
            .map_err(|source| ProxyError::Unreachable {
                proxy: proxy.to_string(),
                source,
            })?;
        let mut io: Box<dyn Io> = Box::new(tcp);
        if proxy.is_tls() {
            io = self
                .encrypt(io, self.proxy_tls.as_ref(), proxy.host())
                .await?;
        }
        connect::connect(io, proxy, self.url.host_and_port()).await
    }

    async fn dial_one_of(
        &self,
        addresses: Vec<SocketAddr>,
    ) -> Result<io::Result<TcpStream>, ServerError> {
        let addresses = self.peers.order(addresses);
        let tcp = timeout(CONNECT_TIMEOUT, dial::connect(&addresses))
            .await
            .map_err(|_| ServerError::TimedOut("connecting"))?;
        if let Ok(tcp) = &tcp {
            if let Ok(address) = tcp.peer_addr() {
                self.peers.connected(address);
            }
            if let Err(error) = SockRef::from(tcp).set_tcp_notsent_lowat(UNSENT_BYTES) {
                // It works without, but for keystrokes on a thin line.
                tracing::debug!(%error, "the kernel does not bound what waits");
            }
        }
        Ok(tcp)
    }

    async fn encrypt(
        &self,
        io: Box<dyn Io>,
        config: Option<&Arc<ClientConfig>>,
        host: &Host,
    ) -> Result<Box<dyn Io>, ServerError> {
        let Some(config) = config else {
            return Err(ServerError::Tls("there are no certificates".to_owned()));
        };
        let name = server_name(host)?;
        let handshake = TlsConnector::from(Arc::clone(config)).connect(name, ReadAhead::new(io));
        let encrypted = timeout(TLS_TIMEOUT, handshake)
            .await
            .map_err(|_| ServerError::TimedOut("the TLS handshake"))?
            .map_err(|error| tls::explain(&error, host))?;
        Ok(Box::new(encrypted))
    }
}
