//! A tunnel with the queue before it: who finds it full waits a moment for room.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{GoAway, GoAwayReason, Link, OpenError, Resumer, Stream, Tunnel};
use tunnel::wire::Target;

use super::meter::Meter;
use super::registry::Occupant;
use super::serve::Connection;

/// Opens that may wait at one tunnel: as many as it can answer meanwhile where the way there and
/// back takes 300 ms (64 at a time, for 5 s). Each costs a connection of the front, which has
/// 8192; one device's visitors take an eighth of them at most.
pub(super) const WAITING_MAX: usize = 1024;
/// What is not opened after this is refused. A person is told so while still looking at the page,
/// and the agent has as long again for the service.
pub(super) const WAIT_MAX: Duration = Duration::from_secs(5);
/// Memory that all tunnels share comes free without word to this one.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// After an agent itself said busy, OPENs go one by one at this pace until it accepts one.
const PACE: Duration = Duration::from_millis(50);
/// For a replaced agent to show that it lives.
const PROBE_TIMEOUT: Duration = Duration::from_secs(5);
/// What no agent serves: that it says so is the answer.
const PROBE: &str = "probe";

/// A tunnel and its queue; cheap to clone.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) tunnel: Tunnel,
    pub(super) meter: Arc<Meter>,
    /// Hands it the next connection, where lost tunnels are kept.
    pub(super) resumer: Option<Resumer<Connection>>,
    /// Cancelled when a newer tunnel took its place: nothing is opened here any more, and what
    /// was is cut.
    pub(super) retired: CancellationToken,
    /// Of an agent that is asked for ports: by the names of its services.
    ports: Option<Arc<HashMap<String, u16>>>,
    queue: Arc<Queue>,
}

struct Queue {
    places: Semaphore,
    /// Whose turn it is to open. Fair: first come, first served.
    turn: Semaphore,
    /// A stream was answered or has ended.
    room: Notify,
    pace: Mutex<Pace>,
}

/// Until when nothing is opened, and whether the agent refused for want of room last.
struct Pace {
    refused: bool,
    hold_until: Instant,
}

impl Line {
    pub(super) fn new(
        tunnel: Tunnel,
        resumer: Option<Resumer<Connection>>,
        meter: Arc<Meter>,
    ) -> Self {
        Self {
            tunnel,
            resumer,
            meter,
            retired: CancellationToken::new(),
            ports: None,
            queue: Arc::new(Queue {
                places: Semaphore::new(WAITING_MAX),
                turn: Semaphore::new(1),
                room: Notify::new(),
                pace: Mutex::new(Pace {
                    refused: false,
                    hold_until: Instant::now(),
                }),
            }),
        }
    }

    /// Of an agent that knows no names, only ports.
    pub(super) fn with_ports(mut self, ports: HashMap<String, u16>) -> Self {
        self.ports = Some(Arc::new(ports));
        self
    }

    /// The target as this agent is asked for it; `None`: it has no such service.
    pub(super) fn target(&self, target: Target) -> Option<Target> {
        match (&self.ports, target) {
            (Some(ports), Target::Service(name)) => ports.get(&name).map(|port| Target::Tcp {
                host: "device".to_owned(),
                port: *port,
            }),
            (_, target) => Some(target),
        }
    }

    /// Says OPEN, when there is room for one more stream: [`OpenError::Busy`] if there is none
    /// until then, or if too many wait already. Cancel-safe.
    pub(super) async fn open(
        &self,
        target: &Target,
        give_up_at: Instant,
    ) -> Result<Stream, OpenError> {
        // Whoever waits holds the turn or is given it next: nobody gets past.
        if let Ok(_turn) = self.queue.turn.try_acquire()
            && let Some(answer) = self.try_open(target)
        {
            return answer;
        }
        let busy = |_| OpenError::Busy;
        let _place = self
            .queue
            .places
            .try_acquire()
            .map_err(|_| OpenError::Busy)?;
        let waiting = async {
            let _turn = self.queue.turn.acquire().await.map_err(busy)?;
            loop {
                if let Some(answer) = self.try_open(target) {
                    return answer;
                }
                let hold_until = self.queue.pace().hold_until;
                if hold_until > Instant::now() {
                    sleep_until(hold_until).await;
                } else {
                    tokio::select! {
                        () = self.queue.room.notified() => {}
                        () = sleep(LOOK_EVERY) => {}
                    }
                }
            }
        };
        timeout_at(give_up_at, waiting)
            .await
            .unwrap_or(Err(OpenError::Busy))
    }

    /// `None`: no room now.
    fn try_open(&self, target: &Target) -> Option<Result<Stream, OpenError>> {
        if self.retired.is_cancelled() {
            return Some(Err(OpenError::Closed));
        }
        let mut pace = self.queue.pace();
        let now = Instant::now();
        if pace.hold_until > now {
            return None;
        }
        match self.tunnel.open(target) {
            Err(OpenError::Busy) => None,
            answer => {
                if pace.refused {
                    pace.hold_until = now + PACE;
                }
                Some(answer)
            }
        }
    }

    /// The agent accepted a stream.
    pub(super) fn accepted(&self) {
        let mut pace = self.queue.pace();
        pace.refused = false;
        drop(pace);
        self.freed();
    }

    /// The agent refused one for want of room.
    pub(super) fn refused(&self) {
        let mut pace = self.queue.pace();
        pace.refused = true;
        pace.hold_until = Instant::now() + PACE;
    }

    /// There may be room for one more.
    pub(super) fn freed(&self) {
        self.queue.room.notify_one();
    }

    /// Whether the agent answers, within 5 s.
    pub(super) async fn answers(&self) -> bool {
        if self.tunnel.link() != Link::Connected {
            return false;
        }
        let target = Target::Internal(PROBE.to_owned());
        let probe = async {
            loop {
                match self.tunnel.open(&target) {
                    Ok(mut stream) => {
                        return !matches!(stream.accepted().await, Err(OpenError::Closed));
                    }
                    Err(OpenError::Busy) => sleep(LOOK_EVERY).await,
                    // It is leaving by itself.
                    Err(_) => return false,
                }
            }
        };
        timeout(PROBE_TIMEOUT, probe).await.unwrap_or(false)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> usize {
        WAITING_MAX - self.queue.places.available_permits()
    }
}

impl Occupant for Line {
    fn retire(&self) {
        self.retired.cancel();
    }

    fn send_away(&self, reason: GoAwayReason) {
        self.tunnel.go_away(GoAway {
            reason,
            reconnect_after: Duration::ZERO,
            url: None,
        });
        self.tunnel.close();
    }
}

impl Queue {
    fn pace(&self) -> std::sync::MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
