//! Whether the peer is there, and how far away (PROTOCOL section 5).

use std::collections::VecDeque;
use std::time::Duration;

use super::config::Config;
use super::time::Time;

/// How long a round trip counts for the minimum.
const RTT_MEMORY: Duration = Duration::from_secs(10);
/// While data flows a PING goes this often.
const PROBE_EVERY: Duration = Duration::from_secs(1);
/// Data without any sign of life for this long is worth a PING.
const ASK_AFTER: Duration = Duration::from_secs(5);
/// With a stream open, a PING that nothing has come after for so long is a reason to try another
/// connection beside this one, for whoever can make one.
const DOUBT_AFTER: Duration = Duration::from_secs(5);
/// Spreads the PINGs of many tunnels that began together. It is taken off the last wait for an
/// answer, so that the time until a peer counts as dead stays what it is.
const MAX_JITTER: Duration = Duration::from_secs(1);

/// What a passed deadline asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Nothing,
    Ping([u8; 8]),
    /// It is not answered, and somebody may be waiting.
    Doubt,
    Dead,
}

/// PINGs sent, signs of life received.
#[derive(Debug)]
pub(super) struct Liveness {
    idle: Duration,
    busy: Duration,
    miss_after: Duration,
    jitter: Duration,
    last_heard: Time,
    /// When data was sent that nothing at all has come after.
    sent_into_silence: Option<Time>,
    /// Since when the peer has acknowledged nothing of what it was sent.
    unacknowledged_since: Option<Time>,
    /// The PING nothing at all has come after, and how many were missed before it.
    unanswered: Option<(Time, u32)>,
    is_doubtful: bool,
    last_probe: Option<Time>,
    next_number: u64,
    /// The PING whose answer measures the round trip.
    measuring: Option<(u64, Time)>,
    rtts: VecDeque<(Time, Duration)>,
}

impl Liveness {
    pub(super) fn new(config: &Config, now: Time, seed: u64) -> Self {
        Self {
            idle: config.keepalive_idle.min(config.keepalive_longest),
            busy: config
                .keepalive_busy
                .min(config.keepalive_idle)
                .min(config.keepalive_longest),
            miss_after: config.miss_after,
            jitter: jitter(seed).min(config.miss_after / 2),
            last_heard: now,
            sent_into_silence: None,
            unacknowledged_since: None,
            unanswered: None,
            is_doubtful: false,
            last_probe: None,
            next_number: seed,
            measuring: None,
            rtts: VecDeque::new(),
        }
    }

    /// How long nothing at all has come.
    pub(super) fn silent_for(&self, now: Time) -> Duration {
        now.since(self.last_heard)
    }

    /// Anything came.
    pub(super) fn heard(&mut self, now: Time) {
        self.last_heard = now;
        self.sent_into_silence = None;
        self.unanswered = None;
        self.is_doubtful = false;
    }

    /// Whether [`Verdict::Doubt`] was said and nothing has come since.
    pub(super) fn is_doubtful(&self) -> bool {
        self.is_doubtful
    }

    /// Data goes out.
    pub(super) fn sending(&mut self, now: Time) {
        self.sent_into_silence.get_or_insert(now);
    }

    /// Counted frames wait for their ACK.
    pub(super) fn unacknowledged(&mut self, now: Time) {
        self.unacknowledged_since.get_or_insert(now);
    }

    /// An ACK said something new; `all`: of everything.
    pub(super) fn acknowledged(&mut self, all: bool, now: Time) {
        self.unacknowledged_since = (!all).then_some(now);
    }

    /// The peer is met anew, perhaps on another path.
    pub(super) fn restart(&mut self, now: Time) {
        self.heard(now);
        self.unacknowledged_since = None;
        self.last_probe = None;
        self.measuring = None;
        self.rtts.clear();
    }

    pub(super) fn pong(&mut self, opaque: [u8; 8], now: Time) {
        let Some((number, sent_at)) = self.measuring else {
            return;
        };
        if number != u64::from_be_bytes(opaque) {
            return;
        }
        self.measuring = None;
        let rtt = now.since(sent_at);
        // Only a smaller one after it can ever be the minimum after it.
        while self.rtts.back().is_some_and(|(_, other)| *other >= rtt) {
            self.rtts.pop_back();
        }
        self.rtts.push_back((now, rtt));
        while self.rtts.len() > 1
            && self
                .rtts
                .front()
                .is_some_and(|(at, _)| now.since(*at) > RTT_MEMORY)
        {
            self.rtts.pop_front();
        }
    }

