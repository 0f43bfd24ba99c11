//! Tunnels of agents that speak WebTunnel: no HELLO and no resumption, all else as with ours.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use api::DeviceId;
use futures_util::future::BoxFuture;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout};
use tunnel::driver::{GoAwayReason, Tunnel, webtunnel};
use tunnel::webtunnel::Config;
use tunnel::wire::Info;

use super::Relay;
use super::counts::Reject;
use super::line::Line;
use super::meter::Meter;
use super::registry::{Replaced, Unregistered};
use super::serve::{Connection, UPGRADE_TIMEOUT, send_away};
use crate::db::random;
use crate::devices::keyless;

/// Watches a tunnel while it lives: its handle and epoch.
pub type Watch = Box<dyn FnOnce(Tunnel, u64) -> BoxFuture<'static, ()> + Send>;

/// An agent that has shown its secret, and what it said of its device.
pub struct WebTunnelAgent {
    pub device: DeviceId,
    pub address: String,
    pub version: String,
    pub info: Info,
    /// Where links to the device's page lead.
    pub start_path: Option<String>,
    /// After so much silence the agent sends a sign of life.
    pub keep_alive: Duration,
    pub upgrade: OnUpgrade,
    pub watch: Watch,
}

/// A place among the handshakes.
pub struct Admitted {
    instance: [u8; 16],
    _permit: OwnedSemaphorePermit,
}

/// Why an agent is to come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    Stopping,
    /// Another agent with the same id is connected, and the two kept replacing each other.
    Duplicate,
    /// The memory is not enough.
    Full,
    /// Too many at once.
    Busy,
}

impl Relay {
    /// A place for the tunnel of a device that has proven itself.
    ///
    /// # Errors
    /// [`NotAdmitted`]
    pub async fn admit(&self, device: DeviceId) -> Result<Admitted, NotAdmitted> {
        let refuse = |reject, why| {
            self.0.counts.rejected(reject);
            Err(why)
        };
        if self.0.draining.is_cancelled() {
            return refuse(Reject::Stopping, NotAdmitted::Stopping);
        }
        // Its agents say nothing that tells one process from another: each connection is one.
        let instance = random();
        if self.refuses(device, &instance) {
            return refuse(Reject::DuplicateKey, NotAdmitted::Duplicate);
        }
        if !self.has_room_for(device) {
            return refuse(Reject::Memory, NotAdmitted::Full);
        }
        let Some(permit) = self.0.admission.enter().await else {
            return refuse(Reject::Busy, NotAdmitted::Busy);
        };
        if self.0.draining.is_cancelled() {
            return refuse(Reject::Stopping, NotAdmitted::Stopping);
        }
        Ok(Admitted {
            instance,
            _permit: permit,
        })
    }

    /// An agent's secret was wrong.
    pub fn count_wrong_secret(&self) {
        self.0.counts.rejected(Reject::Proof);
    }

    /// Takes an agent over, once its 101 is on the way.
    pub fn welcome_webtunnel(&self, agent: WebTunnelAgent, admitted: Admitted) {
        let relay = self.clone();
        self.0.lifecycle.spawn("tunnel-handshake", async move {
            let device = agent.device;
            if relay
                .establish_webtunnel(agent, admitted.instance)
                .await
                .is_none()
            {
                tracing::info!(%device, "tunnel not established: no upgrade came about");
            }
            drop(admitted);
        });
    }

    async fn establish_webtunnel(&self, agent: WebTunnelAgent, instance: [u8; 16]) -> Option<()> {
        let WebTunnelAgent {
            device,
            address,
            version,
            info,
            start_path,
            keep_alive,
            upgrade,
            watch,
        } = agent;
        let upgraded = timeout(UPGRADE_TIMEOUT, upgrade).await.ok()?.ok()?;
        let socket: Connection = Box::new(TokioIo::new(upgraded));
        let budget = self.0.tunnel.process_budget.clone();
        let established = webtunnel(socket, &Config::new(keep_alive, budget)).await;
        let epoch = self.0.devices.next_epoch();
        let tunnel = established.tunnel.clone();
        let meter = Meter::new(device, tunnel.clone(), self.0.usage.clone());
        let ports = info
            .services
            .iter()
            .map(|service| (service.name.clone(), service.port))
            .collect::<HashMap<_, _>>();
        let line = Line::new(tunnel.clone(), None, Arc::clone(&meter)).with_ports(ports);
        let registry = &self.0.registry;
        match registry.register(device, epoch, instance, line, Instant::now()) {
            Ok(Replaced::Nothing) => {}
            Ok(Replaced::Own(old) | Replaced::Other(old)) => {
                self.replace_webtunnel(device, epoch, old);
            }
            Err(Unregistered::Outdated(line) | Unregistered::Quarantined(line)) => {
                send_away(&line.tunnel, GoAwayReason::Replaced);
            }
        }
        self.check_again(device, &keyless(device));
        let relay = self.clone();
        let lifecycle = &self.0.lifecycle;
        lifecycle.spawn("tunnel", relay.serve(device, epoch, established, meter));
        lifecycle.spawn("webtunnel-properties", watch(tunnel, epoch));
        let devices = &self.0.devices;
        devices.starts_at(device, start_path);
        devices
            .connected(device, epoch, &address, &version, &info)
            .await;
        if !registry.is_current(device, epoch) {
            devices.disconnected(device, epoch);
        }
        Some(())
    }
}
