//! Tunnels: accept, authenticate, registry, open a stream, revoke. The core of the server.
//!
//! ```text
//! GET /tunnel ─► proof ─► handshake (HELLO, epoch) ─► registry ─► serve, until it ends
//!                                                        ▲
//!                                       Relay::open ─────┘─► RelayStream, cut with its lease
//! ```

mod admission;
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
mod serve;
mod stream;
#[cfg(test)]
mod tests;
mod upgrade;

use std::sync::Arc;

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

pub use self::open::OpenError;
pub use self::stream::RelayStream;

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
    /// Of every tunnel; its budget is the one of the process.
    tunnel: tunnel::driver::Config,
    /// Cancelled when no tunnel and no stream shall begin any more.
    draining: CancellationToken,
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
        tracing::info!(
            tunnel_memory_bytes,
            configured = given.is_some(),
            "memory of tunnels"
        );
        let relay = Self(Arc::new(Inner {
            devices,
            usage,
            prover: Prover::new(&config, clock, &nonce_key),
            admission: Admission::default(),
            registry: Registry::new(Instant::now()),
            counts: Counts::default(),
            tunnel: tunnel::driver::Config {
                process_budget: Budget::new(tunnel_memory_bytes),
                ..tunnel::driver::Config::default()
            },
            draining: CancellationToken::new(),
            lifecycle: lifecycle.clone(),
        }));
        lifecycle.spawn(
            "relay-measure",
            relay.clone().measure(lifecycle.soft().clone()),
        );
        relay
    }

    /// Ends the device's tunnel (it was deleted or disabled).
    pub fn disconnect(&self, device: DeviceId) {
        if let Some(line) = self.0.registry.take(device, Instant::now()) {
            serve::send_away(&line.tunnel, GoAwayReason::Disabled);
        }
    }

    /// The settings of tunnels, with the budget that all of them share: single streams of clients
    /// take from the same one.
    #[must_use]
    pub fn tunnel_config(&self) -> tunnel::driver::Config {
        self.0.tunnel.clone()
    }

    /// How many tunnels are up.
    #[must_use]
    pub fn tunnels(&self) -> usize {
        self.0.registry.tunnels().connected
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
