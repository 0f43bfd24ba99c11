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
use tunnel::driver::{Tunnel, webtunnel};
use tunnel::webtunnel::Config;
use tunnel::wire::Info;

use super::Relay;
use super::admitted::NotAdmitted;
use super::counts::Reject;
use super::line::Line;
use super::meter::Meter;
use super::serve::{Connection, UPGRADE_TIMEOUT};
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

impl Relay {
    /// A place for the tunnel of a device that has proven itself.
    ///
    /// # Errors
    /// [`NotAdmitted`]
    pub async fn admit(&self, device: DeviceId) -> Result<Admitted, NotAdmitted> {
        // Its agents say nothing that tells one process from another: each connection is one.
        let instance = random();
        let permit = self.place_for(device, &instance).await?;
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
        if let Some(old) = registry.seat(device, epoch, instance, line, Instant::now()) {
            self.replace_webtunnel(device, epoch, old);
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
