//! The first frame of a connection, and how its peer comes to see it.
//!
//! A frame that arrives in one read with the 101 is held by agents and clients until more bytes come. So
//! the first one waits a moment, and is followed by PINGs, which they ignore but wake at.
//! They stop at the first sign of life: who is pinged on and on sends none of its own.

use std::time::Duration;

use crate::mux::Time;

/// For the 101 to be read alone.
const GAP: Duration = Duration::from_millis(20);
/// After each PING but the last, the next one.
const AGAIN_AFTER: [Duration; 3] = [
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// When to hold, and when to rouse.
#[derive(Debug)]
pub struct Rouse {
    holds_until: Option<Time>,
    pings: usize,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// No frame has been sent.
    Before,
    /// A PING is to be sent.
    Due,
    /// The next one is then.
    At(Time),
    Over,
}

impl Rouse {
    /// Right after the 101.
    #[must_use]
    pub fn new(now: Time) -> Self {
        Self {
            holds_until: Some(now + GAP),
            pings: 0,
            state: State::Before,
        }
    }

    /// Whether nothing may be sent yet.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.holds_until.is_some()
    }

    /// Whether a PING is to be sent.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.state == State::Due
    }

    /// A frame is sent.
    pub fn sent(&mut self) {
        if self.state == State::Before {
            self.state = State::Due;
        }
    }

    /// The PING that was due is sent.
    pub fn pinged(&mut self, now: Time) {
        let again = AGAIN_AFTER.get(self.pings);
        self.pings += 1;
        self.state = again.map_or(State::Over, |after| State::At(now + *after));
    }

    /// Something came.
    pub fn heard(&mut self) {
        // The first PING goes out in any case: what came may have been sent before our frame.
        if matches!(self.state, State::At(_)) {
            self.state = State::Over;
        }
    }

    /// The time of [`Self::deadline`] may have come.
    pub fn check(&mut self, now: Time) {
        if self.holds_until.is_some_and(|until| until <= now) {
            self.holds_until = None;
        }
        if matches!(self.state, State::At(at) if at <= now) {
            self.state = State::Due;
        }
    }

    /// When to call [`Self::check`].
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        match self.state {
            State::At(at) => Some(at),
            _ => self.holds_until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::since_start(Duration::from_millis(ms))
    }

    #[test]
    fn the_first_frame_waits_and_is_followed_by_pings_until_something_comes() {
        let mut rouse = Rouse::new(at(0));
        assert!(rouse.holds() && rouse.deadline() == Some(at(20)));
        rouse.check(at(20));
        assert!(!rouse.holds() && !rouse.is_due() && rouse.deadline().is_none());
        rouse.sent();
        for (ping, next) in [
            (20, Some(270)),
            (270, Some(1270)),
            (1270, Some(4270)),
            (4270, None),
        ] {
            rouse.check(at(ping));
            assert!(rouse.is_due(), "{ping}");
            rouse.pinged(at(ping));
            assert_eq!(rouse.deadline(), next.map(at));
        }
        let mut rouse = Rouse::new(at(0));
        rouse.check(at(20));
        rouse.sent();
        rouse.heard();
        assert!(rouse.is_due(), "the first one goes in any case");
        rouse.pinged(at(20));
        rouse.heard();
        assert_eq!(rouse.deadline(), None);
    }
}
