//! A device's record, made in the transaction of whoever has found out that it may be.

use api::text::{NAME_MAX_CHARS, cleaned};
use api::{DeviceId, OrganizationId, Timestamp};
use sqlx::{Sqlite, Transaction};

use crate::db::new_id;

use super::label::{is_label, new_label};
use super::tunnels::search_text;
use super::{DeviceIdentity, DevicesError, store};

/// How often a free label is looked for. Each has 30 random bits, but for a wanted one.
const LABEL_TRIES: usize = 8;

/// A device that is to be.
pub(super) struct NewDevice<'a> {
    pub(super) organization: OrganizationId,
    /// As [`checked_name`] gave it.
    pub(super) name: String,
    /// Its label, if that can be one and no device ever had it. Without it nobody can guess the
    /// device's address.
    pub(super) wanted_label: Option<&'a str>,
}

/// A name as it is kept.
///
/// # Errors
/// Nothing is left of it.
pub(super) fn checked_name(name: &str) -> Result<String, DevicesError> {
    let name = cleaned(name, NAME_MAX_CHARS);
    if name.is_empty() {
        return Err(DevicesError::Invalid {
            field: "name",
            detail: "It must not be empty.",
        });
    }
    Ok(name)
}

impl NewDevice<'_> {
    /// Makes it, with the key that belongs to its id.
    ///
    /// # Errors
    /// When no label is free or the database fails.
    pub(super) async fn make(
        self,
        write: &mut Transaction<'static, Sqlite>,
        key: impl FnOnce(DeviceId) -> [u8; 32],
        now: Timestamp,
    ) -> Result<DeviceIdentity, DevicesError> {
        let identity = DeviceIdentity {
            id: DeviceId(new_id(now)),
            organization: self.organization,
            label: self.free_label(write, now).await?,
            name: self.name,
        };
        let search_text = search_text(&identity.name, &identity.label, "");
        let key = key(identity.id);
        store::insert_device(write, &identity, &key, &search_text, now).await?;
        Ok(identity)
    }

    async fn free_label(
        &self,
        write: &mut Transaction<'static, Sqlite>,
        now: Timestamp,
    ) -> Result<String, DevicesError> {
        let wanted = self.wanted_label.filter(|wanted| is_label(wanted));
        let like = self.wanted_label.unwrap_or(&self.name);
        let others = std::iter::repeat_with(|| new_label(like));
        let candidates = wanted.map(str::to_owned).into_iter().chain(others);
        for candidate in candidates.take(LABEL_TRIES) {
            if store::claim_label(write, &candidate, now).await? {
                return Ok(candidate);
            }
        }
        Err(DevicesError::NoLabel)
    }
}
