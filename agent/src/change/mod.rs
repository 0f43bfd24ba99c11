//! Notices at once what makes the way to the server doubtful: the machine woke up, its clock was
//! set, its network changed. Costs nothing while nothing happens: the kernel tells, no timer asks
//! (docs/decisions/0015-network-changes.md).

mod clock;
mod message;
mod network;

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, sleep_until};
use tunnel::driver::Tunnel;

use self::clock::Clock;
use self::network::Network;

/// Changes come in bursts (an address, then a route), and a broken device may make them for ever.
const MIN_INTERVAL: Duration = Duration::from_secs(1);
/// After a change a tunnel that is silent for so long is doubted. On a path this slow, or behind
/// this much of a thin line, the doubt is wrong: it costs one handshake and no stream.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(5);

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The machine slept for so long.
    Woke(Duration),
    /// The clock was set: certificates may be valid now that were not.
    ClockSet,
    /// An address, a default route or a link came or went.
    Network,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Woke(slept) => write!(f, "woke up after {} s", slept.as_secs()),
            Self::ClockSet => f.write_str("the clock was set"),
            Self::Network => f.write_str("the network changed"),
        }
    }
}

/// Where changes come from. A source that this system does not have never tells anything.
pub(crate) struct Changes {
    clock: Option<Clock>,
    network: Option<Network>,
    untold: Option<Change>,
    told_at: Option<Instant>,
}

impl Changes {
    /// Begins to watch; within a runtime with I/O.
    pub(crate) fn watch() -> Self {
        let clock = Clock::watch()
            .inspect_err(|error| tracing::debug!(%error, "sleep goes unnoticed"))
            .ok();
        let network = Network::watch()
            .inspect_err(|error| tracing::debug!(%error, "network changes go unnoticed"))
            .ok();
        Self {
            clock,
            network,
            untold: None,
            told_at: None,
        }
    }

    /// The next change, at most one a second: more in between are one. What happens while nobody
    /// waits is told to who waits next. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Change {
        let change = match self.untold {
            Some(change) => change,
            None => {
                let change = tokio::select! {
                    change = told_by(&mut self.clock) => change,
                    change = told_by(&mut self.network) => change,
                };
                *self.untold.insert(change)
            }
        };
        if let Some(told_at) = self.told_at {
            sleep_until(told_at + MIN_INTERVAL).await;
        }
        self.told_at = Some(Instant::now());
        self.untold = None;
        change
    }
}

impl Changes {
    /// As [`Self::next`], but none before `patience` has passed.
    pub(crate) async fn next_after(&mut self, patience: Duration) -> Change {
        sleep(patience).await;
        self.next().await
    }

    /// Asks the server at each change whether it is there. Completes when nothing at all came
    /// within [`ANSWER_PATIENCE`] of one. Cancel-safe.
    pub(crate) async fn doubt(&mut self, tunnel: &Tunnel) -> Change {
        loop {
            let mut change = self.next().await;
            let mut heard_before = ask(tunnel, change);
            let mut patience = Instant::now() + ANSWER_PATIENCE;
            loop {
                tokio::select! {
                    () = sleep_until(patience) => break,
                    newer = self.next() => {
                        let heard = ask(tunnel, newer);
                        if heard != heard_before {
                            // Who answered before this change may be out of reach after it.
                            (change, heard_before) = (newer, heard);
                            patience = Instant::now() + ANSWER_PATIENCE;
                        }
                    }
                }
            }
            if tunnel.stats().bytes_received == heard_before {
                return change;
            }
        }
    }
}

/// Asks the server whether it is there. Tells how much had come from it until now.
fn ask(tunnel: &Tunnel, change: Change) -> u64 {
    tracing::debug!(%change, "asking whether the server is there");
    tunnel.probe();
    tunnel.stats().bytes_received
}

/// One that tells of changes.
trait Source {
    /// Cancel-safe. An error is the end of it.
    async fn changed(&mut self) -> io::Result<Change>;
}

#[expect(
    deprecated,
    reason = "unsound only where a type closes or changes its descriptor, which OwnedFd never does; \
              what replaces it is unsafe for every type"
)]
fn readable(descriptor: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}

async fn told_by<S: Source>(source: &mut Option<S>) -> Change {
    if let Some(living) = source {
        match living.changed().await {
            Ok(change) => return change,
            Err(error) => {
                tracing::debug!(%error, "changes go unnoticed from now on");
                *source = None;
            }
        }
    }
    std::future::pending().await
}
