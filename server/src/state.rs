//! What handlers share.

use std::sync::Arc;

use crate::access::Leases;
use crate::accounts::Accounts;
use crate::certificates::Certificates;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::devices::Devices;
use crate::events::Events;
use crate::lifecycle::Lifecycle;
use crate::proxy::Proxy;
use crate::relay::Relay;
use crate::sessions::Sessions;
use crate::usage::Usage;
use crate::webtunnel::WebTunnel;

/// Handles of all features; cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub config: Arc<Config>,
    pub clock: Clock,
    pub db: Db,
    pub lifecycle: Lifecycle,
    pub leases: Leases,
    pub events: Events,
    pub accounts: Accounts,
    pub certificates: Certificates,
    pub devices: Devices,
    pub usage: Usage,
    pub webtunnel: WebTunnel,
    pub relay: Relay,
    pub proxy: Proxy,
    pub sessions: Sessions,
}
