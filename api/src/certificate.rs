//! Client certificates of devices.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A client certificate that a device has shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceCertificate {
    /// SHA-256 of its public key (SPKI), hexadecimal. A renewal with the same key keeps it.
    pub id: String,
    pub subject: String,
    /// Hexadecimal.
    pub serial: String,
    pub not_after: Timestamp,
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// Since when the key is refused; absent: it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

/// The client certificates of a device, the last seen first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceCertificates {
    pub items: Vec<DeviceCertificate>,
}
