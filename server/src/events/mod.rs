//! What changed, pushed to browsers.

use api::{Event, OrganizationId};

/// The bus; cheap to clone.
#[derive(Clone)]
pub struct Events;

impl Events {
    /// Tells everybody of the organization who listens.
    pub fn publish(&self, _organization: OrganizationId, _event: Event) {
        todo!()
    }
}
