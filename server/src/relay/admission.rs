//! Bounds the handshakes: so many a second, so many at a time; some wait, the rest is asked to
//! come back. After a restart a whole fleet arrives at once; queueing it costs less than refusing
//! it, and what already runs must not wait behind it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// At a time; each takes a HELLO of at most 16 KiB and a round trip.
const RUNNING: usize = 256;
/// In the queue before them; each holds a connection.
const WAITING: usize = 4096;
/// Longer, and the agent would have given up.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How much may come at once after a quiet time, as the rate of so long.
const BURST: Duration = Duration::from_secs(1);
/// Who is asked to come back does so within this: twice as long as the queue is.
pub(super) const COME_BACK_WITHIN: Duration = Duration::from_secs(20);

pub(super) struct Admission {
    running: Arc<Semaphore>,
    running_max: usize,
    waiting: Semaphore,
    waiting_max: usize,
    rate_per_s: u32,
    bucket: Mutex<Bucket>,
}

/// A token bucket, as the time when its next token is there: it is full when that is
/// [`BURST`] ago.
struct Bucket {
    next: Instant,
}

impl Admission {
    pub(super) fn new(rate_per_s: u32, now: Instant) -> Self {
        Self::bounded(rate_per_s, RUNNING, WAITING, now)
    }

    fn bounded(rate_per_s: u32, running_max: usize, waiting_max: usize, now: Instant) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running_max)),
            running_max,
            waiting: Semaphore::new(waiting_max),
            waiting_max,
            rate_per_s: rate_per_s.max(1),
            bucket: Mutex::new(Bucket { next: now }),
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

    /// Takes the next token; when it is there. None is taken that comes too late.
    fn token(&self, now: Instant, deadline: Instant) -> Option<Instant> {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let full_since = now.checked_sub(BURST).unwrap_or(now);
        let token = bucket.next.max(full_since);
        if token > deadline {
            return None;
        }
        bucket.next = token + Duration::from_secs(1) / self.rate_per_s;
        Some(token)
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
        let admission = Admission::new(500, Instant::now());
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
                        let pause_s = random.random_range(1.0..=COME_BACK_WITHIN.as_secs_f64());
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
        assert!(asked <= 4 * HERD as u32, "asked {asked} times");
    }
}
