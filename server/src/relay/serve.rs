//! The life of a tunnel: HELLO, registration, running, end.

use std::sync::Arc;
use std::time::Duration;

use api::DeviceId;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Closed, Established, HandshakeError, Link, server_handshake_with};
use tunnel::wire::{Code, ServerHello, Windows};

use super::counts::Counted;
use super::line::Line;
use super::meter::Meter;
use super::{Inner, Relay};

/// What a tunnel runs over: an upgraded connection, in tests a pipe.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

/// One of whatever kind: a tunnel may go on over another kind than it began with.
pub(super) type Connection = Box<dyn Socket>;

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Socket for S {}

pub(super) const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);
/// How often round-trip times are read, and what went through tunnels.
const MEASURE_EVERY: Duration = Duration::from_secs(15);
const KEEPALIVE_S: u32 = 45;
/// An agent opens few streams: telemetry and the like.
const MAX_AGENT_STREAMS: u32 = 16;

/// A device that has proven itself and whose connection is about to become a tunnel.
pub(super) struct Newcomer {
    pub(super) proven: ProvenDevice,
    pub(super) upgrade: OnUpgrade,
    /// The place among the handshakes.
    pub(super) permit: OwnedSemaphorePermit,
}

/// Who it is, and from where.
pub(super) struct ProvenDevice {
    pub(super) device: DeviceId,
    pub(super) key: [u8; 32],
    pub(super) instance: [u8; 16],
    pub(super) address: String,
}

impl Relay {
    /// Takes a proven device over, once its 101 is on the way.
    pub(super) fn welcome(&self, newcomer: Newcomer) {
        let relay = self.clone();
        self.0.lifecycle.spawn("tunnel-handshake", async move {
            let device = newcomer.proven.device;
            if let Err(error) = relay.handshake(newcomer).await {
                tracing::info!(%device, %error, "tunnel not established");
            }
        });
    }

    async fn handshake(&self, newcomer: Newcomer) -> Result<(), HandshakeError> {
        let Newcomer {
            proven,
            upgrade,
            permit,
        } = newcomer;
        let upgraded = timeout(UPGRADE_TIMEOUT, upgrade)
            .await
            .map_err(|_| HandshakeError::TimedOut)?
            .map_err(std::io::Error::other)?;
        self.establish(TokioIo::new(upgraded), proven).await?;
        drop(permit);
        Ok(())
    }

    /// Ends with a task of its own for the tunnel, so that what the handshake needed is freed:
    /// most tunnels live long and do nothing.
    pub(super) async fn establish<S: Socket>(
        &self,
        socket: S,
        proven: ProvenDevice,
    ) -> Result<(), HandshakeError> {
        let socket: Connection = Box::new(socket);
        let (hello, pending) = server_handshake_with(socket, self.0.tunnel.clone()).await?;
        if hello.instance != proven.instance {
            return Err(HandshakeError::Protocol(
                "HELLO names another instance".to_owned(),
            ));
        }
        if let Some(detached) = self.detach(&proven, &hello) {
            self.resume(&proven, pending, detached).await?;
            self.0.counts.asked_to_resume(true);
            return Ok(());
        }
        if hello.resume.is_some() {
            self.0.counts.asked_to_resume(false);
        }
        let ProvenDevice {
            device,
            key,
            instance,
            address,
        } = proven;
        // A tunnel that begins now is newer than all before it, whoever registers first.
        let epoch = self.0.devices.next_epoch();
        let answer = self.server_hello(epoch)?;
        let id = answer.tunnel;
        let mut established = pending.answer(answer).await?;
        let resumer = self
            .resume_for()
            .map(|resume_for| established.driver.resumable(id, resume_for));
        let tunnel = established.tunnel.clone();
        let meter = Meter::new(device, tunnel.clone(), self.0.usage.clone());
        let line = Line::new(tunnel.clone(), resumer, Arc::clone(&meter));
        let registry = &self.0.registry;
        if let Some(old) = registry.seat(device, epoch, instance, line, Instant::now()) {
            self.replace(device, epoch, address.clone(), old);
        }
        self.check_again(device, &key);
        let relay = self.clone();
        self.0
            .lifecycle
            .spawn("tunnel", relay.serve(device, epoch, established, meter));
        // After the spawn: the device is reachable while its record is being written.
        self.0
            .devices
            .connected(device, epoch, &address, &hello.version, &hello.info)
            .await;
        // What `serve` has seen meanwhile it may have said before the device was said to be up.
        if matches!(tunnel.link(), Link::Suspended { .. }) {
            self.0.devices.suspended(device, epoch);
        }
        if !self.0.registry.is_current(device, epoch) {
            self.0.devices.disconnected(device, epoch);
        }
        Ok(())
    }

