//! Stops gently: agents hear when to come back, streams may finish, nothing new begins.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use ring::rand::{SecureRandom, SystemRandom};
use tunnel::driver::{GoAway, GoAwayReason};

use super::{Relay, resume};

/// The next server gets its devices back at this rate.
const DEVICES_PER_SECOND: u32 = 500;
const MAX_SPREAD: Duration = Duration::from_secs(30);
/// Below this the port may not be bound again.
const MIN_SPREAD: Duration = Duration::from_millis(500);

impl Relay {
    /// Tells every agent to come back later, each at its own time, and refuses new tunnels and
    /// streams from now on. Each tunnel is closed when its last stream has ended.
    pub fn drain(&self) {
        self.0.draining.cancel();
        let tunnels = self.0.registry.all();
        let count = u32::try_from(tunnels.len()).unwrap_or(u32::MAX);
        let spread =
            (Duration::from_secs(1) * count / DEVICES_PER_SECOND).clamp(MIN_SPREAD, MAX_SPREAD);
        for (_, _, line) in &tunnels {
            line.tunnel.go_away(GoAway {
                reason: GoAwayReason::Restart,
                reconnect_after: random_below(spread),
                url: None,
            });
        }
        self.0.lifecycle.spawn("relay-drain", async move {
            let closing = tunnels.iter().map(|(_, _, line)| async {
                // One that has lost its connection gets none any more.
                tokio::select! {
                    () = line.tunnel.idle() => {}
                    () = resume::lost(&line.tunnel) => {}
                }
                line.tunnel.close();
            });
            closing.collect::<FuturesUnordered<_>>().count().await;
        });
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
