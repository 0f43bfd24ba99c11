//! Channel ids: never 0, and never again before both sides are done with them.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use crate::mux::Time;

/// After both sides said that they are done. An agent forgets a channel 2 s after its own CLOSE.
pub(super) const REST_AFTER_BOTH: Duration = Duration::from_secs(3);
/// After this side alone said so: what the agent sent before may still be on its way through a
/// slow network, and must not be taken for the answer to a later open on the same id.
pub(super) const REST_AFTER_OURS: Duration = Duration::from_secs(120);

/// The ids of one tunnel.
#[derive(Debug, Default)]
pub(super) struct Ids {
    /// In use, or at rest.
    taken: HashSet<u16>,
    resting: BTreeSet<(Time, u16)>,
    last: u16,
}

impl Ids {
    /// The next free one, in turn; `None` when there is none.
    pub(super) fn take(&mut self, now: Time) -> Option<u16> {
        self.wake(now);
        if self.taken.len() >= usize::from(u16::MAX) {
            return None;
        }
        loop {
            self.last = self.last.checked_add(1).unwrap_or(1);
            if self.taken.insert(self.last) {
                return Some(self.last);
            }
        }
    }

    /// The id is done with, and free again then.
    pub(super) fn rest(&mut self, id: u16, until: Time) {
        self.resting.insert((until, id));
    }

    /// The id was never told to the agent.
    pub(super) fn free(&mut self, id: u16) {
        self.taken.remove(&id);
    }

    /// Frees those that have rested; gives back what many have needed.
    pub(super) fn wake(&mut self, now: Time) {
        while let Some((until, id)) = self.resting.first().copied()
            && until <= now
        {
            self.resting.pop_first();
            self.taken.remove(&id);
        }
        if self.taken.is_empty() {
            self.taken = HashSet::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_round_without_zero_and_without_those_in_use() {
        let mut ids = Ids::default();
        let start = Time::START;
        for expected in 1..=u16::MAX {
            assert_eq!(ids.take(start), Some(expected));
        }
        assert_eq!(ids.take(start), None);
        ids.rest(7, start + REST_AFTER_BOTH);
        ids.rest(9, start + REST_AFTER_OURS);
        assert_eq!(ids.take(start + Duration::from_secs(2)), None);
        assert_eq!(ids.take(start + REST_AFTER_BOTH), Some(7));
        assert_eq!(ids.take(start + Duration::from_secs(119)), None);
        assert_eq!(ids.take(start + REST_AFTER_OURS), Some(9));
        ids.free(1);
        assert_eq!(ids.take(start), Some(1));
    }
}
