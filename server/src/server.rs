//! The server as a whole: built, served, stopped.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use ring::rand::{SecureRandom, SystemRandom};
use tokio::net::TcpListener;
use tokio::time::timeout;

use crate::access::{self, Leases, Records};
use crate::accounts::Accounts;
use crate::certificates::{self, CertificateError, Certificates};
use crate::clock::Clock;
use crate::config::{Config, check};
use crate::db::{self, Db};
use crate::devices::{Devices, DevicesError};
use crate::events::Events;
use crate::http::{Certificate, DeviceService, Front, TlsError};
use crate::lifecycle::{Lifecycle, Outcome};
use crate::metrics::{self, TokenError};
use crate::proxy::{self, Proxy};
use crate::relay::Relay;
use crate::sessions::Sessions;
use crate::state::AppState;
use crate::usage::Usage;
use crate::webtunnel::{self, WebTunnel};

/// For the write-ahead log to be written into the database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a server could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    #[error("database: {0}")]
    Database(#[from] db::OpenError),
    #[error("database: {0}")]
    Secret(#[from] sqlx::Error),
    #[error("devices: {0}")]
    Devices(#[from] DevicesError),
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    #[error("the system gives no random numbers")]
    Random,
    #[error("metrics.token_file: {0}")]
    MetricsToken(#[from] TokenError),
}

/// A server that is ready to serve.
pub struct Server {
    handle: Handle,
    front: Arc<Front>,
    metrics: Option<(TcpListener, metrics::Access)>,
}

impl Server {
    /// Opens the database and puts all parts together. Binds nothing.
    ///
    /// # Errors
    /// [`BuildError`]
    pub async fn build(config: Config, clock: Clock) -> Result<Self, BuildError> {
        for warning in check(&config).unwrap_or_default() {
            tracing::warn!("{warning}");
        }
        let config = Arc::new(config);
        let certificate = config
            .listen
            .tls
            .clone()
            .map(Certificate::load)
            .transpose()?;
        let with_devices = config.listen.device_certificates.clone();
        let certificate = match (certificate, with_devices) {
            (Some(certificate), Some(devices)) => Some(certificate.with_devices(devices)?),
            (certificate, _) => certificate,
        };
        let lifecycle = Lifecycle::default();
        let db = Db::open(&config.database).await?;
        let leases = Leases::default();
        let events = Events::new();
        let accounts = Accounts::new(db.clone(), clock.clone(), leases.clone());
        let usage = Usage::new(db.clone(), clock.clone());
        let devices = Devices::load(
            db.clone(),
            clock.clone(),
            events.clone(),
            Arc::clone(&config),
            usage.clone(),
        )
        .await?;
        devices.start(&lifecycle);
        lifecycle.spawn_essential(
            "rights",
            access::watch(
                leases.clone(),
                Records::new(accounts.clone(), devices.clone()),
                Duration::from_secs(config.limits.stream_life_s),
                lifecycle.soft().clone(),
            ),
        );
        let nonce_key = db.secret("device-nonce").await?;
        let relay = Relay::new(
            Arc::clone(&config),
            devices.clone(),
            usage.clone(),
            leases.clone(),
            clock.clone(),
            lifecycle.clone(),
            nonce_key,
        );
        let webtunnel = WebTunnel::new(db.clone(), clock.clone(), devices.clone());
        let proxy = Proxy::new(Arc::clone(&config), clock.clone());
        let are_used = config.listen.device_certificates.is_some();
        let certificates = Certificates::new(db.clone(), clock.clone(), devices.clone(), are_used);
        let state = AppState {
            certificates,
            config: Arc::clone(&config),
            clock,
            db,
            lifecycle: lifecycle.clone(),
            leases,
            events,
            accounts,
            devices,
            usage,
            relay,
            proxy,
            sessions: Sessions::default(),
            webtunnel,
        };

        let manager = crate::http::manager(state.clone());
        let at_devices = state.clone();
        let devices: DeviceService = Arc::new(move |host, request| {
            if webtunnel::is_websockify(&request) {
                return Box::pin(webtunnel::websockify(at_devices.clone(), host, request)) as _;
            }
            Box::pin(proxy::serve(at_devices.clone(), host, request))
        });
        let certificate_in_use = certificate.as_ref();
        let front = Front::new(
            &config,
            certificate_in_use,
            manager,
            devices,
            lifecycle,
            random_seed()?,
        )?;
        let for_agents = state.clone();
        let front = front.with_webtunnel(Arc::new(move |host, request| {
            Box::pin(webtunnel::serve(for_agents.clone(), host, request))
        }));
        Ok(Self {
            handle: Handle { state, certificate },
            front: Arc::new(front),
            metrics: None,
        })
    }

    /// Shows figures at this listener, to those whom the configuration lets.
    ///
    /// # Errors
    /// [`BuildError::MetricsToken`]
    pub fn with_metrics(mut self, listener: TcpListener) -> Result<Self, BuildError> {
        let access = metrics::Access::new(&self.handle.state.config.metrics)?;
        self.metrics = Some((listener, access));
        Ok(self)
    }

    /// Reaches into the server, also while it serves.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Serves until [`Handle::shutdown`] or a crash, and through the stop that follows.
    pub async fn serve(self, listener: TcpListener) -> Outcome {
        let state = &self.handle.state;
        let lifecycle = &state.lifecycle;
        lifecycle.spawn_essential("accept", Arc::clone(&self.front).run(listener));
        if let Some((listener, access)) = self.metrics {
            let registry = metrics::registry(state, &self.front);
            let serving = metrics::serve(listener, registry, access, lifecycle.clone());
            lifecycle.spawn("metrics", serving);
        }
        let (soft, relay) = (lifecycle.soft().clone(), state.relay.clone());
        lifecycle.spawn("drain", async move {
            soft.cancelled().await;
            relay.drain();
        });
        let outcome = lifecycle.run(state.config.timers.stop_grace()).await;
        state.relay.settle_usage();
        match timeout(CLOSE_TIMEOUT, state.usage.write_all()).await {
            Ok(Ok(())) => {}
            failed => tracing::warn!(?failed, "what devices used last was not written"),
        }
        // Nobody writes any more: what is in the write-ahead log goes into the database itself.
        if timeout(CLOSE_TIMEOUT, state.db.close()).await.is_err() {
            tracing::warn!("the database was not closed in time; it is whole all the same");
        }
        outcome
    }
}

/// A running server from outside; cheap to clone. Reads like the [`AppState`] it holds.
#[derive(Clone)]
pub struct Handle {
    state: AppState,
    certificate: Option<Certificate>,
}

impl Handle {
    /// Stops the server: softly the first time, at once the second.
    pub fn shutdown(&self) {
        self.state.lifecycle.stop();
    }

    /// Refuses a device's certificate (by SHA-256 of its SPKI) from now on, and cuts its tunnel.
    ///
    /// # Errors
    /// [`CertificateError`]
    pub async fn revoke_certificate(
        &self,
        scope: access::Scope,
        device: api::DeviceId,
        spki_sha256: &[u8; 32],
    ) -> Result<(), CertificateError> {
        certificates::revoke(&self.state, scope, device, spki_sha256).await
    }

    /// Reads certificate, key and the devices' authorities again.
    ///
    /// # Errors
    /// [`TlsError`]; the ones in use stay.
    pub fn reload_certificate(&self) -> Result<(), TlsError> {
        self.certificate
            .as_ref()
            .map_or(Ok(()), Certificate::reload)
    }
}

impl Deref for Handle {
    type Target = AppState;

    fn deref(&self) -> &AppState {
        &self.state
    }
}

fn random_seed() -> Result<u64, BuildError> {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| BuildError::Random)?;
    Ok(u64::from_le_bytes(bytes))
}
