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
    coming: Option<Coming>,
}

/// The update that comes in.
#[derive(Debug)]
struct Coming {
    /// When its first bytes were here.
    began: Duration,
    /// What came after those.
    bytes: u64,
}

impl Pace {
    /// Bytes came, all at `now` (of any clock that only goes forward); `is_updating` afterwards as
    /// [`Client::is_updating`](super::Client::is_updating) tells. Gives the quality to ask for.
    ///
    /// What counts lies between the first bytes of an update and its last: before them nothing had
    /// to come, and how long nothing changed says nothing of the line.
    pub fn came(&mut self, now: Duration, bytes: u64, is_updating: bool) -> Quality {
        if let Some(coming) = &mut self.coming {
            coming.bytes = coming.bytes.saturating_add(bytes);
            if !is_updating {
                let (bytes, elapsed) = (coming.bytes, now.saturating_sub(coming.began));
                self.coming = None;
                self.observe(bytes, elapsed);
            }
        } else if is_updating {
            self.coming = Some(Coming {
                began: now,
                bytes: 0,
            });
        }
        self.quality
    }

    /// The quality to ask for.
    #[must_use]
    pub const fn quality(&self) -> Quality {
        self.quality
    }

    fn observe(&mut self, bytes: u64, elapsed: Duration) {
        if bytes >= TELLING_BYTES && !elapsed.is_zero() {
            let rate = bytes as f64 / elapsed.as_secs_f64();
            let smoothed = self
                .rate_bytes_per_s
                .map_or(rate, |old| old * 0.7 + rate * 0.3);
            self.rate_bytes_per_s = Some(smoothed);
            self.quality = self.step(smoothed);
        }
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

    const PIECE_BYTES: u64 = 16 << 10;
    const IDLE: Duration = Duration::from_secs(10);

    /// Something changes every ten seconds.
    #[derive(Default)]
    struct Line {
        now: Duration,
        pace: Pace,
    }

    impl Line {
        fn update(&mut self, pieces: u32, bytes_per_s: u64) -> Quality {
            self.now += IDLE;
            let step = Duration::from_secs(1) * PIECE_BYTES as u32 / bytes_per_s as u32;
            for piece in 1..=pieces {
                self.now += step;
                self.pace.came(self.now, PIECE_BYTES, piece < pieces);
            }
            self.pace.quality()
        }

        fn settle(&mut self, bytes_per_s: u64) -> Quality {
            for _ in 0..40 {
                self.update(6, bytes_per_s);
            }
            self.pace.quality()
        }
    }

    #[test]
    fn quality_follows_the_line() {
        let mut line = Line::default();
        assert_eq!(line.settle(10_000_000), Quality::High);
        assert_eq!(line.settle(800_000), Quality::Medium);
        assert_eq!(line.settle(100_000), Quality::Low);
        assert_eq!(line.settle(290_000), Quality::Low, "not far enough");
        assert_eq!(line.settle(400_000), Quality::Medium);
        assert_eq!(line.settle(10_000_000), Quality::High);
    }

    /// With the time from asking on, 96 KiB each ten seconds would be a line of 10 kB/s.
    #[test]
    fn clicks_now_and_then_are_no_slow_line() {
        let mut line = Line::default();
        for _ in 0..40 {
            assert_eq!(line.update(6, 10_000_000), Quality::High);
        }
        let rate = line.pace.rate_bytes_per_s.unwrap();
        assert!((rate / 10e6 - 1.0).abs() < 0.01, "{rate}");
    }

    #[test]
    fn a_small_update_says_nothing() {
        let mut line = Line::default();
        for _ in 0..100 {
            // In one piece, in two, or more: 32 KiB must come after the first.
            for pieces in [1, 2] {
                assert_eq!(line.update(pieces, 1000), Quality::High);
            }
        }
        assert_eq!(line.update(3, 1000), Quality::Low);
    }

    #[test]
    fn what_comes_outside_of_updates_is_not_counted() {
        let mut line = Line::default();
        for _ in 0..100 {
            line.now += IDLE;
            line.pace.came(line.now, 1 << 20, false);
        }
        assert_eq!(line.pace.rate_bytes_per_s, None);
    }
}
