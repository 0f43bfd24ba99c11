//! Who has proven itself is let in, or told why not: one order of questions for every kind of agent.

use api::DeviceId;
use tokio::sync::OwnedSemaphorePermit;

use super::Relay;
use super::counts::Reject;

/// Why an agent is to come back later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAdmitted {
    Stopping,
    /// Somebody keeps the device out.
    Disabled,
    /// Another agent with the same key or id is connected, and the two kept replacing each other.
    Duplicate,
    /// The memory is not enough.
    Full,
    /// Too many at once.
    Busy,
}

impl NotAdmitted {
    const fn counted_as(self) -> Reject {
        match self {
            Self::Stopping => Reject::Stopping,
            Self::Disabled => Reject::Disabled,
            Self::Duplicate => Reject::DuplicateKey,
            Self::Full => Reject::Memory,
            Self::Busy => Reject::Busy,
        }
    }
}

impl Relay {
    /// A place among the handshakes, for the tunnel of a process whose device has proven itself.
    ///
    /// # Errors
    /// [`NotAdmitted`], counted.
    pub(super) async fn place_for(
        &self,
        device: DeviceId,
        instance: &[u8; 16],
    ) -> Result<OwnedSemaphorePermit, NotAdmitted> {
        let place = self.find_place(device, instance).await;
        place.inspect_err(|why| self.0.counts.rejected(why.counted_as()))
    }

    async fn find_place(
        &self,
        device: DeviceId,
        instance: &[u8; 16],
    ) -> Result<OwnedSemaphorePermit, NotAdmitted> {
        if self.0.draining.is_cancelled() {
            return Err(NotAdmitted::Stopping);
        }
        if self.0.devices.is_disabled(device) {
            return Err(NotAdmitted::Disabled);
        }
        if self.refuses(device, instance) {
            return Err(NotAdmitted::Duplicate);
        }
        if !self.has_room_for(device) {
            return Err(NotAdmitted::Full);
        }
        // Last: only who is wanted waits, and takes a place that others may need.
        let permit = self.0.admission.enter().await;
        let permit = permit.ok_or(NotAdmitted::Busy)?;
        if self.0.draining.is_cancelled() {
            return Err(NotAdmitted::Stopping);
        }
        Ok(permit)
    }
}
