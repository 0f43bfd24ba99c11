//! What changed, pushed to browsers.

use api::{Event, OrganizationId};

/// The bus; cheap to clone.
#[derive(Clone)]
pub struct Events;

impl Events {
    /// A bus that nobody listens to yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a bus is made in one place")]
    pub fn new() -> Self {
        Self
    }

    /// Tells everybody of the organization who listens.
    pub fn publish(&self, _organization: OrganizationId, _event: Event) {
        todo!()
    }
}

/// The routes of this feature.
pub fn routes() -> utoipa_axum::router::OpenApiRouter<crate::state::AppState> {
    utoipa_axum::router::OpenApiRouter::new()
}
