//! Device web pages by host name: hand-off, header policy, forward, upgrade.

use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};

use crate::clock::Clock;
use crate::config::Config;
use crate::state::AppState;

/// Pending launches and codes; cheap to clone.
#[derive(Clone, Default)]
pub struct Proxy;

impl Proxy {
    #[must_use]
    pub fn new(_config: Arc<Config>, _clock: Clock) -> Self {
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
