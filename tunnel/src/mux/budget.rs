//! Budgets: how much granted, unread credit one tunnel and the whole process may have out, and how
//! much they may keep for sending again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A budget that many tunnels share; clones are the same budget.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    limit_bytes: u64,
    used_bytes: AtomicU64,
}

impl Budget {
    /// A budget of so many bytes.
    #[must_use]
    pub fn new(limit_bytes: u64) -> Self {
        Self(Arc::new(Inner {
            limit_bytes,
            used_bytes: AtomicU64::new(0),
        }))
    }

    /// What is in use.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.0.used_bytes.load(Ordering::Relaxed)
    }

    /// What there is.
    #[must_use]
    pub fn limit_bytes(&self) -> u64 {
        self.0.limit_bytes
    }

    /// Takes bytes if the sum then stays within `limit`.
    fn charge_within(&self, bytes: u64, limit: u64) -> bool {
        self.0
            .used_bytes
            .try_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
                used.checked_add(bytes).filter(|sum| *sum <= limit)
            })
            .is_ok()
    }

    fn charge_anyway(&self, bytes: u64) {
        self.0.used_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn release(&self, bytes: u64) {
        self.0.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// One tunnel's account within both budgets. What it holds goes back when it is dropped.
#[derive(Debug)]
pub(crate) struct Ledger {
    process: Budget,
    limit_bytes: u64,
    used_bytes: u64,
}

impl Ledger {
    pub(crate) fn new(limit_bytes: u64, process: Budget) -> Self {
        Self {
            process,
            limit_bytes,
            used_bytes: 0,
        }
    }

    /// For a new stream: anything that fits.
    pub(crate) fn charge(&mut self, bytes: u64) -> bool {
        self.charge_within(bytes, self.limit_bytes, self.process.limit_bytes())
    }

    /// For a window that grows: only the first half, so that new streams always find room.
    pub(crate) fn charge_growth(&mut self, bytes: u64) -> bool {
        self.charge_within(bytes, self.limit_bytes / 2, self.process.limit_bytes() / 2)
    }

    /// What [`Self::charge_growth`] would give.
    pub(crate) fn growth_room(&self) -> u64 {
        let own = (self.limit_bytes / 2).saturating_sub(self.used_bytes);
        let process = (self.process.limit_bytes() / 2).saturating_sub(self.process.used_bytes());
        own.min(process)
    }

    /// For what is there already, whether it fits or not.
    pub(crate) fn charge_anyway(&mut self, bytes: u64) {
        self.used_bytes += bytes;
        self.process.charge_anyway(bytes);
    }

    pub(crate) fn release(&mut self, bytes: u64) {
        debug_assert!(bytes <= self.used_bytes, "released more than was charged");
        self.used_bytes = self.used_bytes.saturating_sub(bytes);
        self.process.release(bytes);
    }

    /// Whether memory runs short, so that grown windows should shrink.
    pub(crate) fn pressed(&self) -> bool {
        above_three_quarters(self.used_bytes, self.limit_bytes)
            || above_three_quarters(self.process.used_bytes(), self.process.limit_bytes())
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    fn charge_within(&mut self, bytes: u64, own: u64, process: u64) -> bool {
        let fits = self.used_bytes.saturating_add(bytes) <= own
            && self.process.charge_within(bytes, process);
        if fits {
            self.used_bytes += bytes;
        }
        fits
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        self.process.release(self.used_bytes);
    }
}

fn above_three_quarters(used: u64, limit: u64) -> bool {
    used > limit / 4 * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_budget_binds_all_tunnels() {
        let process = Budget::new(100);
        let mut one = Ledger::new(80, process.clone());
        let mut two = Ledger::new(80, process.clone());
        assert!(one.charge(60));
        assert!(!two.charge(60), "beyond the process's budget");
        assert!(!one.charge(30), "beyond the tunnel's budget");
        assert!(two.charge(40));
        drop(one);
        assert_eq!(process.used_bytes(), 40);
        two.release(40);
        assert_eq!(process.used_bytes(), 0);
    }

    #[test]
    fn growth_leaves_the_second_half_to_new_streams() {
        let mut ledger = Ledger::new(100, Budget::new(1000));
        assert!(!ledger.charge_growth(51));
        assert!(ledger.charge_growth(50));
        assert!(ledger.charge(50));
    }
}
