//! What the user's side does: bulk, echo, HTTP. Plain threads, so that the load costs the same
//! for every path measured.

mod bulk;
mod echo;
mod http;

pub(crate) use bulk::{Direction, bulk};
pub(crate) use echo::{echo, echo_under_bulk, first_byte};
pub(crate) use http::{Page, Plain, Site, http};

use std::time::Duration;

/// The value below which the share `quantile` of `sorted` lies.
pub(crate) fn quantile(sorted: &[Duration], quantile: f64) -> Duration {
    let index = ((sorted.len() as f64 - 1.0) * quantile).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_of_a_hundred() {
        let sorted: Vec<_> = (0..=100).map(Duration::from_micros).collect();
        assert_eq!(quantile(&sorted, 0.5), Duration::from_micros(50));
        assert_eq!(quantile(&sorted, 0.99), Duration::from_micros(99));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
    }
}
