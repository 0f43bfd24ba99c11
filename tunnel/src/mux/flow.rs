//! The receiver's half of flow control: one stream's window (PROTOCOL section 5).

use std::time::Duration;

use super::budget::Ledger;
use super::error::ProtocolError;
use super::time::Time;

/// Credit goes back by this part of a window. What is held back is missing on the way: with halves
/// a sender could settle at sending half a window in each round trip, which never looks like a
/// window that is too small.
const CREDIT_PART: u64 = 4;

/// How much of a stream may come, came, and was taken by its reader; offsets from its start.
///
/// Invariant: `taken <= received <= granted`, and `charged >= granted - taken`.
#[derive(Debug)]
pub(super) struct Window {
    size: u64,
    initial: u64,
    granted: u64,
    received: u64,
    taken: u64,
    /// What the budgets were charged for this stream.
    charged: u64,
    has_grown: bool,
    epoch: Epoch,
}

/// The stretch of time, at most one RTT, over which taking is measured.
#[derive(Debug)]
struct Epoch {
    start: Time,
    taken: u64,
}

impl Window {
    /// A window whose `initial` bytes the ledger was charged for.
    pub(super) fn new(initial: u64, now: Time) -> Self {
        Self {
            size: initial,
            initial,
            granted: initial,
            received: 0,
            taken: 0,
            charged: initial,
            has_grown: false,
            epoch: Epoch {
                start: now,
                taken: 0,
            },
        }
    }

    /// Bytes came.
    pub(super) fn receive(&mut self, bytes: u64) -> Result<(), ProtocolError> {
        match self.received.checked_add(bytes) {
            Some(sum) if sum <= self.granted => {
                self.received = sum;
                Ok(())
            }
            _ => Err(ProtocolError::BeyondWindow),
        }
    }

    /// The reader took bytes. Returns whether it is time to send credit.
    pub(super) fn take(
        &mut self,
        bytes: u64,
        now: Time,
        rtt: Option<Duration>,
        max_size: u64,
        ledger: &mut Ledger,
    ) -> bool {
        if let Some(rtt) = rtt
            && now.since(self.epoch.start) > rtt
        {
            self.epoch = Epoch {
                start: now,
                taken: self.taken,
            };
        }
        self.taken += bytes;
        if ledger.pressed() {
            self.size = (self.size / 2).max(self.initial);
            self.give_back_surplus(ledger);
        } else if rtt.is_some() {
            self.grow(now, max_size, ledger);
        }
        (self.taken + self.size).saturating_sub(self.granted) >= self.size / CREDIT_PART
    }

    /// The limit to put into a CREDIT now.
    pub(super) fn grant(&mut self) -> u64 {
        self.granted = self.granted.max(self.taken + self.size);
        self.granted
    }

    /// Gives everything back: nothing more is to come, and nothing is kept.
    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    pub(super) fn close(&mut self, ledger: &mut Ledger) {
        ledger.release(std::mem::take(&mut self.charged));
    }

    /// A window that limits a reader who keeps up is too small for the path.
    fn grow(&mut self, now: Time, max_size: u64, ledger: &mut Ledger) {
        let taken_in_epoch = self.taken - self.epoch.taken;
        if taken_in_epoch < self.size / 4 * 3 {
            return;
        }
        // The first step is a leap: most paths need more than the start and less than the end.
        // Later ones follow what the reader really takes.
        let wanted = if self.has_grown {
            (self.size * 2).min(taken_in_epoch * 2)
        } else {
            self.size * 4
        };
        let wanted = wanted.min(max_size);
        self.epoch = Epoch {
            start: now,
            taken: self.taken,
        };
        if wanted > self.size && self.charge_up_to(wanted, ledger) {
            self.size = wanted;
            self.has_grown = true;
        }
    }

    fn charge_up_to(&mut self, size: u64, ledger: &mut Ledger) -> bool {
        let more = size.saturating_sub(self.charged);
        let fits = ledger.charge_growth(more);
        if fits {
            self.charged += more;
        }
        fits
    }

    /// Credit once granted cannot be called back: the charge follows as the reader takes it.
    fn give_back_surplus(&mut self, ledger: &mut Ledger) {
        let needed = self.size.max(self.granted - self.taken);
        if let Some(surplus) = self.charged.checked_sub(needed) {
            ledger.release(surplus);
            self.charged = needed;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::budget::Budget;

    const RTT: Option<Duration> = Some(Duration::from_millis(50));
    const MAX: u64 = 16 << 20;

    fn ledger(bytes: u64) -> Ledger {
        let mut ledger = Ledger::new(bytes, Budget::new(bytes));
        assert!(ledger.charge(1000));
        ledger
    }

    fn at(ms: u64) -> Time {
        Time::since_start(Duration::from_millis(ms))
    }

    #[test]
    fn credit_goes_back_at_a_quarter_of_a_window() {
        let mut ledger = ledger(1 << 20);
        let mut window = Window::new(1000, at(0));
        window.receive(600).expect("within the window");
        assert!(!window.take(249, at(1), None, MAX, &mut ledger));
        assert!(window.take(1, at(2), None, MAX, &mut ledger));
        assert_eq!(window.grant(), 1250);
        assert!(!window.take(100, at(3), None, MAX, &mut ledger));
    }

    #[test]
    fn s36_a_byte_beyond_the_window_is_an_error() {
        let mut window = Window::new(1000, at(0));
        assert_eq!(window.receive(1000), Ok(()));
        assert_eq!(window.receive(1), Err(ProtocolError::BeyondWindow));
        assert_eq!(window.receive(u64::MAX), Err(ProtocolError::BeyondWindow));
    }

    #[test]
    fn a_window_taken_within_a_round_trip_grows_by_four_then_by_two() {
        let mut ledger = ledger(1 << 20);
        let mut window = Window::new(1000, at(0));
        window.receive(1000).expect("within the window");
        window.take(750, at(40), RTT, MAX, &mut ledger);
        assert_eq!(window.size, 4000);
        window.grant();
        window.receive(3750).expect("within the window");
        window.take(4000, at(80), RTT, MAX, &mut ledger);
        assert_eq!(window.size, 8000);
        assert_eq!(ledger.used_bytes(), 8000);
        window.close(&mut ledger);
        assert_eq!(ledger.used_bytes(), 0);
    }

    #[test]
    fn a_slow_reader_does_not_make_a_window_grow() {
        let mut ledger = ledger(1 << 20);
        let mut window = Window::new(1000, at(0));
        for ms in 0..100 {
            window.receive(100).expect("within the window");
            window.take(100, at(ms * 10), RTT, MAX, &mut ledger);
            window.grant();
        }
        assert_eq!(window.size, 1000);
    }

    #[test]
    fn a_grown_window_shrinks_when_memory_runs_short() {
        let mut ledger = ledger(10_000);
        let mut window = Window::new(1000, at(0));
        window.receive(1000).expect("within the window");
        window.take(1000, at(1), RTT, MAX, &mut ledger);
        assert_eq!(window.size, 4000);
        window.grant();
        assert!(ledger.charge(4000));
        window.receive(4000).expect("within the window");
        window.take(2500, at(200), RTT, MAX, &mut ledger);
        assert_eq!(window.size, 2000);
        window.take(1500, at(201), RTT, MAX, &mut ledger);
        assert_eq!(ledger.used_bytes(), 4000 + window.charged);
    }
}
