//! How much may wait below the scheduler (PROTOCOL section 5): what was handed down can no longer
//! be overtaken by a keystroke.

use super::time::Time;
use crate::wire::MAX_PAYLOAD_BYTES;

/// Also the start, before anything was measured.
const MIN_UNSENT_BYTES: u64 = 8 * 1024;
const MAX_UNSENT_BYTES: u64 = 128 * 1024;
/// Frames on a path slower than [`SLOW_BYTES_PER_SECOND`].
const SMALL_FRAME_BYTES: usize = 4 * 1024;
const SLOW_BYTES_PER_SECOND: u64 = 1_000_000;
/// The unsent bytes are worth this much time: 1/50 s.
const PER_SECOND: u64 = 50;
/// Of the unsent bytes, for control frames and small writes only.
const RESERVED_BYTES: usize = 1024;
/// Shorter stretches say more about the clock than about the path.
const MIN_SAMPLE_MICROS: u64 = 1_000;

/// What was handed to the socket's owner, what it got rid of, and how fast.
#[derive(Debug)]
pub(super) struct Pace {
    unsent: u64,
    /// Since when there was always something unsent.
    busy_since: Time,
    sent_while_busy: u64,
    bytes_per_second: u64,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self {
            unsent: 0,
            busy_since: Time::START,
            sent_while_busy: 0,
            bytes_per_second: MIN_UNSENT_BYTES * PER_SECOND,
        }
    }

    /// How many bytes of control frames and small writes may be handed down now.
    pub(super) fn room(&self) -> usize {
        // At most 128 KiB, so the cast keeps every bit.
        self.limit().saturating_sub(self.unsent) as usize
    }

    /// How many bytes of large writes. They leave room for a keystroke to follow, and wait until
    /// a good deal fits, lest each packet that leaves makes a frame of its own.
    pub(super) fn bulk_room(&self) -> usize {
        if self.unsent > self.limit() / 2 {
            return 0;
        }
        self.room().saturating_sub(RESERVED_BYTES)
    }

    /// Whether a keystroke would notice the bytes that follow it in its message.
    pub(super) fn is_slow(&self) -> bool {
        self.bytes_per_second < SLOW_BYTES_PER_SECOND
    }

    fn limit(&self) -> u64 {
        (self.bytes_per_second / PER_SECOND).clamp(MIN_UNSENT_BYTES, MAX_UNSENT_BYTES)
    }

    /// The largest payload of a frame.
    pub(super) fn max_frame(&self) -> usize {
        if self.is_slow() {
            SMALL_FRAME_BYTES
        } else {
            MAX_PAYLOAD_BYTES
        }
    }

    pub(super) fn hand_down(&mut self, bytes: u64, now: Time) {
        if self.unsent == 0 {
            self.busy_since = now;
            self.sent_while_busy = 0;
        }
        self.unsent += bytes;
    }

    pub(super) fn sent(&mut self, bytes: u64, now: Time) {
        let bytes = bytes.min(self.unsent);
        self.unsent -= bytes;
        self.sent_while_busy += bytes;
        let micros = now.since(self.busy_since).as_micros() as u64;
        if micros >= MIN_SAMPLE_MICROS {
            let measured = self.sent_while_busy.saturating_mul(1_000_000) / micros;
            // A keystroke's own small message must not be taken for the speed of the path.
            if self.sent_while_busy >= MIN_UNSENT_BYTES / 2 || measured > self.bytes_per_second {
                self.bytes_per_second = (self.bytes_per_second * 3 + measured) / 4;
                self.busy_since = now;
                self.sent_while_busy = 0;
            }
        } else if self.unsent == 0 && self.sent_while_busy >= MIN_UNSENT_BYTES / 2 {
            // Gone at once: faster than can be measured here. Half as much again, so that a
            // path turns out slow before much of it is full.
            let faster = self.bytes_per_second + self.bytes_per_second / 2;
            self.bytes_per_second = faster.min(MAX_UNSENT_BYTES * PER_SECOND * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Sends for a second over a path of so many bytes a second, with steps of a millisecond.
    fn settle(pace: &mut Pace, bytes_per_ms: u64) {
        for ms in 0..1000 {
            let now = Time::since_start(Duration::from_millis(ms));
            pace.sent(bytes_per_ms, now);
            pace.hand_down(pace.bulk_room() as u64, now);
        }
    }

    #[test]
    fn a_slow_path_gets_little_and_small_frames() {
        let mut pace = Pace::new();
        settle(&mut pace, 8);
        assert!(pace.unsent <= MIN_UNSENT_BYTES);
        assert_eq!(pace.max_frame(), SMALL_FRAME_BYTES);
    }

    #[test]
    fn a_fast_path_gets_all_it_may_and_large_frames() {
        let mut pace = Pace::new();
        settle(&mut pace, 100_000);
        assert!(pace.unsent <= MAX_UNSENT_BYTES);
        assert!(pace.limit() > MAX_UNSENT_BYTES / 2);
        assert_eq!(pace.max_frame(), MAX_PAYLOAD_BYTES);
    }

    #[test]
    fn what_goes_at_once_counts_as_fast() {
        let mut pace = Pace::new();
        for _ in 0..20 {
            let room = pace.bulk_room() as u64;
            pace.hand_down(room, Time::START);
            pace.sent(room, Time::START);
        }
        assert_eq!(pace.room() as u64, MAX_UNSENT_BYTES);
    }
}
