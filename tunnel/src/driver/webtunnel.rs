//! A tunnel to an agent that speaks WebTunnel: no HELLO, it begins with the 101.

use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::dialect::Dialect;
use super::handshake::Established;
use super::incoming::Incoming;
use super::run::Driver;
use super::shared::Shared;
use super::socket::Socket;
use super::tunnel::Tunnel;
use crate::webtunnel::{Config, Mux, Property};

/// Takes an upgraded connection over, right after the 101 has gone out. Its `incoming` gives none:
/// such an agent opens no streams.
pub async fn webtunnel<S>(socket: S, config: &Config) -> Established<S>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let socket = Socket::webtunnel(socket);
    let mux = |now| Dialect::WebTunnel(Box::new(Mux::new(config, now)));
    let shared = Arc::new(Shared::new(mux));
    Established {
        tunnel: Tunnel {
            shared: Arc::clone(&shared),
        },
        incoming: Incoming::new(Arc::clone(&shared)),
        driver: Driver::new(socket, shared, Bytes::new()),
    }
}

impl Tunnel {
    /// The next set of properties that a WebTunnel agent reports; where several came since the
    /// last call, the newest. `None` when the tunnel has ended. Cancel-safe.
    pub async fn properties(&self) -> Option<Vec<Property>> {
        self.shared
            .wait(&self.shared.changed, |state| {
                let properties = state.properties.take();
                (properties.is_some() || state.closed.is_some()).then_some(properties)
            })
            .await
    }
}
