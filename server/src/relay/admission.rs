//! Bounds the handshakes: so many a second, so many at a time; some wait, the rest is asked to
//! come back. After a restart a whole fleet arrives at once; queueing it costs less than refusing
//! it, and what already runs must not wait behind it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// At a time; each takes a HELLO of at most 16 KiB and a round trip.
pub const RUNNING: usize = 256;
/// In the queue before them; each holds a connection.
const WAITING: usize = 4096;
/// Longer, and the agent would have given up.
pub const MAX_WAIT: Duration = Duration::from_secs(10);
/// How much may come at once after a quiet time, as the rate of so long.
const BURST: Duration = Duration::from_secs(1);
/// Who is refused for want of memory, or at a stop, is asked to come back within this.
const COME_BACK_WITHIN: Duration = Duration::from_secs(20);
/// By then the queue is half empty: who comes back neither finds it full nor lets it run dry.
const FIRST_TURN: Duration = Duration::from_secs(5);
/// The furthest turn: more than 100,000 devices on two cores. An agent is silent until then.
const LAST_TURN: Duration = Duration::from_secs(300);
/// At a stop agents are sent away for at most so long.
const MAX_SPREAD: Duration = Duration::from_secs(30);
/// Below this the port may not be bound again.
const MIN_SPREAD: Duration = Duration::from_millis(500);

/// How many may wait where there may be so many connections: the other half is for those who still
/// prove themselves and those who are told when to come back. Where the queue could take all, the
/// rest of a herd would be closed at once instead, and told nothing.
#[must_use]
pub fn waiting_max(connections: usize) -> usize {
    WAITING.min(connections / 2).max(1)
}

/// Seconds for a `Retry-After`, by a `share` of 0 to 1 taken at random: agents that are refused in
/// one moment do not come back in one.
#[must_use]
pub fn come_back_after_s(share: f64) -> u32 {
    1 + COME_BACK_WITHIN.mul_f64(share.clamp(0.0, 1.0)).as_secs() as u32
}

/// Turns for those whom the queue did not hold: one after another at the rate at which they are let
/// in, so that each comes back once, however many there are. A random time would have to be as long
/// as the whole herd needs, which nobody knows before it has come. Knows no clock.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    rate_per_s: u32,
    next: Instant,
}

impl Turns {
    /// The first turn is free.
    #[must_use]
    pub fn new(rate_per_s: u32, now: Instant) -> Self {
        Self {
            rate_per_s: rate_per_s.max(1),
            next: now,
        }
    }

    /// Takes the next turn: seconds for a `Retry-After`. Where turns are too far away it is one
    /// of the later half, by a `share` of 0 to 1 taken at random.
    pub fn take_s(&mut self, now: Instant, share: f64) -> u32 {
        let turn = self.next.max(now + FIRST_TURN);
        let wait = turn - now;
        if wait > LAST_TURN {
            return LAST_TURN
                .mul_f64(1.0 - share.clamp(0.0, 1.0) / 2.0)
                .as_secs() as u32;
        }
        self.next = turn + Duration::from_secs(1) / self.rate_per_s;
        wait.as_secs() as u32
    }
}

/// Within how long the agents of so many tunnels shall come back after a stop: the next server
/// lets them in at this rate.
#[must_use]
pub fn spread(tunnels: usize, rate_per_s: u32) -> Duration {
    let tunnels = u32::try_from(tunnels).unwrap_or(u32::MAX);
    let all_back = Duration::from_secs(1) * tunnels / rate_per_s.max(1);
    all_back.clamp(MIN_SPREAD, MAX_SPREAD)
}

pub(super) struct Admission {
    running: Arc<Semaphore>,
    running_max: usize,
    waiting: Semaphore,
    waiting_max: usize,
    rate_per_s: u32,
    bucket: Mutex<Bucket>,
    turns: Mutex<Turns>,
}

