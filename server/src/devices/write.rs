//! Writing a device's row and the index together.
//!
//! The index follows a write just before the commit: there is one writer at a time, so the index
//! sees writes in their order. A commit that fails, or whose handler is dropped because its client
//! left, leaves a mark, and the device is read anew ([`Devices::refresh_stale`]).

use std::sync::PoisonError;

use api::{DeviceId, Event, OrganizationId};
use sqlx::{Sqlite, Transaction};

use super::presence::Presence;
use super::{Devices, DevicesError, store};

impl Devices {
    /// Commits what was written about a device, and takes it into the index.
    pub(super) async fn commit(
        &self,
        mut write: Transaction<'static, Sqlite>,
        id: DeviceId,
    ) -> Result<(), DevicesError> {
        let record = store::load_one(&mut write, id)
            .await?
            .ok_or(DevicesError::NoSuchDevice)?;
        let organization = record.organization;
        self.mark_stale(id);
        self.index_mut().put(record, Presence::NeverSeen);
        write.commit().await?;
        self.unmark_stale(id);
        self.announce(organization, id);
        Ok(())
    }

    /// Commits the deletion of a device, and takes it out of the index.
    pub(super) async fn commit_deletion(
        &self,
        write: Transaction<'static, Sqlite>,
        organization: OrganizationId,
        id: DeviceId,
    ) -> Result<(), DevicesError> {
        self.mark_stale(id);
        self.index_mut().remove(id);
        self.0
            .events
            .publish(organization, Event::DeviceRemoved { device_id: id });
        write.commit().await?;
        self.unmark_stale(id);
        Ok(())
    }

    /// Reads devices anew whose write nobody waited for.
    pub(super) async fn refresh_stale(&self) -> Result<(), DevicesError> {
        let stale: Vec<DeviceId> = {
            let stale = self.0.stale.lock().unwrap_or_else(PoisonError::into_inner);
            stale.iter().copied().collect()
        };
        for id in stale {
            // Inside a write: whatever was under way has ended, one way or the other.
            let mut write = self.0.db.write().await?;
            let record = store::load_one(&mut write, id).await?;
            self.unmark_stale(id);
            match record {
                Some(record) => {
                    let organization = record.organization;
                    let presence = Presence::at_start(record.last_seen, None);
                    self.index_mut().put(record, presence);
                    self.announce(organization, id);
                }
                None => drop(self.index_mut().remove(id)),
            }
        }
        Ok(())
    }

    /// Tells those who look that a device differs.
    pub(super) fn announce(&self, organization: OrganizationId, id: DeviceId) {
        self.0.events.publish_with(organization, || {
            let now = self.0.clock.now();
            let index = self.index();
            let entry = index.get(id)?;
            Some(Event::DeviceChanged {
                device: Box::new(entry.view(&self.0.urls, now)),
            })
        });
    }

    pub(super) fn mark_stale(&self, id: DeviceId) {
        self.0
            .stale
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id);
    }

    fn unmark_stale(&self, id: DeviceId) {
        self.0
            .stale
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id);
    }
}
