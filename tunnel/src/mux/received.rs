//! Counted frames that came, and when to say so (PROTOCOL section 7).

use std::time::Duration;

use super::time::Time;

/// Said at the latest so long after the first one that was not acknowledged.
const ACK_AFTER: Duration = Duration::from_millis(100);
/// An ACK that travels alone costs both ends a wake-up and a system call, and a browser several: a
/// picture of 3.7 MB had 15 of them.
const MAX_SILENT_BYTES: u64 = 1024 * 1024;

/// The receiver's count of one tunnel.
#[derive(Debug)]
pub(super) struct Received {
    frames: u64,
    /// So many bytes are worth an ACK at once; `None`: the peer keeps nothing and wants none.
    ack_after_bytes: Option<u64>,
    silent_bytes: u64,
    silent_since: Option<Time>,
    due: bool,
}

impl Received {
    /// `peer_replay_bytes`: what the peer keeps; 0 = it wants no ACK.
    pub(super) fn new(peer_replay_bytes: u64) -> Self {
        let ack_after_bytes =
            (peer_replay_bytes > 0).then(|| MAX_SILENT_BYTES.min(peer_replay_bytes / 4));
        Self {
            frames: 0,
            ack_after_bytes,
            silent_bytes: 0,
            silent_since: None,
            due: false,
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.frames
    }

    /// One came.
    pub(super) fn count(&mut self, bytes: usize, now: Time) {
        self.frames += 1;
        if let Some(enough) = self.ack_after_bytes {
            self.silent_bytes += bytes as u64;
            self.silent_since.get_or_insert(now);
            self.due |= self.silent_bytes >= enough;
        }
    }

    /// When an ACK will be due.
    pub(super) fn deadline(&self) -> Option<Time> {
        let since = self.silent_since.filter(|_| !self.due)?;
        Some(since + ACK_AFTER)
    }

    pub(super) fn check(&mut self, now: Time) {
        self.due |= self.deadline().is_some_and(|at| at <= now);
    }

    /// Whether an ACK must go out now.
    pub(super) fn is_due(&self) -> bool {
        self.due
    }

    /// The number for a message that goes out now: whether or not an ACK is due, it travels for
    /// less than it would alone.
    pub(super) fn acknowledge(&mut self) -> Option<u64> {
        let news = self.silent_since.is_some();
        self.told();
        news.then_some(self.frames)
    }

    /// The peer knows the number.
    pub(super) fn told(&mut self) {
        self.silent_bytes = 0;
        self.silent_since = None;
        self.due = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::since_start(Duration::from_millis(ms))
    }

    #[test]
    fn an_ack_is_due_after_a_quarter_of_what_the_peer_keeps_or_100_ms() {
        let mut received = Received::new(400);
        received.count(99, at(5));
        assert!(!received.is_due());
        received.count(1, at(6));
        assert!(received.is_due());
        assert_eq!(received.acknowledge(), Some(2));
        assert_eq!((received.deadline(), received.acknowledge()), (None, None));
        received.count(10, at(50));
        received.check(at(149));
        assert!(!received.is_due());
        assert_eq!(received.deadline(), Some(at(150)));
        received.check(at(150));
        assert!(received.is_due());
    }

    #[test]
    fn a_peer_that_keeps_nothing_is_told_nothing() {
        let mut received = Received::new(0);
        received.count(1 << 20, at(0));
        assert_eq!(received.frames(), 1);
        assert_eq!((received.deadline(), received.acknowledge()), (None, None));
        assert!(!received.is_due());
    }
}