/// A token bucket, as the time when its next token is there: it is full when that is a second
/// (the burst) ago. Knows no clock.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate_per_s: u32,
    next: Instant,
}

impl Bucket {
    /// With one token and so many more each second.
    #[must_use]
    pub fn new(rate_per_s: u32, now: Instant) -> Self {
        Self {
            rate_per_s: rate_per_s.max(1),
            next: now,
        }
    }

    /// Takes the next token; when it is there. None is taken that comes after `deadline`.
    pub fn token(&mut self, now: Instant, deadline: Instant) -> Option<Instant> {
        let full_since = now.checked_sub(BURST).unwrap_or(now);
        let token = self.next.max(full_since);
        if token > deadline {
            return None;
        }
        self.next = token + Duration::from_secs(1) / self.rate_per_s;
        Some(token)
    }
}

impl Admission {
    pub(super) fn new(rate_per_s: u32, connections: usize, now: Instant) -> Self {
        Self::bounded(rate_per_s, RUNNING, waiting_max(connections), now)
    }

    fn bounded(rate_per_s: u32, running_max: usize, waiting_max: usize, now: Instant) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running_max)),
            running_max,
            waiting: Semaphore::new(waiting_max),
            waiting_max,
            rate_per_s: rate_per_s.max(1),
            bucket: Mutex::new(Bucket::new(rate_per_s, now)),
            turns: Mutex::new(Turns::new(rate_per_s, now)),
        }
    }

    /// A place for one handshake, held until the permit is dropped. `None`: full. For those that
    /// have proven who they are: nobody else takes a token. First come, first served.
    /// Cancel-safe, but for the token.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let _place_in_queue = self.waiting.try_acquire().ok()?;
        let now = Instant::now();
        let deadline = now + MAX_WAIT;
        sleep_until(self.token(now, deadline)?).await;
        let running = Arc::clone(&self.running).acquire_owned();
        timeout_at(deadline, running).await.ok()?.ok()
    }

    fn token(&self, now: Instant, deadline: Instant) -> Option<Instant> {
        let bucket = self.bucket.lock();
        let mut bucket = bucket.unwrap_or_else(PoisonError::into_inner);
        bucket.token(now, deadline)
    }

    /// Seconds after which one that found no place shall come back, each at its own time.
    pub(super) fn turn_s(&self, share: f64) -> u32 {
        let turns = self.turns.lock();
        let mut turns = turns.unwrap_or_else(PoisonError::into_inner);
        turns.take_s(Instant::now(), share)
    }

    /// How many handshakes may begin in a second.
    pub(super) const fn rate_per_s(&self) -> u32 {
        self.rate_per_s
    }

    /// Handshakes that run.
    pub(super) fn running(&self) -> usize {
        self.running_max
            .saturating_sub(self.running.available_permits())
    }

    /// Handshakes that wait, and how many may.
    pub(super) fn waiting(&self) -> (usize, usize) {
        let free = self.waiting.available_permits();
        (self.waiting_max.saturating_sub(free), self.waiting_max)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;
    use futures_util::stream::FuturesUnordered;
    use rand::rngs::StdRng;
    use rand::{RngExt, SeedableRng};
    use tokio::time::sleep;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r06_handshakes_queue_and_the_queue_is_bounded() {
        let admission = Admission::bounded(1000, 1, 1, Instant::now());
        let first = admission.enter().await.unwrap();
        assert_eq!((admission.running(), admission.waiting()), (1, (0, 1)));
        let (second, third, ()) = tokio::join!(biased; admission.enter(), admission.enter(), async {
            sleep(Duration::from_millis(10)).await;
            assert_eq!(admission.waiting(), (1, 1));
            drop(first);
        });
        assert!(second.is_some(), "it waited for the first");
        assert!(third.is_none(), "the queue was full");
        assert!(
            admission.enter().await.is_none(),
            "nobody made room in time"
        );
        drop(second);
        assert!(admission.enter().await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn r06_so_many_a_second_and_a_burst() {
        const RATE: u32 = 100;
        let started = Instant::now();
        let admission = Admission::bounded(RATE, 10_000, 10_000, started);
        sleep(Duration::from_secs(60)).await;
        let quiet_until = Instant::now();
        let mut entering: FuturesUnordered<_> = (0..1200).map(|_| admission.enter()).collect();
        let mut entered = Vec::new();
        while let Some(permit) = entering.next().await {
            entered.extend(permit.map(|_| quiet_until.elapsed()));
        }
        let within = |seconds: u64| {
            let limit = Duration::from_millis(seconds * 1000 + 1);
            entered.iter().filter(|after| **after <= limit).count()
        };
        assert_eq!(within(0), 101, "the burst");
        assert_eq!(within(1), 201);
        assert_eq!(within(5), 601);
        assert_eq!(
            entered.len(),
            1101,
            "who would have waited longer was refused"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn r06_a_herd_of_twenty_thousand_is_back_within_a_minute() {
        const HERD: usize = 20_000;
        const ROUND_TRIP: Duration = Duration::from_millis(100);
        // As on two cores.
        let admission = Admission::new(500, 8192, Instant::now());
        let mut random = StdRng::seed_from_u64(6);
        let started = Instant::now();
        let mut agents: FuturesUnordered<_> = (0..HERD)
            .map(|_| {
                let mut random = StdRng::from_rng(&mut random);
                let admission = &admission;
                async move {
                    let mut asked = 1_u32;
                    loop {
                        if let Some(_permit) = admission.enter().await {
                            sleep(ROUND_TRIP).await;
                            return (started.elapsed(), asked);
                        }
                        let turn_s = admission.turn_s(random.random_range(0.0..1.0));
                        let pause_s = f64::from(turn_s) + random.random_range(0.0..1.0);
                        sleep(Duration::from_secs_f64(pause_s)).await;
                        asked += 1;
                    }
                }
            })
            .collect();
        let mut back = Vec::new();
        let mut asked = 0;
        while let Some((after, times)) = agents.next().await {
            back.push(after);
            asked += times;
        }
        back.sort_unstable();
        let most = back[HERD * 95 / 100];
        assert!(most <= Duration::from_secs(60), "95 % after {most:?}");
        for second in 0..60 {
            let from = Duration::from_secs(second);
            let count = back
                .iter()
                .filter(|after| (from..from + Duration::from_secs(1)).contains(*after))
                .count();
            assert!(count <= 1001, "{count} in second {second}");
        }
        assert!(asked <= 2 * HERD as u32, "asked {asked} times");
    }

    #[test]
    fn r06_the_queue_leaves_connections_to_those_who_are_refused() {
        assert_eq!(waiting_max(8192), 4096);
        assert_eq!(waiting_max(usize::MAX), 4096);
        assert_eq!(waiting_max(2207), 1103, "20,000 open files");
        assert_eq!(waiting_max(1), 1);
    }

    #[tokio::test]
    async fn r06_turns_follow_each_other_at_the_rate() {
        let now = Instant::now();
        let mut turns = Turns::new(100, now);
        let first: Vec<u32> = (0..300).map(|_| turns.take_s(now, 0.5)).collect();
        assert_eq!(first[..100], [5; 100]);
        assert_eq!(first[100..200], [6; 100]);
        assert_eq!(first[200..], [7; 100]);
        let later = now + Duration::from_secs(3600);
        assert_eq!(
            turns.take_s(later, 0.5),
            5,
            "nobody waits for turns long past"
        );
        let far: Vec<u32> = (0..100_000)
            .map(|n| turns.take_s(later, f64::from(n) / 1e5))
            .collect();
        assert_eq!(far.iter().max(), Some(&300));
        let mut past_the_last = far[30_000..].iter();
        assert!(past_the_last.all(|turn_s| (150..=300).contains(turn_s)));
    }
}