    /// The minimum of the last 10 s; where there was no sample in them, of those before.
    pub(super) fn rtt(&self) -> Option<Duration> {
        self.rtts.front().map(|(_, rtt)| *rtt)
    }

    /// Data flows: a PING once a second measures the round trip.
    pub(super) fn probe(&mut self, now: Time) -> Option<[u8; 8]> {
        // An answer still under way is waited for: a new PING each second would never be
        // answered in time on a path longer than that.
        let pause = if self.measuring.is_some() {
            RTT_MEMORY
        } else {
            PROBE_EVERY
        };
        if self.last_probe.is_some_and(|at| now.since(at) < pause) {
            return None;
        }
        Some(self.ping(now))
    }

    /// Somebody has a reason to doubt that the peer can be reached: as if the silence had been
    /// long enough. `None` when a PING is out already.
    pub(super) fn ask(&mut self, now: Time) -> Option<[u8; 8]> {
        if self.unanswered.is_some() {
            return None;
        }
        self.unanswered = Some((now, 0));
        Some(self.ping(now))
    }

    pub(super) fn deadline(&self, stream_open: bool) -> Time {
        match self.unanswered {
            None => {
                let silent = self.last_heard + self.silence(stream_open);
                [self.sent_into_silence, self.unacknowledged_since]
                    .into_iter()
                    .flatten()
                    .fold(silent, |deadline, since| deadline.min(since + ASK_AFTER))
            }
            Some((since, 0)) if stream_open && !self.is_doubtful => {
                since + self.miss_after.min(DOUBT_AFTER)
            }
            Some((since, 0)) => since + self.miss_after,
            Some((since, _)) => since + (self.miss_after - self.jitter),
        }
    }

    pub(super) fn check(&mut self, now: Time, stream_open: bool) -> Verdict {
        if now < self.deadline(stream_open) {
            return Verdict::Nothing;
        }
        match self.unanswered {
            None => {
                self.unanswered = Some((now, 0));
                // Once more after as long, where the peer answers PINGs and acknowledges nothing.
                if let Some(since) = &mut self.unacknowledged_since {
                    *since = now;
                }
                Verdict::Ping(self.ping(now))
            }
            Some((since, 0)) if now < since + self.miss_after => {
                self.is_doubtful = true;
                Verdict::Doubt
            }
            Some((_, 0)) => {
                self.unanswered = Some((now, 1));
                Verdict::Ping(self.ping(now))
            }
            Some(_) => Verdict::Dead,
        }
    }

    fn silence(&self, stream_open: bool) -> Duration {
        self.jitter + if stream_open { self.busy } else { self.idle }
    }

    fn ping(&mut self, now: Time) -> [u8; 8] {
        let number = self.next_number;
        self.next_number = number.wrapping_add(1);
        self.last_probe = Some(now);
        self.measuring = Some((number, now));
        number.to_be_bytes()
    }
}

