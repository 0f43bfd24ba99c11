//! Bounds the handshakes: some run, some wait, the rest is asked to come back. After a restart a
//! whole fleet arrives at once; queueing it costs less than refusing it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// At a time; each takes a signature check, a HELLO of at most 16 KiB and a round trip.
const RUNNING: usize = 256;
/// In the queue behind them; each holds a connection.
pub(super) const WAITING: usize = 4096;
/// Longer, and the agent would have given up.
const MAX_WAIT: Duration = Duration::from_secs(10);

pub(super) struct Admission {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

impl Default for Admission {
    fn default() -> Self {
        Self::new(RUNNING, WAITING)
    }
}

impl Admission {
    fn new(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running)),
            waiting: Semaphore::new(waiting),
        }
    }

    /// A place for one handshake, held until the permit is dropped. `None`: full. Cancel-safe.
    pub(super) async fn enter(&self) -> Option<OwnedSemaphorePermit> {
        let _place_in_queue = self.waiting.try_acquire().ok()?;
        timeout(MAX_WAIT, Arc::clone(&self.running).acquire_owned())
            .await
            .ok()?
            .ok()
    }

    /// Handshakes that run.
    pub(super) fn running(&self) -> usize {
        RUNNING.saturating_sub(self.running.available_permits())
    }

    /// Handshakes that wait.
    pub(super) fn waiting(&self) -> usize {
        WAITING.saturating_sub(self.waiting.available_permits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn r06_handshakes_queue_and_the_queue_is_bounded() {
        let admission = Admission::new(1, 1);
        let first = admission.enter().await.unwrap();
        let (second, third, ()) = tokio::join!(biased; admission.enter(), admission.enter(), async {
            tokio::task::yield_now().await;
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
}
