//! Enrolment: a proven key and a valid install key make a device.

use api::{Enrol, Enrolled};
use zeroize::Zeroizing;

use crate::access::{Class, SecretHash};
use crate::http::ApiError;

use super::make::{NewDevice, checked_name};
use super::{DeviceIdentity, Devices, DevicesError, store};

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
        let name = checked_name(&input.name)?;
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
        let new = NewDevice {
            organization,
            name,
            wanted_label: None,
        };
        let identity = new.make(&mut write, |_| key, now).await?;
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
