//! How long to wait before the next attempt.

const FIRST_MS: u32 = 500;
const LONGEST_MS: u32 = 15_000;

/// The wait after `failures` failed attempts: doubling to a cap, spread over half of itself so
/// that all browsers do not come back at once. `random` is in 0..1.
pub(crate) fn backoff_ms(failures: u32, random: f64) -> u32 {
    let doubled = FIRST_MS.saturating_mul(1 << failures.min(10));
    let wait = f64::from(doubled.min(LONGEST_MS));
    (wait * (0.5 + random.clamp(0.0, 1.0) / 2.0)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_cap() {
        assert_eq!(backoff_ms(0, 1.0), 500);
        assert_eq!(backoff_ms(1, 1.0), 1000);
        assert_eq!(backoff_ms(50, 1.0), LONGEST_MS);
    }

    #[test]
    fn waits_are_spread() {
        assert_eq!(backoff_ms(2, 0.0), 1000);
        assert_eq!(backoff_ms(2, 1.0), 2000);
    }
}
