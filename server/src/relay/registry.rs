//! Which tunnel is a device's: the newest proven one, and never an older one after it.

use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use api::DeviceId;
use tokio::time::Instant;

use self::slots::Slots;
use super::line::Line;

mod slots;
mod turnover;

pub(super) use self::turnover::Occupant;

/// For so long after too many swaps the tunnel that holds is not replaced by another process's.
/// Long enough that someone sees it, short enough that a device repaired by hand comes back by
/// itself.
pub(super) const QUARANTINE: Duration = Duration::from_secs(600);

/// All tunnels, behind one lock that is never held across an await or a call into a tunnel.
/// Generic over the tunnel's handle and the lock for the sake of tests (decision 0020).
pub(super) struct Registry<T = Line, L = Mutex<Slots<T>>> {
    slots: L,
    occupants: PhantomData<fn() -> T>,
}

/// What lets one in at a time.
pub(super) trait Lock<S> {
    /// A lock around this state.
    fn around(state: S) -> Self;

    /// One's turn with the state.
    fn turn<R>(&self, act: impl FnOnce(&mut S) -> R) -> R;
}

impl<S> Lock<S> for Mutex<S> {
    fn around(state: S) -> Self {
        Self::new(state)
    }

    fn turn<R>(&self, act: impl FnOnce(&mut S) -> R) -> R {
        act(&mut self.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A registered tunnel's predecessor.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Replaced<T> {
    Nothing,
    /// Of the same process: its own connection was lost.
    Own(T),
    /// Of another process, which may live.
    Other(T),
}

/// A tunnel that is not registered, and must go.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unregistered<T> {
    /// A newer one was first.
    Outdated(T),
    /// Another process holds, and is not to be replaced now.
    Quarantined(T),
}

/// Where a device is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Whereabouts<T> {
    Here(T),
    ExpectedBack,
    Away,
}

impl<T: Clone, L: Lock<Slots<T>>> Registry<T, L> {
    pub(super) fn new(started_at: Instant) -> Self {
        Self {
            slots: L::around(Slots::new(started_at)),
            occupants: PhantomData,
        }
    }

    /// Makes `tunnel` the device's, or gives it back.
    pub(super) fn register(
        &self,
        device: DeviceId,
        epoch: u64,
        instance: [u8; 16],
        tunnel: T,
        now: Instant,
    ) -> Result<Replaced<T>, Unregistered<T>> {
        self.slots
            .turn(|slots| slots.register(device, epoch, instance, tunnel, now))
    }

    /// A living tunnel was replaced by another process's. Tells whether it was one too many: then
    /// the one that holds now stays.
    pub(super) fn count_swap(&self, device: DeviceId, now: Instant) -> bool {
        self.slots.turn(|slots| slots.count_swap(device, now))
    }

    /// Whether a tunnel of this process would not be registered now. Nobody is kept out of a
    /// device that has no tunnel.
    pub(super) fn refuses(&self, device: DeviceId, instance: &[u8; 16], now: Instant) -> bool {
        self.slots
            .turn(|slots| slots.refuses(device, instance, now))
    }

    /// The tunnel of this epoch has ended. Tells whether it was still the device's.
    pub(super) fn remove(&self, device: DeviceId, epoch: u64, now: Instant) -> bool {
        self.slots.turn(|slots| slots.remove(device, epoch, now))
    }

    /// Takes the device's tunnel away, for good: the device is not expected back.
    pub(super) fn take(&self, device: DeviceId, now: Instant) -> Option<T> {
        self.slots.turn(|slots| slots.take(device, now))
    }

    pub(super) fn find(&self, device: DeviceId, now: Instant) -> Whereabouts<T> {
        self.slots.turn(|slots| slots.find(device, now))
    }

    /// The tunnel that this process of the device's agent holds, and its epoch.
    pub(super) fn held_by(&self, device: DeviceId, instance: &[u8; 16]) -> Option<(u64, T)> {
        self.slots.turn(|slots| slots.held_by(device, instance))
    }

    /// Whether the tunnel of this epoch is the device's.
    pub(super) fn is_current(&self, device: DeviceId, epoch: u64) -> bool {
        self.slots.turn(|slots| slots.is_current(device, epoch))
    }

    /// Every living tunnel, with its epoch.
    pub(super) fn all(&self) -> Vec<(DeviceId, u64, T)> {
        self.slots.turn(|slots| slots.all())
    }

    /// Forgets devices that are long gone.
    pub(super) fn forget_lost(&self, now: Instant) {
        self.slots.turn(|slots| slots.forget_lost(now));
    }

    pub(super) fn len(&self) -> usize {
        self.slots.turn(|slots| slots.len())
    }
}

#[cfg(test)]
mod schedules;
#[cfg(test)]
mod tests;
