//! What the stream and its pump share: the multiplexer and who waits for it.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use remote_messages::StreamFault;
use tokio::sync::Notify;
use tunnel::Time;
use tunnel::mux::{Budget, Config, Event, Mux, Role, StreamId};
use tunnel::wire::{Frame, Resume, ServerHello, StreamHello, Windows};

use crate::fault;

/// The one stream there is.
const STREAM: StreamId = StreamId::ONLY;
/// What may be on its way to this end unread: 40 MB/s at a round trip of 100 ms.
const MAX_WINDOW_BYTES: u64 = 4 << 20;
/// Windows, and twice what is kept: of a budget half used, less is kept.
const BUDGET_BYTES: u64 = 2 * MAX_WINDOW_BYTES + 2 * REPLAY_BYTES as u64;
/// A picture of a desktop is megabytes, and each CREDIT waits for a Worker's turn: with the usual
/// 256 KiB it comes in as many steps.
const INITIAL_WINDOW_BYTES: u32 = 1 << 20;
/// What is kept for sending again after a lost connection: 20 MB/s at an ACK each 50 ms.
const REPLAY_BYTES: u32 = 1 << 20;
/// What a server may ask for as keepalive, brought into what is sane.
const KEEPALIVE_RANGE_S: (u32, u32) = (5, 300);

/// Tells the time. An argument, so that tests have their own.
pub(crate) type Clock = Arc<dyn Fn() -> Time + Send + Sync>;

/// How the stream's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It stands, or has ended for good.
    Connected,
    /// It was lost, and another is being made; what is written waits.
    Reconnecting {
        /// When it was lost, on the stream's own clock.
        since: Time,
    },
}

/// One stream, over one connection after the other.
pub(crate) struct Link {
    state: Mutex<State>,
    /// The pump has something to do.
    pub(crate) pump: Notify,
    /// The browser says that it is online.
    pub(crate) online: Notify,
    /// The stream was accepted, refused or cut, or the connection ended.
    changed: Notify,
    clock: Clock,
}

/// Everything behind the lock.
pub(crate) struct State {
    /// `None` until the server's HELLO.
    pub(crate) mux: Option<Mux>,
    pub(crate) reader: Option<Waker>,
    pub(crate) writer: Option<Waker>,
    pub(crate) fault: Option<StreamFault>,
    /// The stream's connection has ended for good, whoever ended it.
    pub(crate) closed: bool,
    /// The id to go on by, of the server's first HELLO.
    tunnel: [u8; 16],
    /// The connection is lost, and the stream waits for another one.
    lost_since: Option<Time>,
    /// Lost or found again since that was last told.
    link_changed: bool,
    /// Somebody has the stream.
    pub(crate) held: bool,
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    seed: u64,
}

impl Link {
    /// `seed` spreads keepalives.
    pub(crate) fn new(clock: Clock, seed: u64) -> Self {
        Self {
            state: Mutex::new(State {
                mux: None,
                reader: None,
                writer: None,
                fault: None,
                closed: false,
                tunnel: [0; 16],
                lost_since: None,
                link_changed: false,
                held: true,
                sent_bytes: 0,
                received_bytes: 0,
                seed,
            }),
            pump: Notify::new(),
            online: Notify::new(),
            changed: Notify::new(),
            clock,
        }
    }

    pub(crate) fn now(&self) -> Time {
        (self.clock)()
    }

