//! What is known of each device's tunnel. Each operation is one turn of the registry's lock.

use std::collections::HashMap;
use std::time::Duration;

use api::DeviceId;
use tokio::time::Instant;

use super::{QUARANTINE, Replaced, Unregistered, Whereabouts};

/// A device that was lost less long ago is expected back (as its presence has it).
const EXPECTED_BACK: Duration = Duration::from_secs(20);
/// After a start all of them are, for so long.
const EXPECTED_AFTER_START: Duration = Duration::from_secs(60);
/// Two processes with one key take turns so often: somebody copied the key.
const MAX_SWAPS: u32 = 5;
const SWAP_WINDOW: Duration = Duration::from_secs(600);

/// What is known of every device.
pub(in crate::relay) struct Slots<T> {
    started_at: Instant,
    devices: HashMap<DeviceId, Slot<T>>,
}

/// What is known of a device. Kept after its tunnel ended, until it is no longer expected back.
struct Slot<T> {
    current: Option<Entry<T>>,
    /// The highest epoch ever registered: nothing below it may come after it.
    epoch: u64,
    lost_at: Instant,
    /// Not after it was sent away for good.
    expected_back: bool,
    swaps: Swaps,
    quarantine_until: Option<Instant>,
}

struct Entry<T> {
    instance: [u8; 16],
    tunnel: T,
}

impl<T: Clone> Slots<T> {
    pub(super) fn new(started_at: Instant) -> Self {
        Self {
            started_at,
            devices: HashMap::new(),
        }
    }

    /// Makes `tunnel` the device's, or gives it back.
    pub(super) fn register(
        &mut self,
        device: DeviceId,
        epoch: u64,
        instance: [u8; 16],
        tunnel: T,
        now: Instant,
    ) -> Result<Replaced<T>, Unregistered<T>> {
        let slot = self.devices.entry(device).or_insert_with(|| Slot {
            current: None,
            epoch: 0,
            lost_at: now,
            expected_back: true,
            swaps: Swaps {
                since: now,
                count: 0,
            },
            quarantine_until: None,
        });
        if slot.epoch >= epoch {
            return Err(Unregistered::Outdated(tunnel));
        }
        if slot.refuses(&instance, now) {
            return Err(Unregistered::Quarantined(tunnel));
        }
        slot.epoch = epoch;
        slot.expected_back = true;
        Ok(match slot.current.replace(Entry { instance, tunnel }) {
            None => Replaced::Nothing,
            Some(old) if old.instance == instance => Replaced::Own(old.tunnel),
            Some(old) => Replaced::Other(old.tunnel),
        })
    }

    /// A living tunnel was replaced by another process's. Tells whether it was one too many: then
    /// the one that holds now stays.
    pub(super) fn count_swap(&mut self, device: DeviceId, now: Instant) -> bool {
        let Some(slot) = self.devices.get_mut(&device) else {
            return false;
        };
        let too_many = slot.swaps.count_one(now);
        if too_many {
            slot.quarantine_until = Some(now + QUARANTINE);
            slot.swaps = Swaps {
                since: now,
                count: 0,
            };
        }
        too_many
    }

    /// Whether a tunnel of this process would not be registered now. Nobody is kept out of a
    /// device that has no tunnel.
    pub(super) fn refuses(&self, device: DeviceId, instance: &[u8; 16], now: Instant) -> bool {
        let slot = self.devices.get(&device);
        slot.is_some_and(|slot| slot.refuses(instance, now))
    }

    /// The tunnel of this epoch has ended. Tells whether it was still the device's.
    pub(super) fn remove(&mut self, device: DeviceId, epoch: u64, now: Instant) -> bool {
        let Some(slot) = self.devices.get_mut(&device) else {
            return false;
        };
        if slot.epoch != epoch || slot.current.take().is_none() {
            return false;
        }
        slot.lost_at = now;
        true
    }

    /// Takes the device's tunnel away, for good: the device is not expected back.
    pub(super) fn take(&mut self, device: DeviceId, now: Instant) -> Option<T> {
        let slot = self.devices.get_mut(&device)?;
        // The epoch stays: a handshake that is under way must not come after a newer one.
        slot.expected_back = false;
        slot.lost_at = now;
        slot.current.take().map(|entry| entry.tunnel)
    }

    pub(super) fn find(&self, device: DeviceId, now: Instant) -> Whereabouts<T> {
        let expected_back = match self.devices.get(&device) {
            Some(Slot {
                current: Some(entry),
                ..
            }) => {
                return Whereabouts::Here(entry.tunnel.clone());
            }
            Some(slot) => {
                slot.expected_back && now.saturating_duration_since(slot.lost_at) < EXPECTED_BACK
            }
            None => now.saturating_duration_since(self.started_at) < EXPECTED_AFTER_START,
        };
        if expected_back {
            Whereabouts::ExpectedBack
        } else {
            Whereabouts::Away
        }
    }

    /// The tunnel that this process of the device's agent holds, and its epoch.
    pub(super) fn held_by(&self, device: DeviceId, instance: &[u8; 16]) -> Option<(u64, T)> {
        let slot = self.devices.get(&device)?;
        let entry = slot.current.as_ref()?;
        (entry.instance == *instance).then(|| (slot.epoch, entry.tunnel.clone()))
    }

    /// Whether the tunnel of this epoch is the device's.
    pub(super) fn is_current(&self, device: DeviceId, epoch: u64) -> bool {
        self.devices
            .get(&device)
            .is_some_and(|slot| slot.epoch == epoch && slot.current.is_some())
    }

    /// Every living tunnel, with its epoch.
    pub(super) fn all(&self) -> Vec<(DeviceId, u64, T)> {
        let living = self.devices.iter().filter_map(|(device, slot)| {
            Some((*device, slot.epoch, slot.current.as_ref()?.tunnel.clone()))
        });
        living.collect()
    }

    /// Forgets devices that are long gone.
    pub(super) fn forget_lost(&mut self, now: Instant) {
        self.devices.retain(|_, slot| {
            slot.current.is_some() || now.saturating_duration_since(slot.lost_at) < SWAP_WINDOW
        });
    }

    /// Devices with a tunnel.
    pub(super) fn len(&self) -> usize {
        self.devices
            .values()
            .filter(|slot| slot.current.is_some())
            .count()
    }

    /// Devices of which anything is known.
    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.devices.len()
    }
}

impl<T> Slot<T> {
    fn refuses(&self, instance: &[u8; 16], now: Instant) -> bool {
        let is_other = self
            .current
            .as_ref()
            .is_some_and(|holder| holder.instance != *instance);
        is_other && self.quarantine_until.is_some_and(|until| now < until)
    }
}

/// Counts how often a living tunnel was replaced by that of another process.
struct Swaps {
    since: Instant,
    count: u32,
}

impl Swaps {
    /// Tells whether it was one too many.
    fn count_one(&mut self, now: Instant) -> bool {
        if now.saturating_duration_since(self.since) > SWAP_WINDOW {
            *self = Self {
                since: now,
                count: 0,
            };
        }
        self.count = self.count.saturating_add(1);
        self.count > MAX_SWAPS
    }
}
