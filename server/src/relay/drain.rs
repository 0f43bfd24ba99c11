//! Stops gently: agents hear when to come back, streams may finish, nothing new begins.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::time::timeout;
use tunnel::driver::{GoAway, GoAwayReason};

use super::Relay;

/// The next server gets its devices back at this rate.
const DEVICES_PER_SECOND: u32 = 500;
const MAX_SPREAD: Duration = Duration::from_secs(30);
/// Below this the port may not be bound again.
const MIN_SPREAD: Duration = Duration::from_millis(500);

impl Relay {
    /// Tells every agent to come back later, each at its own time, and refuses new tunnels and
    /// streams from now on. Returns when all tunnels have ended: each when its last stream has,
    /// all of them after `grace`.
    pub async fn drain(&self, grace: Duration) {
        self.0.draining.cancel();
        let tunnels = self.0.registry.all();
        let count = u32::try_from(tunnels.len()).unwrap_or(u32::MAX);
        let spread =
            (Duration::from_secs(1) * count / DEVICES_PER_SECOND).clamp(MIN_SPREAD, MAX_SPREAD);
        let ended: FuturesUnordered<_> = tunnels
            .iter()
            .map(|(_, _, tunnel)| {
                tunnel.go_away(GoAway {
                    reason: GoAwayReason::Restart,
                    reconnect_after: random_below(spread),
                    url: None,
                });
                async {
                    tunnel.idle().await;
                    tunnel.close();
                    tunnel.closed().await;
                }
            })
            .collect();
        if timeout(grace, ended.count()).await.is_ok() {
            return;
        }
        for (_, _, tunnel) in &tunnels {
            tunnel.close();
        }
    }

    /// Seconds for a `Retry-After` that does not bring all agents back in the same moment.
    pub(super) fn spread_s(&self) -> u32 {
        1 + u32::try_from(random_below(Duration::from_secs(5)).as_secs()).unwrap_or(0)
    }
}

fn random_below(bound: Duration) -> Duration {
    let mut bytes = [0; 4];
    // Without randomness they all come at once; that is better than not saying when.
    let _ = SystemRandom::new().fill(&mut bytes);
    bound.mul_f64(f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
}