/// Up to [`MAX_JITTER`], the same for the same seed.
fn jitter(seed: u64) -> Duration {
    // The finisher of SplitMix64: seeds that differ in one bit give unlike results.
    let mut mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    MAX_JITTER.mul_f64((mixed >> 40) as f64 / f64::from(1 << 24))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Time {
        Time::since_start(Duration::from_millis(ms))
    }

    #[test]
    fn a_silent_peer_is_dead_after_two_misses() {
        for (stream_open, seconds) in [(false, 75), (true, 45)] {
            for seed in 0..50 {
                let mut liveness = Liveness::new(&Config::default(), at(0), seed);
                let mut pings = 0;
                let dead_at = loop {
                    let now = liveness.deadline(stream_open);
                    match liveness.check(now, stream_open) {
                        Verdict::Ping(_) => pings += 1,
                        Verdict::Doubt => assert!(stream_open),
                        Verdict::Dead => break now,
                        Verdict::Nothing => panic!("a deadline is when something is due"),
                    }
                };
                assert_eq!((pings, dead_at), (2, at(seconds * 1000)));
            }
        }
    }

    #[test]
    fn silence_is_no_longer_than_the_way_is_known_to_bear() {
        for (longest_s, [idle_s, busy_s]) in [(300, [45, 15]), (22, [22, 15]), (10, [10, 10])] {
            let config = Config {
                keepalive_longest: Duration::from_secs(longest_s),
                ..Config::default()
            };
            let liveness = Liveness::new(&config, at(0), 1);
            let silence = |stream_open| liveness.deadline(stream_open).since(at(0));
            assert_eq!(silence(false).as_secs(), idle_s);
            assert_eq!(silence(true).as_secs(), busy_s);
        }
    }

    #[test]
    fn data_sent_into_silence_is_asked_after_soon() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        liveness.sending(at(1000));
        liveness.sending(at(3000));
        assert_eq!(liveness.deadline(true), at(6000));
        liveness.heard(at(4000));
        assert!(liveness.deadline(true) >= at(19_000));
    }

    #[test]
    fn what_is_not_acknowledged_for_5_s_is_asked_after_though_the_peer_talks() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        liveness.unacknowledged(at(1000));
        liveness.heard(at(5500));
        assert_eq!(liveness.deadline(true), at(6000));
        assert!(matches!(liveness.check(at(6000), true), Verdict::Ping(_)));
        liveness.heard(at(6100));
        assert_eq!(liveness.deadline(true), at(11_000));
        liveness.acknowledged(false, at(7000));
        assert_eq!(liveness.deadline(true), at(12_000));
        liveness.acknowledged(true, at(8000));
        assert!(liveness.deadline(true) > at(21_000));
    }

    #[test]
    fn a_doubt_is_asked_after_once_and_dies_after_two_misses() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        assert!(liveness.ask(at(2000)).is_some());
        assert_eq!(liveness.ask(at(3000)), None);
        assert_eq!(liveness.deadline(false), at(17_000));
        assert!(matches!(
            liveness.check(at(17_000), false),
            Verdict::Ping(_)
        ));
        assert_eq!(liveness.ask(at(18_000)), None);
        assert_eq!(liveness.check(at(32_000), false), Verdict::Dead);
        liveness.heard(at(18_500));
        assert!(liveness.deadline(false) >= at(63_500));
        assert!(liveness.ask(at(19_000)).is_some());
    }

    #[test]
    fn a_ping_that_is_not_answered_is_doubted_once_while_somebody_may_wait() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        liveness.sending(at(1000));
        assert!(matches!(liveness.check(at(6000), true), Verdict::Ping(_)));
        assert_eq!(liveness.deadline(false), at(21_000), "nobody waits");
        assert_eq!(liveness.deadline(true), at(11_000));
        assert_eq!(liveness.check(at(11_000), true), Verdict::Doubt);
        assert!(liveness.is_doubtful());
        assert_eq!(liveness.deadline(true), at(21_000), "once");
        liveness.heard(at(12_000));
        assert!(!liveness.is_doubtful());
    }

    #[test]
    fn anything_heard_clears_a_miss() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        let first = liveness.deadline(false);
        assert!(matches!(liveness.check(first, false), Verdict::Ping(_)));
        liveness.heard(first + Duration::from_secs(14));
        assert!(liveness.deadline(false) >= first + Duration::from_secs(14 + 45));
    }

    #[test]
    fn the_round_trip_is_the_minimum_of_ten_seconds() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        for (sent, answered) in [(0, 50), (1000, 1020), (2000, 2070), (11_025, 11_065)] {
            let ping = liveness.probe(at(sent)).expect("a second later");
            liveness.pong(ping, at(answered));
        }
        assert_eq!(liveness.rtt(), Some(Duration::from_millis(40)));
    }

    #[test]
    fn a_foreign_pong_measures_nothing() {
        let mut liveness = Liveness::new(&Config::default(), at(0), 1);
        liveness.probe(at(0)).expect("the first");
        liveness.pong([9; 8], at(1));
        assert_eq!(liveness.rtt(), None);
    }
}
