//! Adding up what passed and failed, over all runners.

use std::fmt;

/// How many passed and how many failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
}

impl Tally {
    /// One thing, which passed or failed.
    pub(crate) fn one(passed: bool) -> Self {
        Self {
            passed: u64::from(passed),
            failed: u64::from(!passed),
        }
    }

    /// A runner's own counts. One that ended badly without a failure to show counts as one.
    pub(crate) fn of_runner(counts: Self, ended_well: bool) -> Self {
        Self {
            failed: counts.failed.max(u64::from(!ended_well)),
            ..counts
        }
    }

    /// Whether nothing failed, and something ran at all.
    pub(crate) fn is_good(self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_end_never_counts_as_good() {
        let none = Tally::default();
        assert_eq!(Tally::of_runner(none, false), Tally::one(false));
        let two = Tally {
            passed: 5,
            failed: 2,
        };
        assert_eq!(Tally::of_runner(two, false), two);
        assert_eq!(Tally::of_runner(Tally::one(true), true), Tally::one(true));
    }

    #[test]
    fn nothing_at_all_is_not_good() {
        assert!(!Tally::default().is_good());
        assert!(Tally::one(true).is_good());
        assert!(!Tally::one(false).is_good());
    }

    #[test]
    fn the_closing_line_is_plain() {
        assert_eq!(
            Tally {
                passed: 12,
                failed: 0
            }
            .to_string(),
            "12 passed, 0 failed"
        );
    }
}