    /// What ends tunnels may have happened between the proof and the registration.
    pub(super) fn check_again(&self, device: DeviceId, key: &[u8; 32]) {
        let is_known = || {
            let known = self.0.devices.by_key(key);
            known.is_some_and(|known| known.id == device) && !self.0.devices.is_disabled(device)
        };
        let Inner {
            registry, draining, ..
        } = &*self.0;
        registry.check_again(device, is_known, draining, Instant::now());
    }

    pub(super) fn server_hello(&self, epoch: u64) -> Result<ServerHello, HandshakeError> {
        let mut tunnel = [0; 16];
        SystemRandom::new()
            .fill(&mut tunnel)
            .map_err(|_| std::io::Error::other("no random numbers for a tunnel's id"))?;
        let max_streams = MAX_AGENT_STREAMS;
        Ok(ServerHello {
            tunnel,
            epoch,
            resumed: false,
            received: None,
            features: Vec::new(),
            windows: Windows {
                max_streams,
                max_pending: max_streams,
                ..self.0.tunnel.windows()
            },
            keepalive_s: KEEPALIVE_S,
        })
    }

    pub(super) async fn serve(
        self,
        device: DeviceId,
        epoch: u64,
        established: Established<Connection>,
        meter: Arc<Meter>,
    ) {
        let _running = Counted::in_gauge(&self.0.counts.tunnels_running);
        let Established {
            tunnel,
            mut incoming,
            driver,
        } = established;
        let refuse_all = async {
            while let Some(stream) = incoming.next().await {
                stream.reject(
                    Code::NotOffered,
                    "this server offers nothing to devices yet",
                );
            }
            std::future::pending().await
        };
        let watch = self.watch(&tunnel, |suspended| {
            if suspended {
                tracing::info!(%device, epoch, "tunnel lost, and kept");
                self.0.devices.suspended(device, epoch);
            } else {
                self.0.devices.resumed(device, epoch);
            }
        });
        let closed = tokio::select! {
            closed = driver.run() => closed,
            () = refuse_all => Closed::Local,
            () = watch => Closed::Local,
        };
        self.0.registry.remove(device, epoch, Instant::now());
        self.0.devices.disconnected(device, epoch);
        meter.settle();
        self.0.counts.tunnel_ended(word(&closed));
        tracing::info!(%device, epoch, reason = ?closed, "tunnel ended");
    }

    /// Reads every tunnel's figures now and then; one task for all of them.
    pub(super) async fn measure(self, stop: CancellationToken) {
        let mut ticks = interval(MEASURE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            for (device, epoch, line) in self.0.registry.all() {
                line.meter.settle();
                // One without a connection has only what it measured before.
                let is_connected = line.tunnel.link() == Link::Connected;
                if !is_connected {
                    continue;
                }
                match line.tunnel.stats().rtt {
                    Some(rtt) => {
                        self.0.devices.measured(device, epoch, rtt);
                        self.0.counts.rtt.observe(rtt.as_secs_f64());
                    }
                    // Agents of others answer no PING; they are missed when they send none.
                    None => self.0.devices.alive(device, epoch),
                }
            }
            self.0.registry.forget_lost(Instant::now());
        }
    }
}

/// How a tunnel ended, as one of few words.
const fn word(closed: &Closed) -> &'static str {
    match closed {
        Closed::Local => "server",
        Closed::Peer => "device",
        Closed::GoAway(_) => "goodbye",
        Closed::Dead => "silent",
        Closed::Io(_) => "connection",
        Closed::Protocol(_) => "protocol",
    }
}
