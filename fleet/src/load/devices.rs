//! The devices of this process: keys, enrolment, agents.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, Config, DeviceKey};
use anyhow::Context;
use api::{Enrol, ServiceKind};
use rand::RngExt;
use rand::rngs::StdRng;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::LoadRole;
use super::observe::{Event, Events};

/// Enrolments at a time in one process; each is two requests and a write.
const ENROLLING: usize = 16;
/// A busy server asks to come back; then the same again.
const ENROL_TRIES: usize = 20;
const ENROL_PAUSE: Duration = Duration::from_millis(500);
/// The one service of each device.
pub(crate) const SERVICE: &str = "web";

pub(super) struct Devices {
    config: Config,
    install_key: String,
    first: usize,
    keys: Vec<Arc<DeviceKey>>,
    running: Vec<Running>,
    events: Events,
}

struct Running {
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Devices {
    pub(super) fn new(role: &LoadRole, origin: u16, events: Events) -> anyhow::Result<Self> {
        let address = Ipv4Addr::LOCALHOST;
        let config = Config {
            server: format!("https://{address}:{}", role.port).parse()?,
            key_file: role.folder.join("unused.key"),
            ca_file: Some(role.folder.join("server.pem")),
            proxy: agent::Proxy::None,
            client_certificate: None,
            ssh_host_key_files: None,
            services: vec![agent::Service {
                name: SERVICE.to_owned(),
                kind: ServiceKind::Tcp,
                host: agent::Host::Address(address.into()),
                port: origin,
                tls: false,
            }],
        };
        let keys = (0..role.devices).map(|_| Ok(Arc::new(DeviceKey::ephemeral()?)));
        Ok(Self {
            config,
            install_key: std::fs::read_to_string(role.folder.join("install-key"))?,
            first: role.first,
            keys: keys.collect::<anyhow::Result<_>>()?,
            running: Vec::new(),
            events,
        })
    }

    /// Makes devices of all keys, a few at a time.
    pub(super) async fn enrol(&self) -> anyhow::Result<()> {
        let places = Arc::new(Semaphore::new(ENROLLING));
        let mut enrolling = JoinSet::new();
        for (index, key) in self.keys.iter().enumerate() {
            let place = Arc::clone(&places).acquire_owned().await?;
            let (config, key, number) = (self.config.clone(), Arc::clone(key), self.first + index);
            let request = Enrol {
                install_key: self.install_key.clone(),
                name: format!("fleet {number}"),
            };
            let events = self.events.clone();
            enrolling.spawn(async move {
                let _place = place;
                let mut last = None;
                for _ in 0..ENROL_TRIES {
                    match agent::enroll(&config, Arc::clone(&key), &request).await {
                        Ok(enrolled) => {
                            events.tell(number, Event::Enrolled(enrolled.device_id));
                            return Ok(());
                        }
                        Err(error) => last = Some(error),
                    }
                    tokio::time::sleep(ENROL_PAUSE).await;
                }
                Err(last.context("no try")?).context("enrolment")
            });
        }
        while let Some(done) = enrolling.join_next().await {
            done??;
        }
        Ok(())
    }

    /// Starts the next `count` agents, evenly over `spread_ms`.
    pub(super) fn start(&mut self, count: usize, spread_ms: u64) -> anyhow::Result<()> {
        let now = Instant::now();
        for index in 0..count {
            let share = index as f64 / count as f64;
            let at = now + Duration::from_millis(spread_ms).mul_f64(share);
            let running = self.agent(self.running.len(), async move { sleep_until(at).await })?;
            self.running.push(running);
        }
        Ok(())
    }

    /// Stops `count` agents, taken at random; each starts again when it has ended.
    pub(super) fn restart(&mut self, count: usize, random: &mut StdRng) -> anyhow::Result<()> {
        for _ in 0..count.min(self.running.len()) {
            let index = random.random_range(0..self.running.len());
            let stopped = CancellationToken::new();
            let after = stopped.clone();
            let next = self.agent(index, async move { after.cancelled().await })?;
            let old = std::mem::replace(&mut self.running[index], next);
            self.events.tell(self.first + index, Event::Lost);
            old.stop.cancel();
            tokio::spawn(async move {
                // One that panicked was told of already, on standard error.
                let _ = old.work.await;
                stopped.cancel();
            });
        }
        Ok(())
    }

    fn agent(
        &self,
        index: usize,
        begin: impl Future<Output = ()> + Send + 'static,
    ) -> anyhow::Result<Running> {
        let key = self.keys.get(index).context("more agents than keys")?;
        let (config, key) = (self.config.clone(), Arc::clone(key));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let number = self.first + index;
        let events = self.events.clone();
        let work = async move {
            begin.await;
            events.tell(number, Event::Started);
            match Agent::new(config, key) {
                Ok(agent) => agent.run(stopped).await,
                Err(error) => tracing::error!(%error, "no agent"),
            }
        };
        let span = tracing::info_span!("device", device = number as u64);
        let work = tokio::spawn(work.instrument(span));
        Ok(Running { stop, work })
    }
}
