//! Keeps one tunnel: connects, serves, connects again.

use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::StdRng;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Budget, Closed, Established, GoAway, Link, Resumer, Tunnel, Welcome};
use tunnel::wire::{AgentHello, Windows};

use crate::change::{ANSWER_PATIENCE, Changes};
use crate::config::Config;
use crate::info;
use crate::keepalive::{DETECTION, Keepalive};
use crate::key::DeviceKey;
use crate::reconnect::{Advice, Reconnect};
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
    replay: REPLAY_BYTES,
};
/// What may be under way to the server, and is kept until it says that it came: at 100 ms there and
/// back this is 80 MB/s. More than a part of it only while half of the budget is free.
const REPLAY_BYTES: u32 = 8 * 1024 * 1024;
/// A lost tunnel waits so long for its next connection; the server by default as long. The end
/// that is out of patience first decides.
const RESUME_FOR: Duration = Duration::from_secs(180);
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
    keepalive: Keepalive,
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
            keepalive: Keepalive::default(),
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
        let mut kept = None;
        while !stop.is_cancelled() {
            let attempt = tokio::select! {
                attempt = self.attempt(&mut kept, &stop) => attempt,
                change = changes.next_after(ATTEMPT_PATIENCE), if !cut => {
                    cut = true;
                    reconnect.network_changed(Instant::now());
                    self.keepalive.network_changed();
                    tracing::info!(%change, "trying anew");
                    continue;
                }
            };
            cut = false;
            let wait = match attempt {
                Ok(()) => {
                    failures = Failures::default();
                    let since = Instant::now();
                    let tunnel = kept.as_ref().map(|kept| kept.tunnel.clone());
                    let (closed, asked_for) = lost(&mut kept, &mut changes).await;
                    if stop.is_cancelled() {
                        break;
                    }
                    if let Some(tunnel) = tunnel {
                        let silent_for = tunnel.silent_for();
                        self.keepalive
                            .lost(&closed, silent_for, asked_for, since.elapsed());
                    }
                    let wait = reconnect.lost(
                        Instant::now(),
                        since.elapsed(),
                        advice_after(&closed),
                        &mut self.rng,
                    );
                    let is_kept = kept.is_some();
                    tracing::warn!(
                        reason = ?closed, wait_ms = wait.as_millis(), is_kept, "tunnel lost"
                    );
                    wait
                }
                Err(error) => {
                    let advice = error.advice();
                    if advice == Advice::Slow
                        && let Some(kept) = &kept
                    {
                        // It will not be let in again: nothing to wait for.
                        kept.tunnel.close();
                    }
                    let wait = reconnect.failed(Instant::now(), advice, &mut self.rng);
                    failures.tell(&error, wait);
                    wait
                }
            };
            let pause = sleep(wait);
            tokio::pin!(pause);
            loop {
                tokio::select! {
                    () = beside(&mut pause, &mut kept) => break,
                    change = changes.next() => {
                        self.keepalive.network_changed();
                        if reconnect.network_changed(Instant::now()) {
                            tracing::info!(%change, "trying at once");
                            break;
                        }
                    }
                    () = stop.cancelled() => break,
                }
            }
        }
        if let Some(kept) = kept {
            kept.work.await;
        }
    }

    /// Connects: goes on with the tunnel that is kept, or begins a new one. Nothing of it when
    /// `stop` is cancelled first. Cancel-safe.
    async fn attempt(
        &mut self,
        kept: &mut Option<Kept>,
        stop: &CancellationToken,
    ) -> Result<(), ServerError> {
        let (hello, settings) = (self.hello(), self.settings());
        let resumer = kept.as_ref().map(|kept| kept.resumer.clone());
        let connecting = self
            .server
            .attempt(hello, settings, resumer.as_ref(), &mut self.rng);
        let (hello, welcome) = tokio::select! {
            connected = beside(connecting, kept) => connected?,
            () = stop.cancelled() => return Ok(()),
        };
        let server = &self.config.server;
        let (epoch, resumed) = (hello.epoch, hello.resumed);
        tracing::info!(%server, epoch, resumed, "connected");
        if let Welcome::New(mut established) = welcome {
            if let Some(old) = kept {
                // It was given up; its streams make room for those to come.
                (&mut old.work).await;
                *kept = None;
            }
            let resumer = established.driver.resumable(hello.tunnel, RESUME_FOR);
            let tunnel = established.tunnel.clone();
            let work = serve(established, Arc::clone(&self.streams), stop.clone());
            *kept = Some(Kept {
                tunnel,
                resumer,
                work: Box::pin(work),
            });
        }
        Ok(())
    }

    fn settings(&self) -> tunnel::driver::Config {
        tunnel::driver::Config {
            tunnel_budget_bytes: BUDGET_BYTES,
            process_budget: self.budget.clone(),
            keepalive_longest: self.keepalive.longest(),
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

/// A tunnel, with or without a connection.
struct Kept {
    tunnel: Tunnel,
    resumer: Resumer<Socket>,
    /// Runs it until it has ended and its streams with it.
    work: Pin<Box<dyn Future<Output = Closed> + Send>>,
}

/// Runs one tunnel until it has ended, by itself or because of `stop`.
async fn serve(
    established: Established<Socket>,
    streams: Arc<Streams>,
    stop: CancellationToken,
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
        () = streams.serve(&mut incoming, &cut_streams) => {
            // The tunnel has ended; the driver says why.
            driver.await
        }
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
    streams.ended().await;
    closed
}

/// Waits for something with the tunnel's work going on: its streams live on meanwhile. A tunnel
/// that ends is kept no longer.
async fn beside<T>(awaited: impl Future<Output = T>, kept: &mut Option<Kept>) -> T {
    let mut awaited = pin!(awaited);
    if let Some(tunnel) = kept {
        tokio::select! {
            value = &mut awaited => return value,
            closed = &mut tunnel.work => {
                tracing::warn!(reason = ?closed, "the tunnel was not resumed, its streams are cut");
            }
        }
        *kept = None;
    }
    awaited.await
}

/// Completes when the tunnel has lost its connection: kept, or at its end. Also when the server does
/// not answer after the network has changed, or while a stream is open: a second connection then
/// takes over from the first, which would be found dead only half a minute later. Tells for how long
/// the server had been asked in vain.
async fn lost(kept: &mut Option<Kept>, changes: &mut Changes) -> (Closed, Duration) {
    let Some(tunnel) = kept else {
        return (Closed::Local, DETECTION);
    };
    let suspended = async {
        loop {
            let link = tunnel.tunnel.link_changed(&Link::Connected).await;
            match link {
                Link::Suspended { lost_by, .. } => return lost_by,
                // The work tells why.
                Link::Ended => std::future::pending().await,
                Link::Connected => {}
            }
        }
    };
    tokio::select! {
        biased;
        closed = &mut tunnel.work => {
            *kept = None;
            (closed, DETECTION)
        }
        closed = suspended => (closed, DETECTION),
        change = changes.doubt(&tunnel.tunnel) => {
            tracing::info!(%change, "no answer: trying another connection");
            (Closed::Dead, ANSWER_PATIENCE)
        }
        () = tunnel.tunnel.doubtful() => {
            tracing::info!("no answer while a stream is open: trying another connection");
            (Closed::Dead, ANSWER_PATIENCE)
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
