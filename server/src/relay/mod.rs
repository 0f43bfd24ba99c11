//! Tunnels: accept, authenticate, registry, open a stream, revoke. The core of the server.
//!
//! ```text
//! GET /tunnel ─► proof ─► handshake (HELLO, epoch) ─► registry ─► serve, until it ends
//!                                                        ▲
//!                                       Relay::open ─────┘─► RelayStream, cut with its lease
//! ```

pub mod admission;
mod admitted;
mod counts;
mod drain;
mod duplicate;
mod enrol;
mod line;
mod meter;
mod nonce;
mod open;
mod problem;
mod proof;
mod registry;
mod resume;
mod serve;
mod stream;
#[cfg(test)]
mod tests;
mod upgrade;
mod webtunnel;

use std::sync::Arc;
use std::time::Duration;

use api::DeviceId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Budget, GoAwayReason};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Leases;
use crate::clock::Clock;
use crate::config::Config;
use crate::devices::Devices;
use crate::lifecycle::Lifecycle;
use crate::machine;
use crate::state::AppState;
use crate::usage::Usage;

use self::admission::Admission;
use self::counts::Counts;
use self::proof::Prover;
use self::registry::Registry;
use self::resume::Kept;

pub use self::admitted::NotAdmitted;
pub use self::open::OpenError;
pub use self::stream::RelayStream;
pub use self::webtunnel::{Admitted, Watch, WebTunnelAgent};

/// What a tunnel may have under way to its device, and keeps until that says that it came: at
/// 100 ms there and back this is 80 MB/s. It is memory only while bytes are under way.
const REPLAY_BYTES: u32 = 8 << 20;

/// The relay; cheap to clone.
#[derive(Clone)]
pub struct Relay(Arc<Inner>);

struct Inner {
    devices: Devices,
    usage: Usage,
    lifecycle: Lifecycle,
    prover: Prover,
    admission: Admission,
    registry: Registry,
    counts: Counts,
    /// How many tunnels the memory is enough for, where that is known.
    tunnels_max: Option<u64>,
    stop_grace: Duration,
    /// Of every tunnel; its budget is the one of the process.
    tunnel: tunnel::driver::Config,
    /// For how long a lost one is kept; zero = not.
    resume_for: Duration,
    kept: Kept,
    /// Cancelled when no tunnel and no stream shall begin any more.
    draining: CancellationToken,
    /// Cancelled when the streams that still run have had their time.
    grace_over: CancellationToken,
}

impl Relay {
    /// A relay without tunnels. `nonce_key` must outlive restarts, or a restart would refuse the
    /// agents that are just proving themselves.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        devices: Devices,
        usage: Usage,
        _leases: Leases,
        clock: Clock,
        lifecycle: Lifecycle,
        nonce_key: [u8; 32],
    ) -> Self {
        let given = config.limits.tunnel_memory_bytes;
        let tunnel_memory_bytes = given.unwrap_or_else(machine::tunnel_memory_bytes);
        let limits = &config.limits;
        let tunnels_max = limits.tunnels.or_else(machine::tunnels);
        let rate_per_s = limits.tunnel_handshakes_per_s;
        let rate_per_s = rate_per_s.unwrap_or_else(machine::tunnel_handshakes_per_s);
        tracing::info!(
            tunnel_memory_bytes,
            tunnels_max,
            tunnel_handshakes_per_s = rate_per_s,
            "room for tunnels"
        );
        let now = Instant::now();
        let resume_for = Duration::from_secs(config.limits.resume_s);
        let relay = Self(Arc::new(Inner {
            devices,
            usage,
            prover: Prover::new(&config, clock, &nonce_key),
            admission: Admission::new(rate_per_s, limits.connections, now),
            registry: Registry::new(now),
            counts: Counts::default(),
            tunnels_max,
            stop_grace: config.timers.stop_grace(),
            resume_for,
            kept: Kept::default(),
            tunnel: tunnel::driver::Config {
                process_budget: Budget::new(tunnel_memory_bytes),
                replay_bytes: if resume_for.is_zero() {
                    0
                } else {
                    REPLAY_BYTES
                },
                ..tunnel::driver::Config::default()
            },
            draining: CancellationToken::new(),
            grace_over: CancellationToken::new(),
            lifecycle: lifecycle.clone(),
        }));
        lifecycle.spawn(
            "relay-measure",
            relay.clone().measure(lifecycle.soft().clone()),
        );
        lifecycle.spawn("relay-shed", relay.clone().shed(lifecycle.soft().clone()));
        relay
    }

    /// Ends the device's tunnel (it was deleted or disabled).
    pub fn disconnect(&self, device: DeviceId) {
        let registry = &self.0.registry;
        registry.send_away(device, GoAwayReason::Disabled, Instant::now());
    }

    /// The settings of tunnels, with the budget that all of them share: single streams of clients
    /// take from the same one.
    #[must_use]
    pub fn tunnel_config(&self) -> tunnel::driver::Config {
        self.0.tunnel.clone()
    }

    /// For how long what was lost to the network is kept; `None` = not at all.
    #[must_use]
    pub fn resume_for(&self) -> Option<Duration> {
        Some(self.0.resume_for).filter(|resume_for| !resume_for.is_zero())
    }

    /// Whether the memory is enough for a tunnel of this device. One that comes back takes the place
    /// that it has.
    fn has_room_for(&self, device: DeviceId) -> bool {
        let running = u64::try_from(self.0.counts.tunnels_running.get()).unwrap_or(0);
        let is_here = || {
            matches!(
                self.0.registry.find(device, Instant::now()),
                registry::Whereabouts::Here(_)
            )
        };
        self.0
            .tunnels_max
            .is_none_or(|most| running < most || is_here())
    }

    /// How many tunnels there are, with a connection or waiting for one.
    #[must_use]
    pub fn tunnels(&self) -> usize {
        self.0.registry.len()
    }
}

/// What agents ask for: the only paths that answer at the server's older names.
pub const AGENT_PATHS: [&str; 2] = ["/tunnel", "/api/v1/enrolments"];

/// `/tunnel` and `/api/v1/enrolments`, for the manager's host.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(upgrade::tunnel))
        .routes(routes!(enrol::enrol))
}
