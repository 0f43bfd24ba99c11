//! Devices without a key, which another part of the server knows by a secret.

use api::{DeviceId, OrganizationId};
use ring::digest::{SHA256, digest};
use sqlx::{Sqlite, Transaction};

use super::make::{NewDevice, checked_name};
use super::{DeviceIdentity, Devices, DevicesError};

/// A device that is about to be made.
pub struct Keyless {
    identity: DeviceIdentity,
    write: Transaction<'static, Sqlite>,
}

impl Devices {
    /// Begins to make a device that has no key. Its label is `wanted`, if that can be one and no
    /// device ever had it. For whoever has found out that it may be.
    ///
    /// # Errors
    /// When the name is empty or the database fails.
    pub async fn begin_keyless(
        &self,
        organization: OrganizationId,
        wanted: &str,
        name: &str,
    ) -> Result<Keyless, DevicesError> {
        let name = checked_name(name)?;
        let now = self.0.clock.now();
        let mut write = self.0.db.write().await?;
        let new = NewDevice {
            organization,
            name,
            wanted_label: Some(wanted),
        };
        let identity = new.make(&mut write, keyless, now).await?;
        Ok(Keyless { identity, write })
    }

    /// Makes such a device in somebody's transaction, without taking it into memory: for a command
    /// line that makes many, and is gone before anybody asks for one.
    ///
    /// # Errors
    /// When the name is empty or the database fails.
    pub(crate) async fn make_keyless(
        &self,
        write: &mut Transaction<'static, Sqlite>,
        organization: OrganizationId,
        wanted: &str,
        name: &str,
    ) -> Result<DeviceIdentity, DevicesError> {
        let new = NewDevice {
            organization,
            name: checked_name(name)?,
            wanted_label: Some(wanted),
        };
        new.make(write, keyless, self.0.clock.now()).await
    }

    /// Takes a device into memory that another process has made.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn adopt(&self, id: DeviceId) -> Result<(), DevicesError> {
        if self.index().get(id).is_none() {
            self.mark_stale(id);
            self.refresh_stale().await?;
        }
        Ok(())
    }
}

impl Keyless {
    #[must_use]
    pub const fn id(&self) -> DeviceId {
        self.identity.id
    }

    /// For what belongs to it and is written together with it.
    pub fn write(&mut self) -> &mut Transaction<'static, Sqlite> {
        &mut self.write
    }

    /// Makes it so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(self, devices: &Devices) -> Result<DeviceIdentity, DevicesError> {
        devices.commit(self.write, self.identity.id).await?;
        Ok(self.identity)
    }
}

/// Stands where others have their public key. Nobody has a private key to it, and it differs from
/// device to device.
#[must_use]
pub fn keyless(device: DeviceId) -> [u8; 32] {
    let text = [&b"adit-device-without-key"[..], device.0.as_bytes()].concat();
    let mut key = [0; 32];
    key.copy_from_slice(digest(&SHA256, &text).as_ref());
    key
}
