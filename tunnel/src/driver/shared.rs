//! What the driver and the handles of a tunnel share: the multiplexer and who waits for it.

use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::dialect::Dialect;
use super::run::Closed;
use crate::mux::{Event, StreamId, Time};
use crate::webtunnel::Property;
use crate::wire::{Code, GoAway, Target};

pub(super) struct Shared {
    state: Mutex<State>,
    /// The tunnel closed, became idle or doubtful, or was told to go away.
    pub(super) changed: Notify,
    start: Instant,
}

/// Everything behind the lock.
pub(super) struct State {
    pub(super) mux: Dialect,
    /// Where the driver sleeps; taken when it is woken.
    pub(super) driver: Option<Waker>,
    pub(super) waiters: HashMap<StreamId, Waiters>,
    pub(super) incoming: VecDeque<(StreamId, Target)>,
    pub(super) incoming_waker: Option<Waker>,
    pub(super) takes_incoming: bool,
    pub(super) close_requested: bool,
    pub(super) closed: Option<Closed>,
    /// Which connection may touch the multiplexer: a number that rises when it is detached.
    pub(super) generation: u64,
    pub(super) suspended_since: Option<Instant>,
    /// Somebody waits for the tunnel to be settled.
    pub(super) awaits_settled: bool,
    /// What ended the connection before.
    lost_by: Option<Closed>,
    pub(super) goaway: Option<GoAway>,
    /// The tunnel has ended; whether the peer answered the close of its connection.
    pub(super) farewell_answered: Option<bool>,
    /// What a WebTunnel agent reported last, if nobody has taken it yet.
    pub(super) properties: Option<Vec<Property>>,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

/// Who waits for one stream.
#[derive(Default)]
pub(super) struct Waiters {
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// It was accepted, or it ended.
    pub(super) changed: Arc<Notify>,
}

/// Wakers to be called when the lock is no longer held.
#[derive(Default)]
struct Woken {
    wakers: Vec<Waker>,
    streams: Vec<Arc<Notify>>,
    tunnel: bool,
}

impl Shared {
    pub(super) fn new(make: impl FnOnce(Time) -> Dialect) -> Self {
        Self {
            state: Mutex::new(State {
                mux: make(Time::START),
                driver: None,
                waiters: HashMap::new(),
                incoming: VecDeque::new(),
                incoming_waker: None,
                takes_incoming: true,
                close_requested: false,
                closed: None,
                generation: 0,
                suspended_since: None,
                awaits_settled: false,
                lost_by: None,
                goaway: None,
                farewell_answered: None,
                properties: None,
                bytes_sent: 0,
                bytes_received: 0,
            }),
            changed: Notify::new(),
            start: Instant::now(),
        }
    }

    pub(super) fn now(&self) -> Time {
        Time::since_start(self.start.elapsed())
    }

    pub(super) fn instant(&self, time: Time) -> Instant {
        self.start + time.elapsed()
    }

    /// For handles: works on the state, then wakes whoever is concerned, the driver too.
    pub(super) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        self.work(work, true)
    }

