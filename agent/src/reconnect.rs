//! When to connect again (PROTOCOL section 5): quickly after a hiccup, patiently after an outage,
//! and never so that a whole fleet comes back in the same moment.

use std::ops::Range;
use std::time::Duration;

use rand::{Rng, RngExt};
use tokio::time::Instant;

/// So long after the loss the waits stay short: a restarted server is back by then.
const HASTE: Duration = Duration::from_secs(15);
const MAX_WAIT_S: f64 = 30.0;
/// A tunnel that lived so long was a good one; one that died sooner changes nothing.
const LIVED: Duration = Duration::from_secs(10);
/// No server may silence a device for longer.
const MAX_ADVISED: Duration = Duration::from_secs(3600);

/// What an attempt or a tunnel's end said about the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing: the rule applies.
    None,
    /// `Retry-After`. The server has spread it already.
    After(Duration),
    /// GOAWAY(restart): not before this, and spread.
    Restart(Duration),
    /// GOAWAY(move) or (ids): at once.
    AtOnce,
    /// Another holds this identity; two clones must not kick each other for ever.
    Replaced,
    /// It will not work soon: disabled, unknown, no common protocol.
    Slow,
}

/// The state of the rule.
#[derive(Debug, Default)]
pub struct Reconnect {
    outage_since: Option<Instant>,
    /// Waits since the haste ended.
    patient_waits: u32,
    /// Somebody asked for the wait that runs.
    advised: bool,
}

impl Reconnect {
    /// An attempt has failed at `now`: how long to wait before the next.
    pub fn failed(&mut self, now: Instant, advice: Advice, rng: &mut impl Rng) -> Duration {
        self.next(now, advice, rng)
    }

    /// A tunnel has ended at `now` after it `lived`: how long to wait before the next attempt.
    pub fn lost(
        &mut self,
        now: Instant,
        lived: Duration,
        advice: Advice,
        rng: &mut impl Rng,
    ) -> Duration {
        if lived >= LIVED {
            *self = Self::default();
        }
        self.next(now, advice, rng)
    }

    /// The network has changed, or the machine woke up, during a wait or an attempt: whether to try
    /// at once. What was waited for then says little about now; but what somebody asked for stays.
    pub fn network_changed(&mut self, now: Instant) -> bool {
        if self.advised {
            return false;
        }
        self.outage_since = Some(now);
        self.patient_waits = 0;
        true
    }

    fn next(&mut self, now: Instant, advice: Advice, rng: &mut impl Rng) -> Duration {
        self.advised = !matches!(advice, Advice::None | Advice::AtOnce);
        let wait = match advice {
            Advice::None => return self.by_rule(now, rng),
            Advice::AtOnce if self.outage_since.is_none() => Duration::ZERO,
            Advice::AtOnce => return self.by_rule(now, rng),
            Advice::After(wait) => wait.min(MAX_ADVISED) + seconds(0.0..1.0, rng),
            Advice::Restart(wait) => wait.min(MAX_ADVISED).mul_f64(rng.random_range(1.0..2.0)),
            Advice::Replaced => seconds(60.0..120.0, rng),
            Advice::Slow => seconds(30.0..60.0, rng),
        };
        // The rule begins when the advice has been followed.
        self.outage_since = Some(now + wait);
        self.patient_waits = 0;
        wait
    }

    fn by_rule(&mut self, now: Instant, rng: &mut impl Rng) -> Duration {
        let Some(since) = self.outage_since else {
            self.outage_since = Some(now);
            return Duration::ZERO;
        };
        if now.saturating_duration_since(since) < HASTE {
            return seconds(0.2..1.0, rng);
        }
        self.patient_waits = self.patient_waits.saturating_add(1);
        let ceiling = f64::from(2_u32.saturating_pow(self.patient_waits)).min(MAX_WAIT_S);
        seconds(0.5..ceiling, rng)
    }
}

