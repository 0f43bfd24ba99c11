//! Names for requests, in the log and in answers.

use std::sync::atomic::{AtomicU64, Ordering};

/// A request's name: unique while the server runs, tells nothing about how many there were.
/// A request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// Gives out [`RequestId`]s.
pub(super) struct RequestIds {
    key: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) const fn new(key: u64) -> Self {
        Self {
            key,
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> RequestId {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:016x}", scrambled(number ^ self.key)))
    }
}

/// SplitMix64's last step: a bijection, so that no two numbers meet.
const fn scrambled(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let ids = RequestIds::new(7);
        let given: HashSet<String> = (0..1000).map(|_| ids.next().0).collect();
        assert_eq!(given.len(), 1000);
        assert!(given.iter().all(|id| id.len() == 16));
    }
}
