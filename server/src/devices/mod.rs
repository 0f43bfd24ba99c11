//! Device records, enrolment, services, presence.

use std::time::Duration;

use api::{DeviceId, Enrol, Enrolled, OrganizationId, ServiceKind};
use tunnel::wire::Info;

use crate::http::ApiError;

/// Devices; cheap to clone.
#[derive(Clone)]
pub struct Devices;

/// What the relay and the proxy need to know of a device; from the in-memory index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    pub id: DeviceId,
    pub organization: OrganizationId,
    pub label: String,
    pub name: String,
}

/// A web service of a device as the proxy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebService {
    pub device: DeviceIdentity,
    pub service: String,
    pub kind: ServiceKind,
    /// Host and port on the device's side, for the `Host` header.
    pub authority: String,
    pub tls: bool,
}

impl Devices {
    /// The device of an Ed25519 public key. Memory only.
    #[must_use]
    pub fn by_key(&self, _key: &[u8; 32]) -> Option<DeviceIdentity> {
        todo!()
    }

    /// Enrols the device whose key was proven. Idempotent by key.
    ///
    /// # Errors
    /// `install_key_invalid`, `invalid_field`.
    pub async fn enrol(&self, _key: [u8; 32], _input: Enrol) -> Result<Enrolled, ApiError> {
        todo!()
    }

    /// The web service of a device host: `label`, or `label--service`. Memory only; the same
    /// answer for unknown and deleted.
    #[must_use]
    pub fn web_service(&self, _label: &str, _service: Option<&str>) -> Option<WebService> {
        todo!()
    }

    /// The number of the next tunnel of a device: boot number << 32 | counter.
    #[must_use]
    pub fn next_epoch(&self) -> u64 {
        todo!()
    }

    /// A tunnel is up. Writes `info` only when its hash changed.
    pub async fn connected(&self, _device: DeviceId, _epoch: u64, _address: &str, _version: &str, _info: &Info) {
        todo!()
    }

    /// The round-trip time of a living tunnel.
    pub fn measured(&self, _device: DeviceId, _epoch: u64, _rtt: Duration) {
        todo!()
    }

    /// A tunnel has ended; ignored when a newer epoch is up.
    pub fn disconnected(&self, _device: DeviceId, _epoch: u64) {
        todo!()
    }
}