fn seconds(range: Range<f64>, rng: &mut impl Rng) -> Duration {
    Duration::from_secs_f64(rng.random_range(range))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn secs(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    #[tokio::test]
    async fn r07_at_once_then_hasty_then_patient() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut rule = Reconnect::default();
        let mut now = Instant::now();
        let lost = now;
        assert_eq!(rule.lost(now, LONG, Advice::None, &mut rng), Duration::ZERO);
        let mut ceilings = [2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0].into_iter();
        loop {
            let hasty = now - lost < HASTE;
            let wait = rule.failed(now, Advice::None, &mut rng);
            if hasty {
                assert!((secs(0.2)..secs(1.0)).contains(&wait), "{wait:?}");
            } else {
                let Some(ceiling) = ceilings.next() else {
                    break;
                };
                assert!(
                    (secs(0.5)..secs(ceiling)).contains(&wait),
                    "{wait:?} {ceiling}"
                );
            }
            now += wait;
        }
        assert_eq!(
            rule.lost(now, LONG, Advice::None, &mut rng),
            Duration::ZERO,
            "it lived"
        );
    }

    #[tokio::test]
    async fn r07_a_tunnel_that_dies_young_does_not_reset_the_rule() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut rule = Reconnect::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..40 {
            let wait = rule.lost(now, secs(0.1), Advice::None, &mut rng);
            waits.push(wait);
            now += wait + secs(0.1);
        }
        assert_eq!(waits[0], Duration::ZERO);
        assert!(waits[1..].iter().all(|wait| *wait >= secs(0.2)));
        assert!(
            waits.iter().any(|wait| *wait > secs(2.0)),
            "it became patient"
        );
    }

    #[tokio::test]
    async fn r07_advice_rules_over_it() {
        let mut rng = StdRng::seed_from_u64(7);
        let now = Instant::now();
        for (advice, range) in [
            (Advice::After(secs(20.0)), 20.0..21.0),
            (Advice::After(Duration::MAX), 3600.0..3601.0),
            (Advice::Restart(secs(3.0)), 3.0..6.0),
            (Advice::Restart(Duration::MAX), 3600.0..7200.0),
            (Advice::Replaced, 60.0..120.0),
            (Advice::Slow, 30.0..60.0),
        ] {
            let mut rule = Reconnect::default();
            let wait = rule.lost(now, LONG, advice, &mut rng);
            assert!(range.contains(&wait.as_secs_f64()), "{advice:?}: {wait:?}");
            let next = rule.failed(now + wait, Advice::None, &mut rng);
            assert!(
                (secs(0.2)..secs(1.0)).contains(&next),
                "hasty after {advice:?}: {next:?}"
            );
        }
    }

    #[tokio::test]
    async fn r07_a_changed_network_ends_patience_but_not_what_was_asked_for() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut rule = Reconnect::default();
        let mut now = Instant::now();
        rule.lost(now, LONG, Advice::None, &mut rng);
        for _ in 0..100 {
            now += rule.failed(now, Advice::None, &mut rng);
        }
        assert!(rule.network_changed(now));
        for _ in 0..15 {
            let wait = rule.failed(now, Advice::None, &mut rng);
            assert!((secs(0.2)..secs(1.0)).contains(&wait), "{wait:?}");
            now += wait;
        }
        for advice in [
            Advice::After(secs(20.0)),
            Advice::Restart(secs(20.0)),
            Advice::Replaced,
            Advice::Slow,
        ] {
            rule.failed(now, advice, &mut rng);
            assert!(!rule.network_changed(now), "{advice:?}");
        }
        rule.failed(now, Advice::None, &mut rng);
        assert!(rule.network_changed(now));
    }

    /// A fleet that lost its server in one moment comes back spread over all of each wait.
    #[tokio::test]
    async fn r07_waits_are_spread_evenly() {
        const DEVICES: u32 = 10_000;
        let mut rng = StdRng::seed_from_u64(7);
        let start = Instant::now();
        let patient = start + HASTE;
        for (now, shortest, longest) in [(start, 0.2, 1.0), (patient, 0.5, 2.0)] {
            let mut tenths = [0_u32; 10];
            for _ in 0..DEVICES {
                let mut rule = Reconnect::default();
                rule.lost(start, LONG, Advice::None, &mut rng);
                let wait = rule.failed(now, Advice::None, &mut rng).as_secs_f64();
                let part = (wait - shortest) / (longest - shortest);
                tenths[(part * 10.0) as usize] += 1;
            }
            let share = DEVICES / 10;
            let even = tenths.iter().all(|n| n.abs_diff(share) < share / 5);
            assert!(even, "{tenths:?}");
        }
    }

    #[tokio::test]
    async fn r07_at_once_is_at_once_only_once() {
        let mut rng = StdRng::seed_from_u64(7);
        let mut rule = Reconnect::default();
        let now = Instant::now();
        assert_eq!(
            rule.lost(now, LONG, Advice::AtOnce, &mut rng),
            Duration::ZERO
        );
        assert!(rule.lost(now, secs(0.0), Advice::AtOnce, &mut rng) >= secs(0.2));
    }

    proptest! {
        /// Whatever happens, in whatever order, a device never storms and never goes silent.
        #[test]
        fn r07_waits_stay_within_bounds(
            seed: u64,
            steps in prop::collection::vec((any::<bool>(), 0_u8..6, 0_u32..100), 1..200),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let _entered = runtime.enter();
            let mut rng = StdRng::seed_from_u64(seed);
            let mut rule = Reconnect::default();
            let mut now = Instant::now();
            let (mut zero_waits, mut good_tunnels) = (0, 0);
            for (was_tunnel, advice, number) in steps {
                let length = Duration::from_secs(number.into());
                let advice = match advice {
                    0 => Advice::After(length),
                    1 => Advice::Restart(length.max(secs(0.1))),
                    2 => Advice::AtOnce,
                    3 => Advice::Replaced,
                    4 => Advice::Slow,
                    _ => Advice::None,
                };
                let wait = if was_tunnel {
                    good_tunnels += u32::from(length >= LIVED);
                    rule.lost(now, length, advice, &mut rng)
                } else {
                    rule.failed(now, advice, &mut rng)
                };
                zero_waits += u32::from(wait.is_zero());
                prop_assert!(wait <= secs(200.0));
                prop_assert!(zero_waits <= good_tunnels + 1);
                now += wait;
            }
        }
    }
}
