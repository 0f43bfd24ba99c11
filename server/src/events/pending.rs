//! Events that wait to be sent, one per device: of many changes in a moment the last one tells all.

use std::collections::HashMap;
use std::sync::Arc;

use api::{DeviceId, Event};

/// Beyond this many devices in one moment the reader had better fetch anew.
const DEVICES_MAX: usize = 500;

/// What waits.
#[derive(Default)]
pub(super) struct Pending {
    /// In the order of each device's first change.
    order: Vec<DeviceId>,
    events: HashMap<DeviceId, Arc<Event>>,
    resync: bool,
}

impl Pending {
    pub(super) fn push(&mut self, event: Arc<Event>) {
        let device = match &*event {
            Event::DeviceChanged { device } => device.id,
            Event::DeviceRemoved { device_id } => *device_id,
            // Whatever else there will be: fetching anew is never wrong.
            _ => return self.resync(),
        };
        if self.resync {
            return;
        }
        if self.events.insert(device, event).is_none() {
            self.order.push(device);
        }
        if self.order.len() > DEVICES_MAX {
            self.resync();
        }
    }

    /// Replaces all that waits.
    pub(super) fn resync(&mut self) {
        self.resync = true;
        self.order.clear();
        self.events.clear();
    }

    /// Takes all that waits, in order.
    pub(super) fn take(&mut self) -> Vec<Arc<Event>> {
        if std::mem::take(&mut self.resync) {
            return vec![Arc::new(Event::Resync)];
        }
        let mut events = std::mem::take(&mut self.events);
        self.order
            .drain(..)
            .filter_map(|device| events.remove(&device))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn removed(device: u128) -> Arc<Event> {
        Arc::new(Event::DeviceRemoved {
            device_id: DeviceId(Uuid::from_u128(device)),
        })
    }

    #[test]
    fn one_event_per_device_in_order() {
        let mut pending = Pending::default();
        for device in [2, 1, 2, 2, 3, 1] {
            pending.push(removed(device));
        }
        assert_eq!(pending.take(), [removed(2), removed(1), removed(3)]);
        assert!(pending.take().is_empty());
    }

    #[test]
    fn a_resync_replaces_what_waits_and_what_comes() {
        let mut pending = Pending::default();
        pending.push(removed(1));
        pending.resync();
        pending.push(removed(2));
        assert_eq!(pending.take(), [Arc::new(Event::Resync)]);
        pending.push(removed(3));
        assert_eq!(pending.take(), [removed(3)]);
    }

    #[test]
    fn too_many_at_once_become_a_resync() {
        let mut pending = Pending::default();
        for device in 0..=DEVICES_MAX as u128 {
            pending.push(removed(device));
        }
        assert_eq!(pending.take(), [Arc::new(Event::Resync)]);
    }
}
