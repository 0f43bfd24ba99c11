//! The one owner of tasks: soft stop, hard stop, deadline.

use std::future::Future;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

/// Tracks every task of the server and tells them when to stop; cheap to clone.
///
/// The soft token asks: finish what runs, begin nothing new. The hard token, a parent of none and
/// cancelled second, ends: tasks return at once.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    soft: CancellationToken,
    hard: CancellationToken,
    tasks: TaskTracker,
}

impl Lifecycle {
    /// Spawns a named task. It is dropped where it stands when the hard stop comes.
    pub fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let hard = self.hard.clone();
        let span = tracing::info_span!("task", name);
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

    /// Waits until every task has ended; new ones may still be spawned by those that run.
    pub async fn wait(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
