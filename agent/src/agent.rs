//! Keeps one tunnel: connects, serves, connects again.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Budget, Closed, Established, GoAway, Tunnel};
use tunnel::wire::{AgentHello, Windows};

use crate::change::Changes;
use crate::config::Config;
use crate::info;
use crate::key::DeviceKey;
use crate::reconnect::Reconnect;
use crate::server::{Server, ServerError, Socket, advice_after};
use crate::service::{MAX_PENDING, MAX_STREAMS, Streams};

/// What unread data of all streams together may take on a small device (PROTOCOL section 5).
const BUDGET_BYTES: u64 = 16 * 1024 * 1024;
/// What this end grants. The budget holds so many streams with such windows; a reader that keeps
/// up gets a larger one soon.
const WINDOWS: Windows = Windows {
    initial: 64 * 1024,
    max_streams: MAX_STREAMS,
    max_pending: MAX_PENDING,
    replay: 0,
};
/// An attempt that takes longer began in a network that a change since may have ended.
const ATTEMPT_PATIENCE: Duration = Duration::from_secs(3);
/// For the last words on a tunnel that this end closes.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);

/// An agent; runs in any tokio runtime with a timer and I/O.
pub struct Agent {
    config: Arc<Config>,
    server: Server,
    streams: Arc<Streams>,
    budget: Budget,
    rng: StdRng,
}

impl Agent {
    /// Reads the certificates to trust; connects nowhere.
    ///
    /// # Errors
    /// [`ServerError::CaFile`] when the configured certificates cannot be used.
    pub fn new(config: Config, key: Arc<DeviceKey>) -> Result<Self, ServerError> {
        let mut rng: StdRng = rand::make_rng();
        let server = Server::new(&config, key, &mut rng)?;
        let config = Arc::new(config);
        Ok(Self {
            streams: Streams::new(Arc::clone(&config))?,
            budget: Budget::new(BUDGET_BYTES),
            config,
            server,
            rng,
        })
    }

    /// Runs until `stop` is cancelled; returns when every stream and the tunnel have ended.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut reconnect = Reconnect::default();
        let mut failures = Failures::default();
        let mut changes = Changes::watch();
        // Twice in a row no attempt is cut: a flapping network must not keep a slow one from ever
        // being finished.
        let mut cut = false;
        loop {
            let (hello, settings) = (self.hello(), self.settings());
            let attempt = tokio::select! {
                attempt = self.server.attempt(hello, settings, &mut self.rng) => attempt,
                change = changes.next_after(ATTEMPT_PATIENCE), if !cut => {
                    cut = true;
                    reconnect.network_changed(Instant::now());
                    tracing::info!(%change, "trying anew");
                    continue;
                }
                () = stop.cancelled() => return,
            };
            cut = false;
            let wait = match attempt {
                Ok((hello, established)) => {
                    tracing::info!(server = %self.config.server, epoch = hello.epoch, "connected");
                    failures = Failures::default();
                    let since = Instant::now();
                    let closed = self.serve(established, &mut changes, &stop).await;
                    if stop.is_cancelled() {
                        return;
                    }
                    let wait = reconnect.lost(
                        Instant::now(),
                        since.elapsed(),
                        advice_after(&closed),
                        &mut self.rng,
                    );
                    tracing::warn!(reason = ?closed, wait_ms = wait.as_millis(), "tunnel lost");
                    wait
                }
                Err(error) => {
                    let wait = reconnect.failed(Instant::now(), error.advice(), &mut self.rng);
                    failures.tell(&error, wait);
                    wait
                }
            };
            let pause = sleep(wait);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = &mut pause => break,
                    change = changes.next() => if reconnect.network_changed(Instant::now()) {
                        tracing::info!(%change, "trying at once");
                        break;
                    },
                    () = stop.cancelled() => return,
                }
            }
        }
    }

    /// Runs one tunnel until it has ended, by itself or because of `stop`.
    async fn serve(
        &self,
        established: Established<Socket>,
        changes: &mut Changes,
        stop: &CancellationToken,
    ) -> Closed {
        let Established {
            tunnel,
            mut incoming,
            driver,
        } = established;
        let cut_streams = CancellationToken::new();
        let driver = driver.run();
        tokio::pin!(driver);
        let closed = tokio::select! {
            closed = &mut driver => closed,
            () = self.streams.serve(&mut incoming, &cut_streams) => {
                // The tunnel has ended; the driver says why.
                driver.await
            }
            never = changes.probe(&tunnel) => match never {},
            goaway = finished(&tunnel) => {
                tunnel.close();
                let _ = timeout(FAREWELL_TIMEOUT, &mut driver).await;
                Closed::GoAway(goaway)
            }
            () = stop.cancelled() => {
                tunnel.close();
                timeout(FAREWELL_TIMEOUT, &mut driver).await.unwrap_or(Closed::Local)
            }
        };
        // Streams see the end of the tunnel by themselves; a service that does not read would
        // keep one of them waiting, though.
        cut_streams.cancel();
        self.streams.ended().await;
        closed
    }

    fn settings(&self) -> tunnel::driver::Config {
        tunnel::driver::Config {
            tunnel_budget_bytes: BUDGET_BYTES,
            process_budget: self.budget.clone(),
            ..tunnel::driver::Config::for_agent()
        }
    }

    fn hello(&self) -> AgentHello {
        AgentHello {
            instance: self.server.instance(),
            agent: "adit-agent".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            features: Vec::new(),
            windows: WINDOWS,
            info: info::gather(&self.config, Path::new("/")),
            resume: None,
        }
    }
}

/// Completes when the server has said GOAWAY and the last stream after it has ended.
async fn finished(tunnel: &Tunnel) -> GoAway {
    match tunnel.sent_away().await {
        Some(goaway) => {
            tunnel.idle().await;
            goaway
        }
        // It ended without; the driver says why.
        None => std::future::pending().await,
    }
}

/// Says what is wrong once, not at every attempt.
#[derive(Default)]
struct Failures {
    last: String,
}

impl Failures {
    fn tell(&mut self, error: &ServerError, wait: Duration) {
        let text = error.to_string();
        let wait_ms = wait.as_millis();
        if text == self.last {
            tracing::debug!(error = text, wait_ms, "not connected yet");
        } else {
            tracing::warn!(error = text, wait_ms, "not connected");
            self.last = text;
        }
    }
}
