//! How often a peer may do what costs us more than it costs the peer (S37).

use std::time::Duration;

use super::error::ProtocolError;
use super::time::Time;

/// So many at once, so many a second on average.
#[derive(Debug)]
struct Bucket {
    per_second: u32,
    burst: u32,
    left: u32,
    filled_at: Time,
}

impl Bucket {
    fn new(per_second: u32, burst: u32) -> Self {
        Self {
            per_second,
            burst,
            left: burst,
            filled_at: Time::START,
        }
    }

    fn take(&mut self, now: Time) -> bool {
        let elapsed = now.since(self.filled_at);
        let earned = elapsed.as_micros() * u128::from(self.per_second) / 1_000_000;
        if earned > 0 {
            let room = self.burst - self.left;
            // Bounded by `room`, so the cast keeps every bit.
            self.left += earned.min(room.into()) as u32;
            // What was earned in part stays earned.
            let spent = earned * 1_000_000 / u128::from(self.per_second);
            self.filled_at = self.filled_at + Duration::from_micros(spent as u64);
        }
        let some_left = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some_left
    }
}

/// The caps of one tunnel.
#[derive(Debug)]
pub(super) struct Caps {
    opens: Bucket,
    refused_opens: Bucket,
    resets: Bucket,
    pings: Bucket,
    empty_data: Bucket,
    idle_credits: Bucket,
}

impl Caps {
    /// `max_streams`: all of them may be opened, and cut, at once.
    pub(super) fn new(opens_per_second: u32, max_streams: u32) -> Self {
        let opens_per_second = opens_per_second.max(1);
        let burst = max_streams.saturating_add(opens_per_second);
        Self {
            opens: Bucket::new(opens_per_second, burst),
            refused_opens: Bucket::new(opens_per_second.saturating_mul(4), burst.saturating_mul(4)),
            resets: Bucket::new(opens_per_second.saturating_mul(2), burst.saturating_mul(2)),
            pings: Bucket::new(20, 100),
            empty_data: Bucket::new(50, 200),
            idle_credits: Bucket::new(500, 2000),
        }
    }

    /// Whether an OPEN is within its cap. One that is not gets a REJECT; a peer that goes on
    /// regardless has broken the protocol.
    pub(super) fn open(&mut self, now: Time) -> Result<bool, ProtocolError> {
        if self.opens.take(now) {
            return Ok(true);
        }
        check(self.refused_opens.take(now), "OPEN").map(|()| false)
    }

    pub(super) fn reset(&mut self, now: Time) -> Result<(), ProtocolError> {
        check(self.resets.take(now), "RESET")
    }

    pub(super) fn ping(&mut self, now: Time) -> Result<(), ProtocolError> {
        check(self.pings.take(now), "PING")
    }

    pub(super) fn empty_data(&mut self, now: Time) -> Result<(), ProtocolError> {
        check(self.empty_data.take(now), "empty DATA")
    }

    /// CREDITs that grant nothing new.
    pub(super) fn idle_credit(&mut self, now: Time) -> Result<(), ProtocolError> {
        check(self.idle_credits.take(now), "CREDIT")
    }

    /// ACKs that say nothing new.
    pub(super) fn idle_ack(&mut self, now: Time) -> Result<(), ProtocolError> {
        check(self.pings.take(now), "ACK")
    }
}

fn check(within: bool, kind: &'static str) -> Result<(), ProtocolError> {
    if within {
        Ok(())
    } else {
        Err(ProtocolError::Flood(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        let mut bucket = Bucket::new(10, 5);
        let at = |ms| Time::since_start(Duration::from_millis(ms));
        assert_eq!((0..10).filter(|_| bucket.take(at(0))).count(), 5);
        assert_eq!((1..=1000).filter(|ms| bucket.take(at(*ms))).count(), 10);
        assert_eq!((0..10).filter(|_| bucket.take(at(60_000))).count(), 5);
    }
}