    /// Works on the state, then wakes whoever is concerned.
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut woken = Vec::new();
        let mut state = self.lock();
        let result = work(&mut state);
        let changed = state.dispatch(&mut woken);
        let to_do = state.closed || !state.held || changed || state.wants_transmit();
        drop(state);
        for waker in woken {
            waker.wake();
        }
        if changed {
            self.changed.notify_waiters();
        }
        if to_do {
            self.pump.notify_one();
        }
        result
    }

    /// A message of the server.
    pub(crate) fn receive(&self, message: Bytes) {
        let now = self.now();
        self.with(|state| {
            let taken = match &mut state.mux {
                None => state.greeted(now, message),
                Some(_) if state.lost_since.is_some() => return state.go_on(now, message),
                Some(mux) => mux.handle_message(now, message).is_ok(),
            };
            if !taken {
                state.end(StreamFault::Internal);
            }
        });
    }

    /// The next message to send.
    pub(crate) fn transmit(&self) -> Option<Bytes> {
        let now = self.now();
        self.with(|state| state.mux.as_mut()?.poll_transmit(now))
    }

    /// So many bytes of messages have left the WebSocket's buffer.
    pub(crate) fn sent(&self, bytes: u64) {
        let now = self.now();
        self.with(|state| {
            if let Some(mux) = &mut state.mux {
                mux.handle_sent(now, bytes);
            }
        });
    }

    /// Lets what is due by now happen.
    pub(crate) fn tick(&self) {
        let now = self.now();
        self.with(|state| {
            let Some(mux) = &mut state.mux else { return };
            if mux.next_timeout().is_some_and(|at| at <= now) {
                mux.handle_timeout(now);
            }
            if mux.is_dead() {
                state.lose(now);
            }
        });
    }

    /// The way to the server may have changed: asks whether it is still there.
    pub(crate) fn ask(&self) {
        let now = self.now();
        self.with(|state| {
            if let Some(mux) = &mut state.mux {
                mux.ask(now);
            }
        });
    }

    /// The connection is lost to the network. The stream goes on waiting for another one, if it
    /// can; else it ends.
    pub(crate) fn lose(&self) {
        let now = self.now();
        self.with(|state| state.lose(now));
    }

    /// How long the stream has been waiting for a connection; `None` while it has one.
    pub(crate) fn lost_for(&self) -> Option<Duration> {
        let now = self.now();
        Some(now.since(self.lock().lost_since?))
    }

    pub(crate) fn link_state(&self) -> LinkState {
        self.lock().link_state()
    }

    /// Waits until the connection is lost or found again; another state than `known`.
    pub(crate) async fn link_changed(&self, known: LinkState) -> LinkState {
        loop {
            let mut notified = pin!(self.changed.notified());
            notified.as_mut().enable();
            let state = self.link_state();
            if state != known {
                return state;
            }
            notified.await;
        }
    }

    /// The client's first message on a connection.
    pub(crate) fn hello(&self) -> Option<Bytes> {
        let resume = self.lock().resume();
        let hello = StreamHello {
            windows: windows(),
            resume,
            ..StreamHello::default()
        };
        let mut message = BytesMut::new();
        Frame::Hello(hello.to_bytes().ok()?).encode(&mut message);
        Some(message.freeze())
    }

    /// How long until [`Self::tick`] has something to do.
    pub(crate) fn next_tick(&self) -> Option<Duration> {
        let now = self.now();
        let deadline = self.lock().mux.as_ref()?.next_timeout()?;
        Some(deadline.since(now))
    }

    /// The connection has ended; the first reason given stays.
    pub(crate) fn close(&self, fault: StreamFault) {
        self.with(|state| state.end(fault));
    }

    /// Whether the pump may end: the connection has, or nobody wants it and all is said.
    pub(crate) fn is_over(&self) -> bool {
        let state = self.lock();
        state.closed || (!state.held && !state.wants_transmit())
    }

    /// Whether somebody still has the stream.
    pub(crate) fn is_held(&self) -> bool {
        self.lock().held
    }

    /// Waits until the stream is accepted.
    ///
    /// # Errors
    /// Why it was not.
    pub(crate) async fn accepted(&self) -> Result<(), StreamFault> {
        loop {
            // Enabled before the check: a change in between is not lost.
            let mut notified = pin!(self.changed.notified());
            notified.as_mut().enable();
            if let Some(outcome) = self.lock().outcome() {
                return outcome;
            }
            notified.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    pub(crate) fn wants_transmit(&self) -> bool {
        !self.closed && self.mux.as_ref().is_some_and(Mux::wants_transmit)
    }

    /// The first message: the server's HELLO, and what came with it.
    fn greeted(&mut self, now: Time, mut message: Bytes) -> bool {
        let Some(hello) = server_hello(&mut message) else {
            return false;
        };
        self.tunnel = hello.tunnel;
        let (least, most) = KEEPALIVE_RANGE_S;
        let config = Config {
            tunnel_budget_bytes: BUDGET_BYTES,
            process_budget: Budget::new(BUDGET_BYTES),
            replay_bytes: REPLAY_BYTES,
            max_window_bytes: MAX_WINDOW_BYTES,
            keepalive_idle: Duration::from_secs(hello.keepalive_s.clamp(least, most).into()),
            ..Config::default()
        };
        let (local, peer) = (windows(), hello.windows);
        let Ok(mux) = Mux::for_stream(Role::Odd, &config, local, peer, now, self.seed) else {
            return false;
        };
        let mux = self.mux.insert(mux);
        if !self.held {
            mux.release(STREAM);
        }
        mux.handle_message(now, message).is_ok()
    }

    /// The server's HELLO on a later connection: the stream goes on, or is over.
    fn go_on(&mut self, now: Time, mut message: Bytes) {
        let Some(hello) = server_hello(&mut message) else {
            return self.end(StreamFault::Internal);
        };
        let received = hello.received.filter(|_| hello.resumed);
        let Some((mux, received)) = self.mux.as_mut().zip(received) else {
            // It has come too late, or to a server that started anew.
            return self.end(StreamFault::Lost);
        };
        if hello.tunnel != self.tunnel || mux.resume(now, received).is_err() {
            return self.end(StreamFault::Internal);
        }
        self.lost_since = None;
        self.link_changed = true;
        if mux.handle_message(now, message).is_err() {
            self.end(StreamFault::Internal);
        }
    }

    fn lose(&mut self, now: Time) {
        if self.closed || self.lost_since.is_some() {
            return;
        }
        match &mut self.mux {
            // Of a stream that nobody wants, the server learns the end by itself.
            Some(mux) if self.held && mux.is_resumable() => {
                mux.suspend(now);
                self.lost_since = Some(now);
                self.link_changed = true;
            }
            _ => self.end(StreamFault::Lost),
        }
    }

    fn resume(&self) -> Option<Resume> {
        self.lost_since?;
        Some(Resume {
            tunnel: self.tunnel,
            received: self.mux.as_ref()?.received(),
        })
    }

    fn link_state(&self) -> LinkState {
        self.lost_since
            .map_or(LinkState::Connected, |since| LinkState::Reconnecting {
                since,
            })
    }

    fn end(&mut self, fault: StreamFault) {
        if self.closed {
            return;
        }
        self.closed = true;
        self.lost_since = None;
        self.note_cut();
        let ended = self.mux.as_ref().is_some_and(|mux| mux.has_ended(STREAM));
        if !ended {
            self.fault.get_or_insert(fault);
        }
        if let Some(mux) = &mut self.mux {
            mux.close();
        }
    }

    fn outcome(&self) -> Option<Result<(), StreamFault>> {
        match &self.mux {
            Some(mux) if matches!(mux.accepted(STREAM), Some(Ok(()))) => Some(Ok(())),
            _ => self.fault.map(Err),
        }
    }

    /// Keeps why the stream was cut: the multiplexer forgets it with the stream.
    fn note_cut(&mut self) {
        if !self.held || self.fault.is_some() {
            return;
        }
        let cut = self.mux.as_ref().and_then(|mux| mux.cut_reason(STREAM));
        self.fault = cut.map(|error| fault::of_error(&error));
    }

    /// Takes the wakers that events concern; whether anything else than bytes has happened.
    fn dispatch(&mut self, woken: &mut Vec<Waker>) -> bool {
        let mut changed = self.closed | std::mem::take(&mut self.link_changed);
        while let Some(event) = self.mux.as_mut().and_then(Mux::poll_event) {
            match event {
                Event::Readable(_) => woken.extend(self.reader.take()),
                Event::Writable(_) => woken.extend(self.writer.take()),
                _ => changed = true,
            }
        }
        if changed {
            self.note_cut();
            woken.extend(self.reader.take());
            woken.extend(self.writer.take());
        }
        changed
    }
}

fn server_hello(message: &mut Bytes) -> Option<ServerHello> {
    match Frame::decode(message) {
        Ok(Some(Frame::Hello(cbor))) => ServerHello::from_bytes(&cbor).ok(),
        _ => None,
    }
}

fn windows() -> Windows {
    Windows {
        initial: INITIAL_WINDOW_BYTES,
        replay: REPLAY_BYTES,
        ..Windows::default()
    }
}
