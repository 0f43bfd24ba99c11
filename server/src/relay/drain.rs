//! Stops gently: agents hear when to come back, streams may finish, nothing new begins.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::sleep;
use tunnel::driver::{GoAway, GoAwayReason};

use super::{Relay, admission, resume};

/// Before the end of the grace, for what is cut to be told why.
const LAST_WORDS: Duration = Duration::from_secs(1);

impl Relay {
    /// Tells every agent to come back later, each at its own time, and refuses new tunnels and
    /// streams from now on. Each tunnel is closed when its last stream has ended; a stream that
    /// outlasts the grace is cut, and both its ends are told that the server stops.
    pub fn drain(&self) {
        let tunnels = self.0.registry.begin_drain(&self.0.draining);
        let spread = admission::spread(tunnels.len(), self.0.admission.rate_per_s());
        for (_, _, line) in &tunnels {
            line.tunnel.go_away(GoAway {
                reason: GoAwayReason::Restart,
                reconnect_after: spread.mul_f64(random_share()),
                url: None,
            });
        }
        let relay = self.clone();
        self.0.lifecycle.spawn("relay-drain", async move {
            let closing = tunnels.iter().map(|(_, _, line)| async {
                // One that has lost its connection gets none any more.
                tokio::select! {
                    () = line.tunnel.idle() => {}
                    () = resume::lost(&line.tunnel) => {}
                }
                line.tunnel.close();
            });
            let closing = closing.collect::<FuturesUnordered<_>>().count();
            let mut closing = std::pin::pin!(closing);
            let grace = relay.0.stop_grace;
            tokio::select! {
                _ = &mut closing => return,
                () = sleep(grace - LAST_WORDS.min(grace / 4)) => {}
            }
            tracing::info!("the grace is over: streams that still run are cut");
            relay.0.grace_over.cancel();
            closing.await;
        });
    }

    /// Seconds for a `Retry-After` that does not bring all agents back in the same moment.
    pub(super) fn come_back_after_s(&self) -> u32 {
        admission::come_back_after_s(random_share())
    }

    /// The same for one whom only the queue did not hold.
    pub(super) fn turn_s(&self) -> u32 {
        self.0.admission.turn_s(random_share())
    }
}

/// 0 to 1.
fn random_share() -> f64 {
    let mut bytes = [0; 4];
    // Without randomness they all come at once; that is better than not saying when.
    let _ = SystemRandom::new().fill(&mut bytes);
    f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX)
}
