//! A list of devices as loaded so far, and how events change it.

use std::sync::Arc;

use api::{Device, DeviceId, DeviceState, Page};

/// The loaded part of a list, in the server's order: by name, then id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct DeviceList {
    pub(crate) devices: Vec<Arc<Device>>,
    pub(crate) next_cursor: Option<String>,
    /// How many match in all.
    pub(crate) total: u64,
    /// What the list is searched for, lower case; empty: all.
    search: String,
}

/// How many devices are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) online: u64,
    pub(crate) reconnecting: u64,
    pub(crate) offline: u64,
    pub(crate) never_seen: u64,
}

impl DeviceList {
    /// The first page of a search.
    pub(crate) fn new(search: &str, page: Page<Device>) -> Self {
        Self {
            devices: page.items.into_iter().map(Arc::new).collect(),
            next_cursor: page.next_cursor,
            total: page.total,
            search: search.trim().to_lowercase(),
        }
    }

    /// Adds the next page. A device may be on two pages when names changed in between.
    pub(crate) fn append(&mut self, page: Page<Device>) {
        for device in page.items {
            self.devices.retain(|known| known.id != device.id);
            self.devices.push(Arc::new(device));
        }
        self.next_cursor = page.next_cursor;
        self.total = page.total;
    }

    /// Takes in a device that is new or differs.
    pub(crate) fn upsert(&mut self, device: Device) {
        let known = self.devices.iter().position(|known| known.id == device.id);
        if !self.matches(&device) {
            if known.is_some() {
                self.remove(device.id);
            }
            return;
        }
        match known {
            Some(at) if self.devices[at].name == device.name => {
                self.devices[at] = Arc::new(device);
            }
            Some(at) => {
                self.devices.remove(at);
                self.insert(device);
            }
            // Beyond what is loaded nobody can say whether it was counted already.
            None if self.next_cursor.is_some() && self.is_last(&device) => {}
            None => {
                self.total += 1;
                self.insert(device);
            }
        }
    }

    /// Takes out a device that is gone.
    pub(crate) fn remove(&mut self, id: DeviceId) {
        let before = self.devices.len();
        self.devices.retain(|known| known.id != id);
        if self.devices.len() < before {
            self.total = self.total.saturating_sub(1);
        }
    }

    /// The device of this id, if it is loaded.
    pub(crate) fn device(&self, id: DeviceId) -> Option<Arc<Device>> {
        self.devices.iter().find(|device| device.id == id).cloned()
    }

    /// The states counted; `None` while only a part is loaded.
    pub(crate) fn counts(&self) -> Option<Counts> {
        if self.next_cursor.is_some() {
            return None;
        }
        let mut counts = Counts::default();
        for device in &self.devices {
            *match device.state {
                DeviceState::Online => &mut counts.online,
                DeviceState::Reconnecting => &mut counts.reconnecting,
                DeviceState::Offline => &mut counts.offline,
                DeviceState::NeverSeen => &mut counts.never_seen,
            } += 1;
        }
        Some(counts)
    }

    fn matches(&self, device: &Device) -> bool {
        let contains = |text: &str| text.to_lowercase().contains(&self.search);
        self.search.is_empty()
            || contains(&device.name)
            || contains(&device.label)
            || device.host_name.as_deref().is_some_and(contains)
            || device.address.as_deref().is_some_and(contains)
    }

    fn insert(&mut self, device: Device) {
        let key = order(&device);
        let at = self.devices.partition_point(|known| order(known) < key);
        self.devices.insert(at, Arc::new(device));
    }

    fn is_last(&self, device: &Device) -> bool {
        self.devices
            .last()
            .is_some_and(|last| order(last) < order(device))
    }
}

fn order(device: &Device) -> (String, DeviceId) {
    (device.name.to_lowercase(), device.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::device;

    fn list(search: &str, names: &[&str], more: bool) -> DeviceList {
        let page = Page {
            items: names.iter().map(|name| device(name)).collect(),
            next_cursor: more.then(|| "next".to_owned()),
            total: names.len() as u64 + u64::from(more) * 100,
        };
        DeviceList::new(search, page)
    }

    fn names(list: &DeviceList) -> Vec<&str> {
        list.devices.iter().map(|one| one.name.as_str()).collect()
    }

    #[test]
    fn a_change_stays_in_its_place_and_a_new_name_moves() {
        let mut all = list("", &["a", "b", "c"], false);
        let mut changed = device("b");
        changed.state = DeviceState::Offline;
        all.upsert(changed.clone());
        assert_eq!(names(&all), ["a", "b", "c"]);
        assert_eq!(all.devices[1].state, DeviceState::Offline);
        changed.name = "Z".to_owned();
        all.upsert(changed);
        assert_eq!(names(&all), ["a", "c", "Z"]);
        assert_eq!(all.total, 3);
    }

    #[test]
    fn a_new_device_comes_in_at_its_place() {
        let mut all = list("", &["a", "c"], false);
        all.upsert(device("B"));
        assert_eq!(names(&all), ["a", "B", "c"]);
        assert_eq!(all.total, 3);
    }

    #[test]
    fn beyond_the_loaded_part_nothing_is_added() {
        let mut part = list("", &["a", "c"], true);
        part.upsert(device("d"));
        assert_eq!(names(&part), ["a", "c"]);
        part.upsert(device("b"));
        assert_eq!(names(&part), ["a", "b", "c"]);
    }

    #[test]
    fn a_search_takes_in_only_what_matches() {
        let mut found = list(" PUMP ", &["pump-1"], false);
        found.upsert(device("gate"));
        found.upsert(device("Pump-2"));
        assert_eq!(names(&found), ["pump-1", "Pump-2"]);
        let mut renamed = device("pump-1");
        renamed.name = "press".to_owned();
        renamed.label = "press".to_owned();
        found.upsert(renamed);
        assert_eq!(names(&found), ["Pump-2"]);
        assert_eq!(found.total, 1);
    }

    #[test]
    fn removal_counts_once() {
        let mut all = list("", &["a", "b"], false);
        let gone = device("a").id;
        all.remove(gone);
        all.remove(gone);
        assert_eq!((names(&all), all.total), (vec!["b"], 1));
    }

    #[test]
    fn the_next_page_repeats_nobody() {
        let mut part = list("", &["a", "b"], true);
        part.append(Page {
            items: vec![device("b"), device("c")],
            next_cursor: None,
            total: 3,
        });
        assert_eq!(names(&part), ["a", "b", "c"]);
        assert_eq!(part.total, 3);
    }

    #[test]
    fn states_are_counted_when_all_is_loaded() {
        assert_eq!(list("", &["a"], true).counts(), None);
        let counts = list("", &["a", "b"], false).counts().unwrap();
        assert_eq!((counts.online, counts.offline), (2, 0));
    }
}
