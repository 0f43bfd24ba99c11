//! Enrolment: a proven key and a valid install key make a device.

use api::text::{NAME_MAX_CHARS, cleaned};
use api::{DeviceId, Enrol, Enrolled};
use zeroize::Zeroizing;

use crate::access::{Class, SecretHash};
use crate::db::new_id;
use crate::http::ApiError;

use super::label::new_label;
use super::tunnels::search_text;
use super::{DeviceIdentity, Devices, DevicesError, store};

/// How often a free label is looked for. Each has 30 random bits.
const LABEL_TRIES: usize = 8;

impl Devices {
    /// Enrols the device whose key was proven. Idempotent by key: one that is enrolled gets the
    /// same answer again, and uses nothing up.
    ///
    /// # Errors
    /// `install_key_invalid`, `invalid_field`.
    pub async fn enrol(&self, key: [u8; 32], input: Enrol) -> Result<Enrolled, ApiError> {
        Ok(self.try_enrol(key, input).await?)
    }

    async fn try_enrol(&self, key: [u8; 32], input: Enrol) -> Result<Enrolled, DevicesError> {
        let secret = Zeroizing::new(input.install_key);
        if let Some(known) = self.by_key(&key) {
            return Ok(enrolled(known));
        }
        let name = cleaned(&input.name, NAME_MAX_CHARS);
        if name.is_empty() {
            return Err(DevicesError::Invalid {
                field: "name",
                detail: "It must not be empty.",
            });
        }
        let hash =
            SecretHash::of(Class::InstallKey, &secret).ok_or(DevicesError::InstallKeyInvalid)?;

        let now = self.0.clock.now();
        let mut write = self.0.db.write().await?;
        // Again, where no other enrolment can come in between.
        if let Some(id) = store::device_of_key(&mut write, &key).await? {
            self.commit(write, id).await?;
            return self
                .by_key(&key)
                .map(enrolled)
                .ok_or(DevicesError::NoSuchDevice);
        }
        let (install_key, organization) = store::use_install_key(&mut write, hash, now)
            .await?
            .ok_or(DevicesError::InstallKeyInvalid)?;
        let mut label = None;
        for _ in 0..LABEL_TRIES {
            let candidate = new_label(&name);
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
        store::insert_device(&mut write, &identity, &key, &search_text, now).await?;
        self.commit(write, identity.id).await?;
        tracing::info!(device = %identity.id, %install_key, label = identity.label, "enrolled");
        Ok(enrolled(identity))
    }
}

fn enrolled(identity: DeviceIdentity) -> Enrolled {
    Enrolled {
        device_id: identity.id,
        name: identity.name,
        label: identity.label,
    }
}
