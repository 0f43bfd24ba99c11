//! How long the way to the server bears silence, learnt from the connections that it dropped: a
//! NAT or a proxy may forget what is silent for 30 s, and nobody is told.

use std::time::Duration;

use tunnel::driver::Closed;

/// Shorter silences than this say nothing, and none is kept shorter (PROTOCOL section 5).
const LEAST: Duration = Duration::from_secs(10);
/// From a PING that nothing came after until a connection counts as dead.
pub(crate) const DETECTION: Duration = Duration::from_secs(30);
/// A connection that lived so long has borne many silences: what ended it was something else.
const PROVEN: Duration = Duration::from_secs(10 * 60);
/// After so long a shorter wait is tried for: the cause may be gone.
const FORGIVEN: Duration = Duration::from_secs(3600);
/// The longest that a server may ask for.
const MOST: Duration = Duration::from_secs(300);

/// What was learnt of one way. Another network is another way.
#[derive(Debug, Default)]
pub(crate) struct Keepalive {
    /// Silence that the way may have ended: once is chance.
    suspect: Option<Duration>,
    longest: Option<Duration>,
}

impl Keepalive {
    /// The longest silence to let be; the server's own may be shorter.
    pub(crate) fn longest(&self) -> Duration {
        self.longest.unwrap_or(Duration::MAX)
    }

    /// A connection was lost that had been silent for `silent_for` of the time it lived; where it
    /// was found dead, after PINGs for `asked_for` of that.
    pub(crate) fn lost(
        &mut self,
        closed: &Closed,
        silent_for: Duration,
        asked_for: Duration,
        lived_for: Duration,
    ) {
        if lived_for >= FORGIVEN {
            let longer = self.longest.map(|longest| longest * 2);
            self.longest = longer.filter(|longer| *longer < MOST);
        }
        let borne = match closed {
            Closed::Dead => silent_for.saturating_sub(asked_for),
            Closed::Io(_) => silent_for,
            _ => return,
        };
        if borne < LEAST || lived_for >= PROVEN {
            self.suspect = None;
            return;
        }
        let Some(before) = self.suspect.take() else {
            self.suspect = Some(borne);
            return;
        };
        // Half of what was too long; more than that is not known.
        let safe = (before.min(borne) / 2).max(LEAST);
        self.longest = Some(self.longest.map_or(safe, |longest| longest.min(safe)));
        tracing::info!(
            keepalive_s = safe.as_secs(),
            "the network drops what is silent: keeping the tunnel alive more often"
        );
    }

    pub(crate) fn network_changed(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;

    use super::*;

    const CUT: Closed = Closed::Io(ErrorKind::UnexpectedEof);

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A way that forgets what is silent for `bears`, in virtual time: how often it was lost until
    /// it no longer was, and what is kept then.
    fn learns(told: Duration, bears: Duration, is_silent: bool) -> (u32, Duration) {
        let mut keepalive = Keepalive::default();
        for losses in 0..20 {
            let interval = told.min(keepalive.longest());
            if interval < bears {
                return (losses, interval);
            }
            let (closed, silent_for) = if is_silent {
                (Closed::Dead, interval + DETECTION)
            } else {
                (CUT, bears)
            };
            keepalive.lost(&closed, silent_for, DETECTION, silent_for);
        }
        panic!("never learnt");
    }

    #[test]
    fn a_nat_that_forgets_is_kept_awake_after_a_few_losses() {
        assert_eq!(learns(s(45), s(60), true), (0, s(45)), "nothing to learn");
        let (losses, kept) = learns(s(45), s(30), true);
        assert_eq!((losses, kept.as_millis()), (2, 22_500));
        assert_eq!(learns(s(45), s(15), true).0, 4);
        assert_eq!(learns(s(300), s(60), true).0, 6);
        assert_eq!(learns(s(45), s(30), false), (2, s(15)), "a proxy that cuts");
    }

    #[test]
    fn what_may_be_chance_teaches_nothing() {
        let untaught = |losses: &[(Closed, u64, u64)]| {
            let mut keepalive = Keepalive::default();
            for (closed, silent_s, lived_s) in losses {
                keepalive.lost(closed, s(*silent_s), DETECTION, s(*lived_s));
            }
            keepalive.longest() == Duration::MAX
        };
        assert!(untaught(&[(CUT, 40, 60)]), "once");
        assert!(untaught(&[(CUT, 1, 60), (CUT, 2, 60)]), "while it spoke");
        assert!(
            untaught(&[(CUT, 40, 900), (CUT, 40, 900)]),
            "it had borne it"
        );
        assert!(untaught(&[(CUT, 40, 60), (CUT, 2, 60), (CUT, 40, 60)]));
        let away = Closed::Peer;
        assert!(
            untaught(&[(away.clone(), 40, 60), (away, 40, 60)]),
            "by will"
        );
        assert!(!untaught(&[(CUT, 40, 60), (CUT, 40, 60)]));
    }

    #[test]
    fn it_is_forgotten_with_the_network_and_slowly_with_time() {
        let mut keepalive = Keepalive::default();
        for _ in 0..2 {
            keepalive.lost(&CUT, s(40), DETECTION, s(60));
        }
        assert_eq!(keepalive.longest(), s(20));
        keepalive.lost(&CUT, s(1), DETECTION, s(4000));
        assert_eq!(keepalive.longest(), s(40));
        keepalive.network_changed();
        assert_eq!(keepalive.longest(), Duration::MAX);
    }
}
