//! Install keys: who has one may enrol devices, so many and so long as it says.

use api::{CreateInstallKey, InstallKey, InstallKeyCreated, InstallKeyId};

use crate::access::{Class, Scope, Secret};
use crate::db::new_id;

use super::{Devices, DevicesError, store};

impl Devices {
    /// Makes an install key; also for the command line.
    ///
    /// # Errors
    /// When the input is not acceptable or the database fails.
    pub async fn create_install_key(
        &self,
        scope: Scope,
        input: CreateInstallKey,
    ) -> Result<InstallKeyCreated, DevicesError> {
        let invalid = |field, detail| Err(DevicesError::Invalid { field, detail });
        if let Some(detail) = api::text::name_fault(&input.name) {
            return invalid("name", detail);
        }
        if input.use_limit == Some(0) {
            return invalid("use_limit", "It must be at least 1.");
        }
        if input.expires_in_s == Some(0) {
            return invalid("expires_in_s", "It must be at least 1.");
        }
        let now = self.0.clock.now();
        let secret = Secret::generate(Class::InstallKey);
        let install_key = InstallKey {
            id: InstallKeyId(new_id(now)),
            name: input.name.trim().to_owned(),
            use_limit: input.use_limit,
            used: 0,
            created_at: now,
            expires_at: input
                .expires_in_s
                .map(|seconds| now.plus_seconds(i64::try_from(seconds).unwrap_or(i64::MAX))),
        };
        let mut write = self.0.db.write().await?;
        store::insert_install_key(&mut write, scope, &install_key, secret.hash()).await?;
        write.commit().await?;
        tracing::info!(install_key = %install_key.id, "install key made");
        Ok(InstallKeyCreated {
            install_key,
            secret: secret.reveal().to_owned(),
        })
    }

    /// All of them, newest first.
    pub(super) async fn install_keys(&self, scope: Scope) -> Result<Vec<InstallKey>, DevicesError> {
        Ok(store::install_keys(self.0.db.reader(), scope).await?)
    }

    /// Devices that it enrolled stay.
    pub(super) async fn delete_install_key(
        &self,
        scope: Scope,
        id: InstallKeyId,
    ) -> Result<(), DevicesError> {
        let mut write = self.0.db.write().await?;
        if !store::delete_install_key(&mut write, scope, id).await? {
            return Err(DevicesError::NoSuchInstallKey);
        }
        write.commit().await?;
        tracing::info!(install_key = %id, "install key deleted");
        Ok(())
    }
}
