//! Client certificates of devices: pinned at first use, revoked by record.
//!
//! A device that has shown a certificate is not let in without one, as long as certificates are
//! configured: whoever took its password or its key cannot go round by another name.

mod http;
mod store;

use std::sync::Arc;

use api::{DeviceCertificate, DeviceId, OrganizationId};

use crate::access::Scope;
use crate::clock::Clock;
use crate::db::Db;
use crate::devices::Devices;
use crate::http::ClientCertificate;

pub use self::http::{revoke, routes};

/// The records; cheap to clone.
#[derive(Clone)]
pub struct Certificates(Arc<Parts>);

struct Parts {
    db: Db,
    clock: Clock,
    devices: Devices,
    /// Whether there is a name at which certificates are shown.
    are_used: bool,
}

/// Why a device is not let in, or a certificate not revoked.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("the device has shown a certificate before, and must show it")]
    Missing,
    #[error("the certificate's authority is another organization's")]
    Foreign,
    #[error("the certificate names another device")]
    OtherDevice,
    #[error("the certificate is revoked")]
    Revoked,
    #[error("the device has another key; revoke its certificate first")]
    OtherKey,
    #[error("there is no such certificate")]
    NoSuchCertificate,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

impl Certificates {
    #[must_use]
    pub fn new(db: Db, clock: Clock, devices: Devices, are_used: bool) -> Self {
        Self(Arc::new(Parts {
            db,
            clock,
            devices,
            are_used,
        }))
    }

    /// Judges a device that has proven itself by what it showed in the TLS handshake, and pins the
    /// key that is its first. `certificate` names the device: that was compared.
    ///
    /// # Errors
    /// [`CertificateError`]
    pub async fn admit(
        &self,
        device: DeviceId,
        organization: OrganizationId,
        certificate: Option<&ClientCertificate>,
    ) -> Result<(), CertificateError> {
        let Some(certificate) = certificate else {
            let is_missing = self.0.are_used && store::has_any(self.0.db.reader(), device).await?;
            return if is_missing {
                Err(CertificateError::Missing)
            } else {
                Ok(())
            };
        };
        if certificate.organization != organization {
            return Err(CertificateError::Foreign);
        }
        let now = self.0.clock.now();
        // One writer at a time: two first uses cannot both be the first.
        let mut write = self.0.db.write().await?;
        for pin in store::pins(&mut write, device, &certificate.spki_sha256).await? {
            let is_this_key = pin.spki_sha256 == certificate.spki_sha256;
            if is_this_key && pin.device_id != device.0 {
                return Err(CertificateError::OtherDevice);
            }
            if is_this_key && pin.revoked_at.is_some() {
                return Err(CertificateError::Revoked);
            }
            let is_valid = pin.revoked_at.is_none() && pin.not_after > now.0;
            if !is_this_key && is_valid {
                return Err(CertificateError::OtherKey);
            }
        }
        store::see(&mut write, device, certificate, now).await?;
        write.commit().await?;
        self.0.devices.certificates_changed(device);
        Ok(())
    }

    /// What a device has shown, the last seen first.
    async fn of_device(
        &self,
        scope: Scope,
        device: DeviceId,
    ) -> Result<Vec<DeviceCertificate>, CertificateError> {
        Ok(store::of_device(self.0.db.reader(), scope, device).await?)
    }

    /// Refuses a key from now on. The device's tunnel is for the caller to cut.
    ///
    /// # Errors
    /// [`CertificateError::NoSuchCertificate`], or when the database fails.
    async fn revoke(
        &self,
        scope: Scope,
        device: DeviceId,
        spki_sha256: &[u8; 32],
    ) -> Result<(), CertificateError> {
        let now = self.0.clock.now();
        let mut write = self.0.db.write().await?;
        if !store::revoke(&mut write, scope, device, spki_sha256, now).await? {
            return Err(CertificateError::NoSuchCertificate);
        }
        write.commit().await?;
        self.0.devices.certificates_changed(device);
        tracing::info!(%device, "certificate of a device revoked");
        Ok(())
    }
}
