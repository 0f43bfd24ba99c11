//! The model that the schedules run: threads, a tunnel, and what a relay does with it.

use std::sync::{self, Arc};

use api::DeviceId;
use shuttle::future::block_on;
use shuttle::sync::Mutex;
use shuttle::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use shuttle::thread::{self, JoinHandle};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tunnel::driver::GoAwayReason;
use uuid::Uuid;

use crate::relay::open::no_longer_allowed;
use crate::relay::registry::slots::Slots;
use crate::relay::registry::{Lock, Occupant, Registry, Whereabouts};

const DEVICE: DeviceId = DeviceId(Uuid::from_u128(1));

impl<S> Lock<S> for Mutex<S> {
    fn around(state: S) -> Self {
        Self::new(state)
    }

    fn turn<R>(&self, act: impl FnOnce(&mut S) -> R) -> R {
        act(&mut self.lock().unwrap())
    }
}

/// A tunnel as the registry sees it.
#[derive(Clone)]
pub(super) struct Wire(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) retired: CancellationToken,
    pub(super) closed: CancellationToken,
    pub(super) state: sync::Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) told: Vec<GoAwayReason>,
    pub(super) is_connected: bool,
    /// Each is cancelled when it has ended.
    pub(super) streams: Vec<CancellationToken>,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self(Arc::new(Shared {
            retired: CancellationToken::new(),
            closed: CancellationToken::new(),
            state: sync::Mutex::new(State {
                is_connected: true,
                ..State::default()
            }),
        }))
    }

    /// As a driver does it: a tunnel that closes cuts what it carries.
    pub(super) fn close(&self, told: Option<GoAwayReason>) {
        thread::yield_now();
        let mut state = self.state();
        state.told.extend(told);
        state.is_connected = false;
        self.0.closed.cancel();
        state.streams.iter().for_each(CancellationToken::cancel);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.0.closed.is_cancelled()
    }

    pub(super) fn closed(&self) {
        block_on(self.0.closed.cancelled());
    }

    pub(super) fn open(&self) -> Option<CancellationToken> {
        thread::yield_now();
        if self.is_closed() {
            return None;
        }
        let stream = CancellationToken::new();
        self.state().streams.push(stream.clone());
        Some(stream)
    }

    /// It gets another connection; not when it is over.
    pub(super) fn go_on(&self) -> bool {
        thread::yield_now();
        let mut state = self.state();
        state.is_connected = !self.is_closed();
        state.is_connected
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(super) fn state(&self) -> sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap()
    }
}

impl Occupant for Wire {
    fn retire(&self) {
        self.0.retired.cancel();
    }

    fn send_away(&self, reason: GoAwayReason) {
        self.close(Some(reason));
    }
}

/// A tunnel that was registered, or refused.
pub(super) struct Seated {
    pub(super) wire: Wire,
    pub(super) epoch: u64,
}

/// What a relay has.
pub(super) struct Server {
    pub(super) registry: Registry<Wire, Mutex<Slots<Wire>>>,
    pub(super) last_epoch: AtomicU64,
    pub(super) is_known: AtomicBool,
    pub(super) draining: CancellationToken,
    pub(super) lease: CancellationToken,
    pub(super) wires: sync::Mutex<Vec<Wire>>,
    pub(super) threads: sync::Mutex<Vec<JoinHandle<()>>>,
    pub(super) now: Instant,
}

