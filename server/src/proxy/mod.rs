//! Device web pages by host name: hand-off, header policy, forward, upgrade.

use axum::body::Body;
use http::{Request, Response};

use crate::state::AppState;

/// Pending launches and codes; cheap to clone.
#[derive(Clone, Default)]
pub struct Proxy;

impl Proxy {
    /// A proxy without pending launches.
    #[must_use]
    pub fn new(
        _config: std::sync::Arc<crate::config::Config>,
        _clock: crate::clock::Clock,
    ) -> Self {
        Self
    }
}

/// A request's host, once it is known to be a device's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceHost {
    /// The whole name, lower case, no port.
    pub host: String,
    pub label: String,
    /// From `label--service`.
    pub service: Option<String>,
}

/// Answers a request at a device's host.
pub async fn serve(_state: AppState, _host: DeviceHost, _request: Request<Body>) -> Response<Body> {
    todo!()
}

/// The routes of this feature.
pub fn routes() -> utoipa_axum::router::OpenApiRouter<AppState> {
    utoipa_axum::router::OpenApiRouter::new()
}
