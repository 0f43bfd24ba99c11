//! Keeps what agents report: in memory while they are connected, in the database for afterwards.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use api::DeviceId;
use tokio::time::{Instant, sleep_until};
use tunnel::driver::Tunnel;

use crate::access::Scope;

use super::properties::updated;
use super::{Properties, Reported, WebTunnel, WebTunnelError, store};

/// Agents may report every second; the database hears of it this often.
const WRITE_EVERY: Duration = Duration::from_secs(30);

impl WebTunnel {
    /// What the device's agent reported last.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn properties(
        &self,
        scope: Scope,
        device: DeviceId,
    ) -> Result<Properties, WebTunnelError> {
        if let Some(reported) = self.reported().get(&device) {
            return Ok(Properties::clone(&reported.1));
        }
        let recorded = store::properties(self.0.db.reader(), scope, device).await?;
        Ok(match recorded {
            Some(recorded) => serde_json::from_str(&recorded)?,
            None => Properties::new(),
        })
    }

    /// Keeps what an agent reports while its tunnel lives.
    pub(super) async fn follow(
        &self,
        device: DeviceId,
        epoch: u64,
        at_first: Properties,
        tunnel: Tunnel,
    ) {
        let mut write_at = Some(Instant::now());
        self.report(device, epoch, at_first);
        loop {
            tokio::select! {
                update = tunnel.properties() => {
                    let Some(update) = update else { break };
                    let Some((_, known)) = self.reported().get(&device).cloned() else { break };
                    let new = updated(Properties::clone(&known), &update);
                    if new != *known && self.report(device, epoch, new) {
                        write_at.get_or_insert_with(|| Instant::now() + WRITE_EVERY);
                    }
                }
                () = sleep_until(write_at.unwrap_or_else(Instant::now)), if write_at.is_some() => {
                    write_at = None;
                    self.write_report(device).await;
                }
            }
        }
        if write_at.is_some() {
            self.write_report(device).await;
        }
        let mut reported = self.reported();
        if reported.get(&device).is_some_and(|(of, _)| *of == epoch) {
            reported.remove(&device);
        }
    }

    /// Whether it is the newest tunnel's.
    fn report(&self, device: DeviceId, epoch: u64, properties: Properties) -> bool {
        let mut reported = self.reported();
        let is_newest = reported.get(&device).is_none_or(|(of, _)| *of <= epoch);
        if is_newest {
            reported.insert(device, (epoch, Arc::new(properties)));
        }
        is_newest
    }

    async fn write_report(&self, device: DeviceId) {
        if let Err(error) = self.try_write_report(device).await {
            tracing::warn!(%device, %error, "what an agent reports was not written");
        }
    }

    async fn try_write_report(&self, device: DeviceId) -> Result<(), WebTunnelError> {
        let Some((_, properties)) = self.reported().get(&device).cloned() else {
            return Ok(());
        };
        let text = serde_json::to_string(&*properties)?;
        let organization = self
            .0
            .devices
            .identity(device)
            .map(|known| known.organization);
        if let Some(organization) = organization {
            let reader = self.0.db.reader();
            let recorded = store::properties(reader, Scope::of(organization), device).await?;
            if recorded.as_ref() == Some(&text) {
                return Ok(());
            }
        }
        let mut write = self.0.db.write().await?;
        store::write_properties(&mut write, device, &text).await?;
        write.commit().await?;
        Ok(())
    }

    fn reported(&self) -> MutexGuard<'_, Reported> {
        self.0
            .reported
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
