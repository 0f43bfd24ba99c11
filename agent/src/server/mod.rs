//! Speaks to the server: over TLS, with the device's key as proof.

mod attempt;
mod enroll;
mod error;
mod http1;
mod peers;
mod proof;
mod tls;
mod tunnel;
mod url;

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::config::Config;
use crate::dial;
use crate::key::DeviceKey;

pub use enroll::enroll;
pub use error::{Refusal, ServerError};
pub use url::{ServerUrl, ServerUrlError};

pub(crate) use error::advice_after;
pub(crate) use tls::{client_config, server_name};
pub(crate) use tunnel::Socket;

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
    /// `None`: plain http, on this machine.
    tls: Option<Arc<ClientConfig>>,
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
        let is_tls = config.server.is_tls();
        let tls = is_tls
            .then(|| client_config(config.ca_file.as_deref()))
            .transpose()?;
        Ok(Self {
            url: config.server.clone(),
            tls,
            key,
            instance,
            peers: peers::Peers::default(),
        })
    }

    pub(crate) const fn instance(&self) -> [u8; 16] {
        self.instance
    }

    async fn dial(&self) -> Result<http1::Connection, ServerError> {
        let authority = self.url.authority();
        let addresses = dial::resolve(self.url.host(), self.url.port())
            .await
            .map_err(|source| ServerError::Resolve {
                host: self.url.host().to_string(),
                source,
            })?;
        let addresses = self.peers.order(addresses);
        let tcp = timeout(CONNECT_TIMEOUT, dial::connect(&addresses))
            .await
            .map_err(|_| ServerError::TimedOut("connecting"))?
            .map_err(|source| ServerError::Connect { authority, source })?;
        if let Ok(address) = tcp.peer_addr() {
            self.peers.connected(address);
        }
        let io: Box<dyn Io> = match &self.tls {
            None => Box::new(tcp),
            Some(config) => {
                let name = server_name(self.url.host())?;
                let handshake = TlsConnector::from(Arc::clone(config)).connect(name, tcp);
                let encrypted = timeout(TLS_TIMEOUT, handshake)
                    .await
                    .map_err(|_| ServerError::TimedOut("the TLS handshake"))?
                    .map_err(|error| tls::explain(&error, self.url.host()))?;
                Box::new(encrypted)
            }
        };
        http1::Connection::open(io).await
    }
}
