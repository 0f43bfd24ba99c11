//! Rights are looked at again while they are used (SECURITY S34): what ended them may have been
//! told to nobody, and who cannot be asked cannot be taken to agree.

use std::collections::HashSet;
use std::fmt::Display;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Leases, Subject};

/// How often every right is asked for again.
const ASK_EVERY: Duration = Duration::from_secs(30);
/// The same, while nobody answers.
const ASK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// For one answer about all of them.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);
/// What nobody confirmed for so long has ended.
const UNCONFIRMED_MAX: Duration = Duration::from_secs(60);
/// How late the two ends by time may come. Each look costs one pass over all leases.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A look that comes this late: the process itself stood still (SIGSTOP, a machine that was put to
/// sleep), and asked nobody meanwhile.
const STOOD_STILL: Duration = Duration::from_secs(10);

/// Who decides about rights.
pub trait Authority: Send + Sync + 'static {
    /// Why it cannot be asked.
    type Error: Display;

    /// Those of `held` that are no longer.
    fn ended(
        &self,
        held: &HashSet<Subject>,
    ) -> impl Future<Output = Result<HashSet<Subject>, Self::Error>> + Send;
}

/// One task for all leases: asks about each every 30 s, ends those nobody could be asked about for
/// 60 s, and those that have lived for `longest`. A process that stood still asks once before it
/// ends any: nothing went through it meanwhile. Returns when, after `stop`, none is left.
pub async fn watch(
    leases: Leases,
    authority: impl Authority,
    longest: Duration,
    stop: CancellationToken,
) {
    let ends = async {
        let mut looks = interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut looked_at = Instant::now();
        loop {
            looks.tick().await;
            let stood_still_for = looked_at.elapsed();
            if stood_still_for > STOOD_STILL {
                let answered = recheck(&leases, &authority, Instant::now()).await;
                let seconds = stood_still_for.as_secs();
                tracing::warn!(seconds, answered, "the process stood still; rights checked");
            }
            looked_at = Instant::now();
            end_by_time(&leases, longest, looked_at);
        }
    };
    let asks = async {
        let mut pause = ASK_EVERY;
        loop {
            sleep(pause).await;
            let answered = recheck(&leases, &authority, Instant::now()).await;
            if answered != (pause == ASK_EVERY) {
                tracing::info!(answered, "whether rights can be checked has changed");
            }
            pause = if answered { ASK_EVERY } else { ASK_AGAIN_AFTER };
        }
    };
    let over = async {
        stop.cancelled().await;
        leases.none_left().await;
    };
    tokio::select! {
        () = ends => {}
        () = asks => {}
        () = over => {}
    }
}

/// Asks about every right that is held. Tells whether there was an answer.
pub async fn recheck(leases: &Leases, authority: &impl Authority, now: Instant) -> bool {
    let held = leases.held();
    if held.is_empty() {
        return true;
    }
    match timeout(ANSWER_TIMEOUT, authority.ended(&held)).await {
        Ok(Ok(ended)) => {
            let cut = leases.confirm(&held, &ended, now);
            if cut > 0 {
                tracing::info!(
                    cut,
                    "rights have ended without a word; their streams are cut"
                );
            }
            true
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "rights cannot be checked");
            false
        }
        Err(_) => {
            tracing::warn!("rights cannot be checked: no answer in time");
            false
        }
    }
}

/// Ends what is too old, or was not confirmed for too long.
pub fn end_by_time(leases: &Leases, longest: Duration, now: Instant) {
    let cut = leases.end_unconfirmed(UNCONFIRMED_MAX, now);
    if cut > 0 {
        tracing::error!(
            cut,
            "streams are cut: their rights could not be checked for 60 s"
        );
    }
    let cut = leases.end_older(longest, now);
    if cut > 0 {
        tracing::info!(
            cut,
            longest_s = longest.as_secs(),
            "streams are cut for their age"
        );
    }
}

#[cfg(test)]
mod tests;
