//! Device web pages by host name: hand-off, header policy, forward, upgrade.
//!
//! ```text
//! serve ─► visitor: who is it? ─► handoff, when nobody is signed in at this host
//!            │
//!            ├─► exchange ┐
//!            └─► websocket┴─ policy: headers both ways ─► Relay::open
//! ```

mod cookies;
mod enter;
mod exchange;
mod failure;
mod handoff;
mod launch;
mod origins;
mod pages;
mod policy;
mod serve;
mod upload;
mod visitor;
mod websocket;

use std::sync::Arc;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::config::Config;
use crate::state::AppState;

use self::handoff::Handoff;
use self::origins::Origins;

pub use self::serve::serve;

/// Pending launches and codes, and where pages are; cheap to clone.
#[derive(Clone)]
pub struct Proxy(Arc<Inner>);

struct Inner {
    origins: Origins,
    handoff: Handoff,
}

impl Proxy {
    /// A proxy without pending launches.
    #[must_use]
    pub fn new(config: Arc<Config>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            origins: Origins::new(&config),
            handoff: Handoff::new(clock),
        }))
    }

    fn origins(&self) -> &Origins {
        &self.0.origins
    }

    fn handoff(&self) -> &Handoff {
        &self.0.handoff
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

/// `/launch/…` and the API's launch intents, for the manager's host.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(launch::intend)).route(
        "/launch/{host_label}",
        axum::routing::get(launch::arrive).post(launch::go_on),
    )
}
