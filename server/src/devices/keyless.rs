//! Devices without a key, which another part of the server knows by a secret.

use api::text::{NAME_MAX_CHARS, cleaned};
use api::{DeviceId, OrganizationId};
use ring::digest::{SHA256, digest};
use sqlx::{Sqlite, Transaction};

use crate::db::new_id;

use super::label::{is_label, new_label};
use super::tunnels::search_text;
use super::{DeviceIdentity, Devices, DevicesError, store};

/// Looking for a free label: each has 30 random bits, but for the first.
const LABEL_TRIES: usize = 8;

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
        let name = cleaned(name, NAME_MAX_CHARS);
        if name.is_empty() {
            return Err(DevicesError::Invalid {
                field: "name",
                detail: "It must not be empty.",
            });
        }
        let now = self.0.clock.now();
        let mut write = self.0.db.write().await?;
        let mut label = None;
        let first = is_label(wanted).then(|| wanted.to_owned());
        for candidate in first
            .into_iter()
            .chain(std::iter::repeat_with(|| new_label(wanted)))
            .take(LABEL_TRIES)
        {
            if store::claim_label(&mut write, &candidate, now).await? {
                label = Some(candidate);
                break;
            }
        }
        let identity = DeviceIdentity {
            id: DeviceId(new_id(now)),
            organization,
            label: label.ok_or(DevicesError::NoLabel)?,
            name,
        };
        let search_text = search_text(&identity.name, &identity.label, "");
        let key = keyless(identity.id);
        store::insert_device(&mut write, &identity, &key, &search_text, now).await?;
        Ok(Keyless { identity, write })
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
