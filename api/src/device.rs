//! Devices and their services.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Timestamp};

/// A device, with its services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Device {
    pub id: DeviceId,
    /// What people call it; may change.
    pub name: String,
    /// Its part of host names; never changes, never used again for another device.
    pub label: String,
    pub state: DeviceState,
    /// When the present state began, where known.
    pub state_since: Option<Timestamp>,
    /// When its tunnel was last seen alive; absent: never connected.
    pub last_seen: Option<Timestamp>,
    /// Round-trip time of its tunnel.
    pub rtt_ms: Option<u32>,
    /// The address its tunnel comes from.
    pub address: Option<String>,
    /// As reported by the agent: untrusted text.
    pub agent_version: Option<String>,
    /// As reported by the agent: untrusted text.
    pub os: Option<String>,
    /// As reported by the agent: untrusted text.
    pub host_name: Option<String>,
    pub enrolled_at: Timestamp,
    pub services: Vec<Service>,
    /// Which kind of agent it has.
    #[serde(default)]
    pub agent: AgentKind,
    /// Since when it is kept out; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_at: Option<Timestamp>,
    /// When what is recorded of its client certificates last differed, as far as the server knows
    /// since it started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificates_changed_at: Option<Timestamp>,
    /// What somebody should look at; absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
}

/// What speaks for a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AgentKind {
    /// `adit-agent`: its key is the device's identity, and what is open survives a lost line.
    #[default]
    Adit,
    /// An agent that speaks WebTunnel: a secret is its identity, and what is open ends with its
    /// line.
    WebTunnel,
}

/// Why a device wants somebody's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Attention {
    /// Two agents with its key kept replacing each other: the key was copied.
    DuplicateKey,
}

/// Whether a device can be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// Its tunnel is up.
    Online,
    /// Lost a moment ago, or the server has just started: expected back.
    Reconnecting,
    Offline,
    /// Enrolled, has not connected yet.
    NeverSeen,
}

/// A named thing to reach on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Service {
    /// Unique on its device: `[a-z0-9]` and single `-` inside, at most 20 characters.
    pub name: String,
    pub kind: ServiceKind,
    /// What people see; the name if nobody gave one.
    pub title: String,
    pub port: u16,
    pub tls: bool,
    pub hidden: bool,
    /// Where the service's page opens; only of kind `web`.
    pub url: Option<String>,
    /// The keys of the SSH server, `algorithm base64`, as the device's own agent reports them over
    /// its proven tunnel; only of kind `ssh`, and only where it runs on the device itself.
    pub host_keys: Vec<String>,
}

/// What a service speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ServiceKind {
    Web,
    Ssh,
    Vnc,
    Rdp,
    Tcp,
}

/// The query of `GET /api/v1/devices`. Ordered by name, then id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[serde(deny_unknown_fields, default)]
pub struct DeviceQuery {
    /// Part of name, label, host name or address; case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// 1 to 200; 50 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// `PATCH /api/v1/devices/{id}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UpdateDevice {
    /// 1 to 64 characters, no control or bidirectional-override characters.
    pub name: Option<String>,
    /// `true`: its tunnel and everything open through it end, and it is kept out until `false`.
    pub disabled: Option<bool>,
}

/// `PATCH /api/v1/devices/{id}/services/{service}`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default)]
pub struct UpdateService {
    /// Empty takes the given title away.
    pub title: Option<String>,
    pub hidden: Option<bool>,
    /// Lower comes first.
    pub position: Option<u32>,
}

/// `POST /api/v1/devices/{id}/services/{service}/launch`: permission to go straight to a device
/// page, once, within 60 s.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LaunchIntent {
    /// Navigate here.
    pub url: String,
}
