//! One tunnel after another: who has to go is told so, whoever comes between two turns of the lock.

use api::DeviceId;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tunnel::driver::GoAwayReason;

use super::slots::Slots;
use super::{Lock, Registry, Replaced, Unregistered};

/// What holds a device's place: a tunnel.
pub(in crate::relay) trait Occupant: Clone {
    /// From now on nothing is opened on it, and what was is cut.
    fn retire(&self);

    /// Tells the agent why, then cuts what the tunnel carries: its streams see RESET or a lost
    /// tunnel, never an end, and no later frame of it gets anywhere.
    fn send_away(&self, reason: GoAwayReason);
}

impl<T: Occupant, L: Lock<Slots<T>>> Registry<T, L> {
    /// Makes `tunnel` the device's, and sends away who has to go for that: it or its predecessor.
    /// Returns the tunnel of another process, retired: it is for the caller to see whether that
    /// lives, and to send it away then.
    pub(in crate::relay) fn seat(
        &self,
        device: DeviceId,
        epoch: u64,
        instance: [u8; 16],
        tunnel: T,
        now: Instant,
    ) -> Option<T> {
        match self.register(device, epoch, instance, tunnel, now) {
            Ok(Replaced::Nothing) => None,
            Ok(Replaced::Own(old)) => {
                tracing::info!(%device, epoch, "tunnel replaced by a newer one");
                old.send_away(GoAwayReason::Replaced);
                None
            }
            Ok(Replaced::Other(old)) => {
                old.retire();
                Some(old)
            }
            Err(Unregistered::Outdated(tunnel) | Unregistered::Quarantined(tunnel)) => {
                tunnel.send_away(GoAwayReason::Replaced);
                None
            }
        }
    }

    /// After a tunnel was registered or resumed: what ends tunnels may have happened since its
    /// device was proven, and have found none to end.
    pub(in crate::relay) fn check_again(
        &self,
        device: DeviceId,
        is_known: impl FnOnce() -> bool,
        draining: &CancellationToken,
        now: Instant,
    ) {
        if !is_known() {
            self.send_away(device, GoAwayReason::Disabled, now);
        }
        if draining.is_cancelled() {
            self.send_away(device, GoAwayReason::Restart, now);
        }
    }

    /// Ends the device's tunnel, if it has one.
    pub(in crate::relay) fn send_away(&self, device: DeviceId, reason: GoAwayReason, now: Instant) {
        if let Some(tunnel) = self.take(device, now) {
            tunnel.send_away(reason);
        }
    }

    /// No tunnel begins from now on; returns those that there are. First the word, then the look:
    /// who is registered after the look finds the word in [`Self::check_again`].
    pub(in crate::relay) fn begin_drain(
        &self,
        draining: &CancellationToken,
    ) -> Vec<(DeviceId, u64, T)> {
        draining.cancel();
        self.all()
    }
}
