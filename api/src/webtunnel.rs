//! Agents of others, which speak WebTunnel: their domains, secrets and configuration.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Device, Timestamp};

/// What agents' configurations call their domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebTunnelDomain {
    pub domain: Uuid,
    /// Whether unknown devices that show the domain's secret become devices.
    pub self_registration: bool,
    /// Since when the domain has its secret; absent: it has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_made_at: Option<Timestamp>,
    /// How many devices it has.
    pub devices: u32,
    /// How many of them have no secret of their own, so that the domain's is theirs.
    pub devices_by_domain_secret: u32,
}

/// `POST /api/v1/webtunnel/domains`: a domain that a fleet has already.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AddWebTunnelDomain {
    pub domain: Uuid,
}

/// `PATCH /api/v1/webtunnel/domains/{domain}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UpdateWebTunnelDomain {
    pub self_registration: Option<bool>,
}

/// A secret to be set: of a domain, or of one device.
#[derive(Clone, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct SetWebTunnelSecret {
    /// A password that the agents have already; absent: a secret is made, which is better.
    pub password: Option<String>,
}

/// The only time the secret is told.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebTunnelSecretSet {
    /// Absent: the password that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// The ports that an agent is to offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct WebTunnelPorts {
    /// Of the device's own page.
    pub http: Option<u16>,
    pub ssh: Option<u16>,
    pub vnc: Option<u16>,
    pub rdp: Option<u16>,
    /// Of anything else.
    pub others: Vec<u16>,
}

/// `POST /api/v1/webtunnel/devices`.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateWebTunnelDevice {
    /// The id in the agent's configuration: 1 to 63 of a-z, 0-9 and -, and no - at its beginning.
    pub agent_id: String,
    /// Absent: the organization's own.
    #[serde(default)]
    pub domain: Option<Uuid>,
    /// Absent: the id, until the agent says how its device is called.
    #[serde(default)]
    pub name: Option<String>,
    /// A password that the agent has already; absent: a secret is made, which is better.
    #[serde(default)]
    pub password: Option<String>,
    /// For the file; at least one.
    pub ports: WebTunnelPorts,
}

/// A device made for an agent. The only time the secret is told.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebTunnelDeviceCreated {
    pub device: Device,
    pub agent: WebTunnelAgent,
    /// Absent: the password that was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// A whole `WebTunnelAgent.properties`, with the secret that was made.
    pub properties: String,
}

/// `GET /api/v1/devices/{id}/webtunnel`: which agent a device has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebTunnelAgent {
    pub agent_id: String,
    pub domain: Uuid,
    /// Whether it has a secret of its own; without one, its domain's is its.
    pub has_own_secret: bool,
}
