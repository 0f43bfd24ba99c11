//! Enrolment by install key.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, InstallKeyId, Timestamp};

/// An install key, as listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstallKey {
    pub id: InstallKeyId,
    pub name: String,
    /// How many devices it may enrol in all; absent = any number.
    pub use_limit: Option<u32>,
    pub used: u32,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
}

/// `POST /api/v1/install-keys`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateInstallKey {
    pub name: String,
    #[serde(default)]
    pub use_limit: Option<u32>,
    /// Seconds from now; absent = never.
    #[serde(default)]
    pub expires_in_s: Option<u64>,
}

/// The only time the secret is told.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstallKeyCreated {
    pub install_key: InstallKey,
    pub secret: String,
}

/// `POST /api/v1/enrolments`, sent by an agent. The device's key is the one that the request's
/// `Authorization: Adit-Device` proves. The same key again gets the same device.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Enrol {
    /// The install key's secret.
    pub install_key: String,
    /// What the device would like to be called.
    pub name: String,
}

/// The answer to [`Enrol`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Enrolled {
    pub device_id: DeviceId,
    pub name: String,
    pub label: String,
}
