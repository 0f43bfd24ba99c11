//! Things that wait a short while to be picked up once: bounded, forgotten in time.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use api::Timestamp;

/// Values by key, each with an owner. When an owner has too many, or all together, the oldest
/// goes. At these sizes a walk through a queue is quicker than it needs to be.
pub(super) struct Pending<K, O, V> {
    life_s: i64,
    each: usize,
    total: usize,
    entries: Mutex<VecDeque<Entry<K, O, V>>>,
}

struct Entry<K, O, V> {
    key: K,
    owner: O,
    until: Timestamp,
    value: V,
}

impl<K: PartialEq, O: PartialEq, V> Pending<K, O, V> {
    pub(super) const fn new(life_s: i64, each: usize, total: usize) -> Self {
        Self {
            life_s,
            each,
            total,
            entries: Mutex::new(VecDeque::new()),
        }
    }

    pub(super) fn put(&self, key: K, owner: O, value: V, now: Timestamp) {
        let mut entries = self.living(now);
        let of_owner = || {
            entries
                .iter()
                .enumerate()
                .filter(|(_, entry)| entry.owner == owner)
        };
        let excess = if of_owner().count() >= self.each {
            of_owner().map(|(at, _)| at).next()
        } else {
            (entries.len() >= self.total).then_some(0)
        };
        if let Some(at) = excess {
            entries.remove(at);
        }
        let until = now.plus_seconds(self.life_s);
        entries.push_back(Entry {
            key,
            owner,
            until,
            value,
        });
    }

    /// Takes one out.
    pub(super) fn take(&self, key: &K, now: Timestamp) -> Option<V> {
        let mut entries = self.living(now);
        let at = entries.iter().rposition(|entry| entry.key == *key)?;
        entries.remove(at).map(|entry| entry.value)
    }

    /// Works on one and leaves it there. The second argument is how long it still lives.
    pub(super) fn with<R>(
        &self,
        key: &K,
        now: Timestamp,
        work: impl FnOnce(&mut V, i64) -> R,
    ) -> Option<R> {
        let mut entries = self.living(now);
        let entry = entries.iter_mut().rfind(|entry| entry.key == *key)?;
        let left_s = entry.until.seconds_since(now);
        Some(work(&mut entry.value, left_s))
    }

    /// All that has not run out. All live equally long, so the first is the next to go.
    fn living(&self, now: Timestamp) -> MutexGuard<'_, VecDeque<Entry<K, O, V>>> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        while entries.front().is_some_and(|entry| entry.until <= now) {
            entries.pop_front();
        }
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(0);

    #[test]
    fn things_are_taken_once_and_in_time() {
        let pending = Pending::new(30, 2, 4);
        pending.put("a", 1, "x", NOW);
        assert_eq!(pending.take(&"b", NOW), None);
        assert_eq!(pending.take(&"a", NOW.plus_seconds(29)), Some("x"));
        assert_eq!(pending.take(&"a", NOW.plus_seconds(29)), None);
        pending.put("a", 1, "x", NOW);
        assert_eq!(pending.take(&"a", NOW.plus_seconds(30)), None);
    }

    #[test]
    fn an_owner_pushes_out_its_own_first() {
        let pending = Pending::new(30, 2, 4);
        for (key, owner) in [("a", 1), ("b", 2), ("c", 2), ("d", 2)] {
            pending.put(key, owner, (), NOW);
        }
        let is_there = |key| pending.with(&key, NOW, |(), _| ()).is_some();
        assert!(is_there("a") && !is_there("b") && is_there("c") && is_there("d"));
        for (key, owner) in [("e", 3), ("f", 4)] {
            pending.put(key, owner, (), NOW);
        }
        assert!(!is_there("a"));
        assert!(is_there("c") && is_there("d") && is_there("e") && is_there("f"));
    }
}
