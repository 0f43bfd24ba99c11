//! WebTunnel 1.0: the agents and tools of others connect unchanged.
//!
//! ```text
//! POST at the apex ─► upgrade ─► credential, check ─► Relay::welcome_webtunnel
//!                        └─► properties: services, name, what the agent reports
//! POST at a device's host ─► client: who, which port, Relay::open, 101 ─► carry
//! /my-devices/ at the apex ─► gateway ─► token
//! /my-devices/websockify at a device's host ─► websockify
//! ```
//!
//! From there on such a device is one like all others: its tunnel stands in the relay's registry.

mod agents;
mod carry;
mod check;
mod client;
mod configuration;
mod credential;
mod domains;
mod follow;
mod gateway;
mod http;
mod phrase;
mod properties;
mod proven;
mod refusal;
mod report;
mod secret;
mod store;
mod token;
mod upgrade;
mod websockify;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use ::http::Request;
use api::DeviceId;
use axum::body::Body;
use axum::response::Response;

use crate::accounts::Passwords;
use crate::clock::Clock;
use crate::db::Db;
use crate::devices::{Devices, DevicesError};
use crate::proxy::DeviceHost;
use crate::state::AppState;

use self::proven::Proven;

pub use self::agents::{AgentMade, NewAgent};
pub use self::configuration::agent_lines;
pub use self::gateway::GATEWAY_PATHS;
pub use self::http::routes;
pub use self::websockify::{is_websockify, websockify};

// For a fleet that is brought along.
pub(crate) use self::credential::is_agent_id;
pub(crate) use self::properties::set as set_property;
pub(crate) use self::store::insert_domain;

/// What an agent reports of its device, by name.
pub type Properties = BTreeMap<String, String>;

/// With the epoch of the tunnel that brought it.
type Reported = HashMap<DeviceId, (u64, Arc<Properties>)>;

/// The part of the server that knows about agents of others; cheap to clone.
#[derive(Clone)]
pub struct WebTunnel(Arc<Parts>);

struct Parts {
    db: Db,
    clock: Clock,
    devices: Devices,
    passwords: Passwords,
    /// For those that cannot be right. They never stand in a real one's way.
    decoys: Passwords,
    proven: Mutex<Proven>,
    /// Of those that are connected.
    reported: Mutex<Reported>,
}

/// Why something about an agent was not done.
#[derive(Debug, thiserror::Error)]
pub enum WebTunnelError {
    #[error("{field} is not acceptable: {detail}")]
    Invalid {
        field: &'static str,
        detail: &'static str,
    },
    #[error("the domain has such a device already")]
    Exists,
    #[error("the domain belongs to another organization")]
    ForeignDomain,
    #[error("there is no such domain")]
    NoSuchDomain,
    #[error("the domain still has devices")]
    DomainInUse,
    #[error("the device has no agent that speaks WebTunnel")]
    NoSuchAgent,
    #[error("the password could not be hashed")]
    Password(#[from] crate::accounts::AccountsError),
    #[error(transparent)]
    Devices(#[from] DevicesError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("what is recorded of an agent cannot be read")]
    Record(#[from] serde_json::Error),
}

/// Answers the agents and tools of others: at the apex (`None`) or at a device's host.
pub async fn serve(state: AppState, host: Option<DeviceHost>, request: Request<Body>) -> Response {
    match host {
        Some(host) => client::serve(state, host, request).await,
        None if !upgrade::is_asked(&request) => gateway::serve(state, request).await,
        None => upgrade::serve(state, request).await,
    }
}

impl WebTunnel {
    #[must_use]
    pub fn new(db: Db, clock: Clock, devices: Devices) -> Self {
        Self(Arc::new(Parts {
            db,
            clock,
            devices,
            passwords: Passwords::default(),
            decoys: Passwords::one_at_a_time(),
            proven: Mutex::default(),
            reported: Mutex::default(),
        }))
    }
}
