//! Two agents with one key (SECURITY S28): the newest wins, until they keep replacing each other.

use std::time::Duration;

use api::DeviceId;
use tokio::time::{Instant, timeout};
use tunnel::driver::GoAwayReason;

use super::Relay;
use super::line::Line;
use super::registry::{Occupant, QUARANTINE};

/// For a closed socket to be gone.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(10);

impl Relay {
    /// Sends away the tunnel of another process that `epoch` has replaced, and that is retired. It
    /// is asked whether it lives, since only then it is a swap: an agent that was started again
    /// after a crash leaves a tunnel behind that nobody holds.
    pub(super) fn replace(&self, device: DeviceId, epoch: u64, address: String, old: Line) {
        let relay = self.clone();
        self.0.lifecycle.spawn("tunnel-probe", async move {
            let lives = old.answers().await;
            tracing::info!(%device, epoch, lives, "tunnel replaced by another process's");
            if lives && relay.0.registry.count_swap(device, Instant::now()) {
                tracing::warn!(
                    %device, epoch, address, quarantine_s = QUARANTINE.as_secs(),
                    "two agents with one key keep replacing each other: the newest stays; \
                     was the key copied?"
                );
                relay.0.devices.has_duplicate(device, QUARANTINE);
            }
            old.send_away(GoAwayReason::Replaced);
        });
    }

    /// As [`Self::replace`], of an agent that cannot be asked whether it lives: one that does
    /// answers the close.
    pub(super) fn replace_webtunnel(&self, device: DeviceId, epoch: u64, old: Line) {
        old.send_away(GoAwayReason::Replaced);
        let relay = self.clone();
        self.0.lifecycle.spawn("tunnel-probe", async move {
            let lives = timeout(FAREWELL_TIMEOUT, old.tunnel.farewell_answered()).await;
            let lives = lives.unwrap_or(false);
            tracing::info!(%device, epoch, lives, "tunnel replaced by a newer one");
            if lives && relay.0.registry.count_swap(device, Instant::now()) {
                tracing::warn!(
                    %device, epoch, quarantine_s = QUARANTINE.as_secs(),
                    "two agents with one device id keep replacing each other: the newest stays"
                );
                relay.0.devices.has_duplicate(device, QUARANTINE);
            }
        });
    }

    /// Whether this process of the device's agent has to stay away for now.
    pub(super) fn refuses(&self, device: DeviceId, instance: &[u8; 16]) -> bool {
        let refused = self.0.registry.refuses(device, instance, Instant::now());
        if refused {
            tracing::info!(%device, "refused: another agent with the same key holds the tunnel");
        }
        refused
    }
}
