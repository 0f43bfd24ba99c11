//! Sign-ins at device origins: each opens one host of one device, and dies with its parent.

use std::sync::PoisonError;

use api::{DeviceId, SignInId};

use crate::access::{Cause, Class, Secret, SecretHash, Via};
use crate::db::new_id;
use crate::http::ApiError;

use super::device_cache::DeviceCache;
use super::sign_ins::Horizon;
use super::{Accounts, AccountsError, DeviceSignIn, store};

/// Of one sign-in at one host. The oldest go: a browser keeps only the newest cookie.
const AT_A_HOST_MAX: u32 = 8;

impl Accounts {
    /// A new sign-in for one device origin, child of the principal's sign-in: it dies with it.
    /// `host` is the device's host name; the secret goes into [`super::DEVICE_COOKIE`].
    ///
    /// # Errors
    /// [`ApiError`] when the parent has ended, has no right to the device, or the database fails.
    pub async fn create_device_sign_in(
        &self,
        parent: SignInId,
        device: DeviceId,
        host: &str,
    ) -> Result<String, ApiError> {
        Ok(self.try_create_device_sign_in(parent, device, host).await?)
    }

    async fn try_create_device_sign_in(
        &self,
        parent: SignInId,
        device: DeviceId,
        host: &str,
    ) -> Result<String, AccountsError> {
        let now = self.0.clock.now();
        let secret = Secret::generate(Class::DeviceSignIn);
        let mut write = self.0.db.write().await?;
        let new = store::NewDeviceSignIn {
            id: new_id(now),
            parent,
            device,
            host,
            hash: secret.hash(),
            created_at: now,
        };
        if !store::insert_device_sign_in(&mut write, &new, Horizon::at(now)).await? {
            return Err(AccountsError::Ended);
        }
        store::trim_device_sign_ins(&mut write, parent, host, AT_A_HOST_MAX).await?;
        write.commit().await?;
        Ok(secret.reveal().to_owned())
    }

    /// Whom a [`super::DEVICE_COOKIE`] secret belongs to, at exactly this host.
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn device_sign_in(
        &self,
        secret: &str,
        host: &str,
    ) -> Result<Option<DeviceSignIn>, ApiError> {
        Ok(self.find_device_sign_in(secret, host).await?)
    }

    async fn find_device_sign_in(
        &self,
        secret: &str,
        host: &str,
    ) -> Result<Option<DeviceSignIn>, AccountsError> {
        let Some(hash) = SecretHash::of(Class::DeviceSignIn, secret) else {
            return Ok(None);
        };
        let now = self.0.clock.now();
        let endings = {
            let cache = self.device_cache();
            if let Some(known) = cache.find(&hash, host, now) {
                return Ok(Some(known));
            }
            cache.endings()
        };
        let reader = self.0.db.reader();
        let found = store::device_sign_in(reader, hash, host, Horizon::at(now)).await?;
        let Some((sign_in, parent_last_used)) = found else {
            return Ok(None);
        };
        if let Via::SignIn(parent) = sign_in.principal.via {
            self.touch(parent, parent_last_used, now).await?;
        }
        self.device_cache()
            .keep(endings, hash, host, sign_in.clone(), now);
        Ok(Some(sign_in))
    }

    /// Ends every device sign-in of this sign-in at this host (a code came twice), and what is
    /// open on the device under it.
    ///
    /// # Errors
    /// [`ApiError`] when the database fails.
    pub async fn end_device_sign_ins(&self, parent: SignInId, host: &str) -> Result<(), ApiError> {
        let delete = async {
            let mut write = self.0.db.write().await?;
            let devices = store::delete_device_sign_ins(&mut write, parent, host).await?;
            write.commit().await?;
            Ok::<_, AccountsError>(devices)
        };
        let devices = delete.await;
        // Also when the database failed: then the cache must not know better than it.
        self.device_cache().forget_parent(parent);
        for device in devices? {
            self.0
                .leases
                .revoke(Cause::DeviceSignInEnded(parent, device));
        }
        Ok(())
    }

    /// A device is gone, and with it the rows of its sign-ins.
    pub fn forget_device(&self, device: DeviceId) {
        self.device_cache().forget_device(device);
    }

    pub(super) fn device_cache(&self) -> std::sync::MutexGuard<'_, DeviceCache> {
        self.0
            .device_cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
