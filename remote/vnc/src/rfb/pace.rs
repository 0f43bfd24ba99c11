//! How good pictures can be for what the line carries.

use std::time::Duration;

use super::Quality;

/// Smaller updates say more of the round trip than of the line.
const TELLING_BYTES: u64 = 32 << 10;
/// Of the line's rate: below the first it is low, below the second medium.
const RATES_BYTES_PER_S: [f64; 2] = [250e3, 1.5e6];
/// A rate near a step must pass it by so much, or quality would flutter.
const MARGIN: f64 = 1.3;

/// Watches updates come in.
#[derive(Debug, Default)]
pub struct Pace {
    rate_bytes_per_s: Option<f64>,
    quality: Quality,
}

impl Pace {
    /// An update of so many bytes came within so much time. Gives the quality to ask for.
    pub fn observe(&mut self, bytes: u64, elapsed: Duration) -> Quality {
        if bytes >= TELLING_BYTES && !elapsed.is_zero() {
            let rate = bytes as f64 / elapsed.as_secs_f64();
            let smoothed = self
                .rate_bytes_per_s
                .map_or(rate, |old| old * 0.7 + rate * 0.3);
            self.rate_bytes_per_s = Some(smoothed);
            self.quality = self.step(smoothed);
        }
        self.quality
    }

    fn step(&self, rate: f64) -> Quality {
        let [low, medium] = RATES_BYTES_PER_S;
        // The way up is longer than the way down.
        let bound = |step: f64, is_below: bool| if is_below { step * MARGIN } else { step };
        let below_low = self.quality == Quality::Low;
        let below_medium = below_low || self.quality == Quality::Medium;
        if rate < bound(low, below_low) {
            Quality::Low
        } else if rate < bound(medium, below_medium) {
            Quality::Medium
        } else {
            Quality::High
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(pace: &mut Pace, bytes_per_s: u64) -> Quality {
        let mut quality = Quality::default();
        for _ in 0..40 {
            quality = pace.observe(bytes_per_s / 2, Duration::from_millis(500));
        }
        quality
    }

    #[test]
    fn quality_follows_the_line() {
        let mut pace = Pace::default();
        assert_eq!(settled(&mut pace, 10_000_000), Quality::High);
        assert_eq!(settled(&mut pace, 800_000), Quality::Medium);
        assert_eq!(settled(&mut pace, 100_000), Quality::Low);
        assert_eq!(settled(&mut pace, 290_000), Quality::Low, "not far enough");
        assert_eq!(settled(&mut pace, 400_000), Quality::Medium);
        assert_eq!(settled(&mut pace, 10_000_000), Quality::High);
    }

    #[test]
    fn a_small_update_says_nothing() {
        let mut pace = Pace::default();
        for _ in 0..100 {
            assert_eq!(pace.observe(900, Duration::from_secs(1)), Quality::High);
        }
    }
}
