//! The one owner of tasks: soft stop, hard stop, deadline.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// How long tasks have to be dropped after the hard stop. Only one that blocks its thread needs
/// more than a moment, and nothing but the end of the process helps against that.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Tracks every task of the server and tells them when to stop; cheap to clone.
///
/// The soft token asks: finish what runs, begin nothing new. The hard token, a parent of none and
/// cancelled second, ends: tasks return at once. A task that would run as long as the server has
/// to return when the soft token is cancelled, else the stop lasts as long as it may.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
    crashed: Arc<OnceLock<&'static str>>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// It was told to stop.
    Stopped {
        /// Everything that ran had come to its end in time.
        clean: bool,
    },
    /// A task that it cannot do without has ended.
    Crashed { task: &'static str },
}

impl Lifecycle {
    /// Spawns a named task. It is dropped where it stands when the hard stop comes.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hard = self.hard.clone();
        let span = tracing::info_span!(parent: None, "task", name);
        self.tasks.spawn(
            async move {
                tokio::select! {
                    () = hard.cancelled() => {}
                    () = task => {}
                }
            }
            .instrument(span),
        );
    }

    /// Spawns a task that the server cannot do without: when it panics, or returns before anybody
    /// asked for a stop, the server stops and says that it has crashed.
    pub fn spawn_essential<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let lifecycle = self.clone();
        self.spawn(name, async move {
            let panicked = AssertUnwindSafe(task).catch_unwind().await.is_err();
            if panicked || !lifecycle.soft.is_cancelled() {
                tracing::error!(task = name, panicked, "an essential task has ended");
                // Only the first to crash is the cause; the others may be its consequences.
                let _ = lifecycle.crashed.set(name);
                lifecycle.soft.cancel();
            }
        });
    }

    /// Asks for the stop: softly the first time, hard the second.
    pub fn stop(&self) {
        if self.soft.is_cancelled() {
            self.hard.cancel();
        } else {
            self.soft.cancel();
        }
    }

    /// Cancelled when nothing new shall begin.
    #[must_use]
    pub fn soft(&self) -> &CancellationToken {
        &self.soft
    }

    /// Cancelled when everything shall end now.
    #[must_use]
    pub fn hard(&self) -> &CancellationToken {
        &self.hard
    }

    /// Returns when the server has come to its end: asked to stop, what runs has `grace` to
    /// finish; then, or at the second call of [`Lifecycle::stop`], it is cut.
    pub async fn run(&self, grace: Duration) -> Outcome {
        self.soft.cancelled().await;
        tracing::info!(
            tasks = self.tasks.len(),
            grace_ms = grace.as_millis(),
            "stopping"
        );
        self.tasks.close();
        let clean = tokio::select! {
            () = self.tasks.wait() => true,
            () = self.hard.cancelled() => false,
            () = tokio::time::sleep(grace) => false,
        };
        if !clean {
            tracing::warn!(tasks = self.tasks.len(), "cutting what still runs");
            self.hard.cancel();
            let _ = tokio::time::timeout(LAST_WAIT, self.tasks.wait()).await;
        }
        match self.crashed.get() {
            Some(task) => Outcome::Crashed { task },
            None => Outcome::Stopped { clean },
        }
    }

    /// Waits until every task has ended; new ones may still be spawned by those that run.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    const GRACE: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_stop_waits_for_what_runs() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("transfer", tokio::time::sleep(Duration::from_secs(20)));
        let started = Instant::now();
        lifecycle.stop();
        assert_eq!(lifecycle.run(GRACE).await, Outcome::Stopped { clean: true });
        assert_eq!(started.elapsed(), Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn the_deadline_cuts_what_does_not_finish() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("endless", std::future::pending());
        let started = Instant::now();
        lifecycle.stop();
        assert_eq!(
            lifecycle.run(GRACE).await,
            Outcome::Stopped { clean: false }
        );
        assert_eq!(started.elapsed(), GRACE);
    }

    #[tokio::test(start_paused = true)]
    async fn the_second_stop_cuts_at_once() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("endless", std::future::pending());
        let second = lifecycle.clone();
        lifecycle.spawn("signals", async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            second.stop();
            tokio::time::sleep(Duration::from_secs(2)).await;
            second.stop();
        });
        let started = Instant::now();
        assert_eq!(
            lifecycle.run(GRACE).await,
            Outcome::Stopped { clean: false }
        );
        assert_eq!(started.elapsed(), Duration::from_secs(3));
    }

    #[tokio::test(start_paused = true)]
    async fn an_essential_task_takes_the_server_with_it() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn_essential("accept", async {
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        assert_eq!(
            lifecycle.run(GRACE).await,
            Outcome::Crashed { task: "accept" }
        );

        let lifecycle = Lifecycle::default();
        lifecycle.spawn_essential("accept", async { panic!("of hostile input") });
        assert_eq!(
            lifecycle.run(GRACE).await,
            Outcome::Crashed { task: "accept" }
        );
    }

    #[tokio::test(start_paused = true)]
    async fn an_essential_task_may_end_after_a_stop() {
        let lifecycle = Lifecycle::default();
        let soft = lifecycle.soft().clone();
        lifecycle.spawn_essential("accept", async move { soft.cancelled().await });
        lifecycle.stop();
        assert_eq!(lifecycle.run(GRACE).await, Outcome::Stopped { clean: true });
    }

    /// S41: another task's panic is that task's end and nobody else's.
    #[tokio::test(start_paused = true)]
    async fn s41_a_panic_ends_one_task() {
        let lifecycle = Lifecycle::default();
        lifecycle.spawn("connection", async { panic!("of hostile input") });
        lifecycle.spawn("other", tokio::time::sleep(Duration::from_secs(1)));
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!lifecycle.soft().is_cancelled());
        lifecycle.stop();
        assert_eq!(lifecycle.run(GRACE).await, Outcome::Stopped { clean: true });
    }
}
