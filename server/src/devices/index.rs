//! All devices in memory: by id, by key, by label. Kept true by every write.

use std::collections::{BTreeSet, HashMap};

use api::{Attention, Device, DeviceId, DeviceState, Timestamp};

use super::model::Record;
use super::presence::Presence;
use super::urls::Urls;

/// A device in memory.
pub(super) struct Entry {
    pub(super) record: Record,
    pub(super) presence: Presence,
    /// Of the present or last tunnel; written with `last_seen`.
    pub(super) address: Option<String>,
    /// Where links to the device's own page lead, if the agent said; a path.
    pub(super) start_path: Option<String>,
    /// Until when two agents are known to have its key.
    pub(super) duplicate_until: Option<Timestamp>,
    /// When what is recorded of its client certificates last differed.
    pub(super) certificates_changed_at: Option<Timestamp>,
}

impl Entry {
    /// Whether the device can be reached. One that is kept out is not expected back.
    pub(super) fn state(&self, now: Timestamp) -> DeviceState {
        match self.presence.state(now) {
            DeviceState::Reconnecting if self.record.disabled_at.is_some() => DeviceState::Offline,
            state => state,
        }
    }

    /// The device as the API shows it.
    pub(super) fn view(&self, urls: &Urls, now: Timestamp) -> Device {
        let is_duplicate = self.duplicate_until.is_some_and(|until| now < until);
        Device {
            attention: is_duplicate.then_some(Attention::DuplicateKey),
            ..self.record.view(self, urls, now)
        }
    }
}

/// The index.
#[derive(Default)]
pub(super) struct Index {
    devices: HashMap<DeviceId, Entry>,
    by_key: HashMap<[u8; 32], DeviceId>,
    by_label: HashMap<String, DeviceId>,
    /// Until when lost devices are expected back: then they are offline, which is news.
    expected: BTreeSet<(Timestamp, DeviceId)>,
}

impl Index {
    /// Puts a record in. `presence` is for a device that is new here; another keeps its own.
    pub(super) fn put(&mut self, record: Record, presence: Presence) {
        if let Some(entry) = self.devices.get_mut(&record.id) {
            entry.record = record;
            return;
        }
        self.by_key.insert(record.key, record.id);
        self.by_label.insert(record.label.clone(), record.id);
        if let Presence::Lost {
            at, expected_until, ..
        } = presence
            && expected_until > at
        {
            self.expected.insert((expected_until, record.id));
        }
        let address = record.address.clone();
        self.devices.insert(
            record.id,
            Entry {
                record,
                presence,
                address,
                start_path: None,
                duplicate_until: None,
                certificates_changed_at: None,
            },
        );
    }

    pub(super) fn remove(&mut self, id: DeviceId) -> Option<Entry> {
        let entry = self.devices.remove(&id)?;
        self.by_key.remove(&entry.record.key);
        self.by_label.remove(&entry.record.label);
        Some(entry)
    }

    pub(super) fn get(&self, id: DeviceId) -> Option<&Entry> {
        self.devices.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: DeviceId) -> Option<&mut Entry> {
        self.devices.get_mut(&id)
    }

    pub(super) fn by_key(&self, key: &[u8; 32]) -> Option<&Entry> {
        self.devices.get(self.by_key.get(key)?)
    }

    pub(super) fn by_label(&self, label: &str) -> Option<&Entry> {
        self.devices.get(self.by_label.get(label)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.devices.values()
    }

    /// A device is expected back until then.
    pub(super) fn expect(&mut self, id: DeviceId, until: Timestamp) {
        self.expected.insert((until, id));
    }

    /// Takes the devices that were expected back until now.
    pub(super) fn take_overdue(&mut self, now: Timestamp) -> Vec<DeviceId> {
        let mut overdue = Vec::new();
        while let Some((until, id)) = self.expected.first().copied()
            && until <= now
        {
            self.expected.pop_first();
            overdue.push(id);
        }
        overdue
    }
}