    /// For the driver, which looks for work itself before it sleeps.
    pub(super) fn drive<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        self.work(work, false)
    }

    /// Ends the tunnel for all handles; the first reason given stays.
    pub(super) fn close(&self, closed: Closed) {
        self.drive(|state| {
            state.mux.close();
            state.closed.get_or_insert(closed);
        });
        self.changed.notify_waiters();
    }

    /// The connection of `generation` is lost. Returns whether the tunnel waits for another one.
    pub(super) fn suspend(&self, generation: u64, lost_by: &Closed) -> bool {
        let now = self.now();
        let suspended = self.drive(|state| {
            if state.generation != generation {
                return true;
            }
            let resumable = state.mux.is_resumable() && !state.close_requested;
            if resumable {
                state.detach(now, Some(lost_by.clone()));
            }
            resumable
        });
        self.changed.notify_waiters();
        suspended
    }

    pub(super) fn wake_driver(&self) {
        let waker = self.drive(|state| state.driver.take());
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Waits until `check` gives something. `changed` is notified after each change it may see.
    pub(super) async fn wait<T>(
        &self,
        changed: &Notify,
        mut check: impl FnMut(&mut State) -> Option<T>,
    ) -> T {
        loop {
            // Enabled before the check: a change in between is not lost.
            let mut notified = pin!(changed.notified());
            notified.as_mut().enable();
            if let Some(value) = check(&mut self.lock()) {
                return value;
            }
            notified.await;
        }
    }

    fn work<T>(&self, work: impl FnOnce(&mut State) -> T, wake_driver: bool) -> T {
        let mut woken = Woken::default();
        let mut state = self.lock();
        let result = work(&mut state);
        state.dispatch(&mut woken);
        if state.awaits_settled && state.mux.is_settled() {
            state.awaits_settled = false;
            woken.tunnel = true;
        }
        let relieved = state.mux.take_relieved();
        if wake_driver && (relieved || state.mux.wants_transmit() || state.close_requested) {
            woken.wakers.extend(state.driver.take());
        }
        drop(state);
        for waker in woken.wakers {
            waker.wake();
        }
        for stream in woken.streams {
            stream.notify_waiters();
        }
        if woken.tunnel {
            self.changed.notify_waiters();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the multiplexer off its connection, if it has one.
    pub(super) fn detach(&mut self, now: Time, lost_by: Option<Closed>) {
        self.generation += 1;
        self.mux.suspend(now);
        self.suspended_since.get_or_insert_with(Instant::now);
        if lost_by.is_some() {
            self.lost_by = lost_by;
        }
    }

    /// Why there is no connection.
    pub(super) fn lost_by(&self) -> Closed {
        let unknown = Closed::Io(std::io::ErrorKind::ConnectionReset);
        self.lost_by.clone().unwrap_or(unknown)
    }

    /// Gives back what many streams have left behind.
    pub(super) fn shrink(&mut self) {
        self.waiters.shrink_to_fit();
        self.incoming.shrink_to_fit();
        self.mux.shrink();
    }

    fn dispatch(&mut self, woken: &mut Woken) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Incoming(id, target) => {
                    if self.takes_incoming {
                        self.waiters.insert(id, Waiters::default());
                        self.incoming.push_back((id, target));
                        woken.wakers.extend(self.incoming_waker.take());
                    } else {
                        self.mux.reject(id, Code::NotOffered, "");
                    }
                }
                Event::Readable(id) => {
                    woken
                        .wakers
                        .extend(self.waiters.get_mut(&id).and_then(|w| w.reader.take()));
                }
                Event::Writable(id) => {
                    woken
                        .wakers
                        .extend(self.waiters.get_mut(&id).and_then(|w| w.writer.take()));
                }
                Event::Accepted(id) => {
                    woken
                        .streams
                        .extend(self.waiters.get(&id).map(|w| Arc::clone(&w.changed)));
                }
                Event::Ended(id) => {
                    if let Some(waiters) = self.waiters.get_mut(&id) {
                        woken.wakers.extend(waiters.reader.take());
                        woken.wakers.extend(waiters.writer.take());
                        woken.streams.push(Arc::clone(&waiters.changed));
                    }
                    woken.tunnel |= self.mux.live_streams() == 0;
                }
                Event::Doubtful => woken.tunnel = true,
                Event::GoAway(goaway) => {
                    self.goaway = Some(goaway);
                    woken.tunnel = true;
                }
            }
        }
        if let Some(properties) = self.mux.poll_properties() {
            self.properties = Some(properties);
            woken.tunnel = true;
        }
        if self.closed.is_some() {
            woken.wakers.extend(self.incoming_waker.take());
        }
    }
}

/// Stores a waker, cloning it only when it is another one than before.
pub(super) fn store(slot: &mut Option<Waker>, waker: &Waker) {
    match slot {
        Some(stored) => stored.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
}

/// A stream that somebody holds. Dropped, the stream is cut, or refused if still unanswered.
pub(super) struct Handle {
    pub(super) shared: Arc<Shared>,
    pub(super) id: StreamId,
    pub(super) changed: Arc<Notify>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.with(|state| {
            state.mux.release(self.id);
            state.waiters.remove(&self.id);
        });
        self.changed.notify_waiters();
    }
}
