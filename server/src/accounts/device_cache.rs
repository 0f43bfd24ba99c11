//! Device sign-ins seen a moment ago: every request to a device's page asks for one, and most of
//! them need not ask the database.

use std::collections::HashMap;

use api::{DeviceId, SignInId, Timestamp};

use crate::access::{SecretHash, Via};

use super::DeviceSignIn;

const ENTRIES_MAX: usize = 10_000;
/// What another process does to the database is seen after this.
const FRESH_FOR_S: i64 = 10;

/// The cache. Whoever ends a sign-in tells it; it also forgets by itself.
#[derive(Default)]
pub(super) struct DeviceCache {
    entries: HashMap<SecretHash, Entry>,
    /// How many times something was ended: an answer that the database gave before must not be
    /// kept after.
    endings: u64,
}

struct Entry {
    host: String,
    sign_in: DeviceSignIn,
    seen: Timestamp,
}

impl DeviceCache {
    pub(super) fn find(
        &self,
        hash: &SecretHash,
        host: &str,
        now: Timestamp,
    ) -> Option<DeviceSignIn> {
        let entry = self.entries.get(hash)?;
        let fresh = (0..FRESH_FOR_S).contains(&now.seconds_since(entry.seen));
        (fresh && entry.host == host).then(|| entry.sign_in.clone())
    }

    /// Ask before the database is asked, and give to [`DeviceCache::keep`].
    pub(super) const fn endings(&self) -> u64 {
        self.endings
    }

    pub(super) fn keep(
        &mut self,
        endings: u64,
        hash: SecretHash,
        host: &str,
        sign_in: DeviceSignIn,
        now: Timestamp,
    ) {
        if endings != self.endings {
            return;
        }
        if self.entries.len() >= ENTRIES_MAX {
            self.entries
                .retain(|_, entry| now.seconds_since(entry.seen) < FRESH_FOR_S);
        }
        if self.entries.len() < ENTRIES_MAX {
            self.entries.insert(
                hash,
                Entry {
                    host: host.to_owned(),
                    sign_in,
                    seen: now,
                },
            );
        }
    }

    pub(super) fn forget_parent(&mut self, parent: SignInId) {
        self.endings += 1;
        self.entries
            .retain(|_, entry| entry.sign_in.principal.via != Via::SignIn(parent));
    }

    pub(super) fn forget_device(&mut self, device: DeviceId) {
        self.endings += 1;
        self.entries
            .retain(|_, entry| entry.sign_in.device != device);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Class, Principal, Secret};
    use api::{OrganizationId, UserId};
    use uuid::Uuid;

    fn sign_in() -> DeviceSignIn {
        DeviceSignIn {
            principal: Principal {
                user: UserId(Uuid::nil()),
                username: "ada".into(),
                organization: OrganizationId(Uuid::nil()),
                via: Via::SignIn(SignInId(Uuid::nil())),
            },
            device: DeviceId(Uuid::nil()),
        }
    }

    #[test]
    fn s34_what_was_read_before_an_ending_is_not_kept_after_it() {
        let mut cache = DeviceCache::default();
        let hash = Secret::generate(Class::DeviceSignIn).hash();
        let now = Timestamp(0);
        let before = cache.endings();
        cache.forget_parent(SignInId(Uuid::nil()));
        cache.keep(before, hash, "h", sign_in(), now);
        assert_eq!(cache.find(&hash, "h", now), None);

        cache.keep(cache.endings(), hash, "h", sign_in(), now);
        assert_eq!(cache.find(&hash, "h", now), Some(sign_in()));
        assert_eq!(cache.find(&hash, "other", now), None);
        assert_eq!(cache.find(&hash, "h", now.plus_seconds(FRESH_FOR_S)), None);
        cache.forget_device(DeviceId(Uuid::nil()));
        assert_eq!(cache.find(&hash, "h", now), None);
    }
}