impl Server {
    pub(super) fn new() -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            registry: Registry::new(now),
            last_epoch: AtomicU64::new(0),
            is_known: AtomicBool::new(true),
            draining: CancellationToken::new(),
            lease: CancellationToken::new(),
            wires: sync::Mutex::default(),
            threads: sync::Mutex::default(),
            now,
        })
    }

    pub(super) fn spawn<R: Send + 'static>(
        self: &Arc<Self>,
        run: impl FnOnce(&Arc<Self>) -> R + Send + 'static,
    ) -> JoinHandle<R> {
        let server = Arc::clone(self);
        thread::spawn(move || run(&server))
    }

    /// Runs beside all else, until [`Self::join`].
    pub(super) fn beside(self: &Arc<Self>, run: impl FnOnce(&Arc<Self>) + Send + 'static) {
        let thread = self.spawn(run);
        self.threads.lock().unwrap().push(thread);
    }

    pub(super) fn join(&self) {
        loop {
            let thread = self.threads.lock().unwrap().pop();
            let Some(thread) = thread else { return };
            thread.join().unwrap();
        }
    }

    /// `Relay::establish`. Returns the predecessor, too, that is to be asked whether it lives.
    pub(super) fn connect(&self, instance: [u8; 16]) -> (Seated, Option<Wire>) {
        let wire = Wire::new();
        self.wires.lock().unwrap().push(wire.clone());
        let epoch = self.last_epoch.fetch_add(1, Ordering::SeqCst) + 1;
        let old = self
            .registry
            .seat(DEVICE, epoch, instance, wire.clone(), self.now);
        self.check_again();
        (Seated { wire, epoch }, old)
    }

    /// `Relay::serve`.
    pub(super) fn serve(&self, seated: &Seated) {
        seated.wire.closed();
        self.registry.remove(DEVICE, seated.epoch, self.now);
        assert!(!self.registry.is_current(DEVICE, seated.epoch));
    }

    /// [`Self::connect`], with a task that serves.
    pub(super) fn connect_and_serve(self: &Arc<Self>, instance: [u8; 16]) -> (Wire, Option<Wire>) {
        let (seated, old) = self.connect(instance);
        let wire = seated.wire.clone();
        self.beside(move |server| server.serve(&seated));
        (wire, old)
    }

    /// The same, and a predecessor that lives and is sent away in its time.
    pub(super) fn connect_and_probe(self: &Arc<Self>, instance: [u8; 16]) -> Wire {
        let (wire, old) = self.connect_and_serve(instance);
        if let Some(old) = old {
            self.beside(move |server| {
                server.registry.count_swap(DEVICE, server.now);
                old.send_away(GoAwayReason::Replaced);
            });
        }
        wire
    }

    /// `Relay::detach` and `Relay::resume`.
    pub(super) fn resume(&self, instance: [u8; 16]) {
        if let Some((_, wire)) = self.registry.held_by(DEVICE, &instance)
            && wire.go_on()
        {
            self.check_again();
        }
    }

    pub(super) fn check_again(&self) {
        let is_known = || self.is_known.load(Ordering::SeqCst);
        self.registry
            .check_again(DEVICE, is_known, &self.draining, self.now);
    }

    /// `Relay::drain`.
    pub(super) fn drain(&self) {
        for (_, _, wire) in self.registry.begin_drain(&self.draining) {
            wire.send_away(GoAwayReason::Restart);
        }
    }

    /// `Relay::disconnect`, after the device was deleted.
    pub(super) fn disable(&self) {
        self.is_known.store(false, Ordering::SeqCst);
        self.registry
            .send_away(DEVICE, GoAwayReason::Disabled, self.now);
    }

    /// `Relay::open`, and the task that cuts the stream: ends with it.
    pub(super) fn open(&self) {
        if let Whereabouts::Here(wire) = self.registry.find(DEVICE, self.now)
            && !wire.0.retired.is_cancelled()
            && let Some(stream) = wire.open()
        {
            block_on(async {
                let never = CancellationToken::new();
                tokio::select! {
                    biased;
                    () = stream.cancelled() => {}
                    _ = no_longer_allowed(&self.lease, &never, &wire.0.retired) => stream.cancel(),
                }
            });
        }
    }

    pub(super) fn holder(&self) -> Option<Wire> {
        match self.registry.find(DEVICE, self.now) {
            Whereabouts::Here(wire) => Some(wire),
            Whereabouts::ExpectedBack | Whereabouts::Away => None,
        }
    }

    /// Nothing moves any more: who holds was not told to go, and nobody else is left.
    pub(super) fn assert_settled(&self) {
        let holder = self.holder();
        let living = self.wires.lock().unwrap();
        let living = living.iter().filter(|wire| !wire.is_closed());
        let living = living.collect::<Vec<_>>();
        assert_eq!(living.len(), usize::from(holder.is_some()));
        assert_eq!(living.len(), self.registry.len());
        if let Some(holder) = holder {
            assert!(living[0].is_same(&holder));
            assert!(!holder.0.retired.is_cancelled());
        }
    }

    /// The last is sent away; then nothing is left.
    pub(super) fn end(&self) {
        self.registry
            .send_away(DEVICE, GoAwayReason::Disabled, self.now);
        self.join();
        assert_eq!(self.registry.len(), 0);
        for wire in &*self.wires.lock().unwrap() {
            assert!(wire.is_closed());
            assert!(
                wire.state()
                    .streams
                    .iter()
                    .all(CancellationToken::is_cancelled)
            );
        }
    }
}
