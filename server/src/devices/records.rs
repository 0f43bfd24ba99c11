//! Listing, renaming, deleting devices; what people give their services.

use api::text::name_fault;
use api::{Device, DeviceId, DeviceQuery, Page, UpdateDevice, UpdateService};
use data_encoding::BASE64URL_NOPAD;
use uuid::Uuid;

use crate::access::Scope;

use super::tunnels::search_text;
use super::{Devices, DevicesError, store};

const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 200;
const SEARCH_MAX_CHARS: usize = 100;

/// Where in the list a page begins: after this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    pub(super) name_key: String,
    pub(super) id: Uuid,
}

impl Cursor {
    /// Before every device: none has an empty name.
    const fn start() -> Self {
        Self {
            name_key: String::new(),
            id: Uuid::nil(),
        }
    }

    fn encode(&self) -> String {
        let mut bytes = self.id.as_bytes().to_vec();
        bytes.extend_from_slice(self.name_key.as_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let (id, name_key) = bytes.split_first_chunk::<16>()?;
        let name_key = std::str::from_utf8(name_key).ok()?.to_owned();
        Some(Self {
            name_key,
            id: Uuid::from_bytes(*id),
        })
    }
}

impl Devices {
    /// One page of devices, in the order of name and id.
    ///
    /// # Errors
    /// When the query is not acceptable or the database fails.
    pub async fn list(
        &self,
        scope: Scope,
        query: DeviceQuery,
    ) -> Result<Page<Device>, DevicesError> {
        let invalid = |field, detail| DevicesError::Invalid { field, detail };
        let limit = query.limit.unwrap_or(LIMIT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(invalid("limit", "It must be from 1 to 200."));
        }
        let after = match query.cursor.as_deref() {
            None => Cursor::start(),
            Some(cursor) => Cursor::decode(cursor)
                .ok_or_else(|| invalid("cursor", "It is not one of this list's."))?,
        };
        let search = query.search.unwrap_or_default();
        if search.chars().count() > SEARCH_MAX_CHARS {
            return Err(invalid("search", "It may have 100 characters at most."));
        }
        let pattern = like_pattern(search.trim());

        // One more than asked for tells whether there is a next page.
        let reader = self.0.db.reader();
        let mut places = store::list(reader, scope, &pattern, &after, limit + 1).await?;
        let total = store::count(reader, scope, &pattern).await?;
        let has_more = places.len() > limit as usize;
        places.truncate(limit as usize);
        let next_cursor = if has_more {
            places.last().map(Cursor::encode)
        } else {
            None
        };
        // A device that was deleted in this moment is left out.
        let items = places
            .iter()
            .filter_map(|place| self.device(scope, DeviceId(place.id)))
            .collect();
        Ok(Page {
            items,
            next_cursor,
            total,
        })
    }

    /// Changes what people may change of a device.
    ///
    /// # Errors
    /// When there is none in the scope, the input is not acceptable or the database fails.
    pub async fn update(
        &self,
        scope: Scope,
        id: DeviceId,
        input: UpdateDevice,
    ) -> Result<Device, DevicesError> {
        let missing = || DevicesError::NoSuchDevice;
        let UpdateDevice { name, disabled } = input;
        let known = self.device(scope, id).ok_or_else(missing)?;
        if name.is_none() && disabled.is_none() {
            return Ok(known);
        }
        if let Some(detail) = name.as_deref().and_then(name_fault) {
            return Err(DevicesError::Invalid {
                field: "name",
                detail,
            });
        }
        let mut write = self.0.db.write().await?;
        if let Some(name) = name.as_deref().map(str::trim) {
            let (label, host_name) = store::searched(&mut write, scope, id)
                .await?
                .ok_or_else(missing)?;
            let search_text = search_text(name, &label, &host_name);
            store::rename(&mut write, scope, id, name, &search_text).await?;
        }
        if let Some(disabled) = disabled {
            let disabled_at = disabled.then(|| self.0.clock.now());
            if !store::disable(&mut write, scope, id, disabled_at).await? {
                return Err(missing());
            }
        }
        self.commit(write, id).await?;
        if let Some(disabled) = disabled {
            tracing::info!(device = %id, disabled, "device disabled or enabled");
        }
        self.device(scope, id).ok_or_else(missing)
    }

    /// Deletes a device. Its label stays taken.
    pub(super) async fn delete(&self, scope: Scope, id: DeviceId) -> Result<(), DevicesError> {
        let mut write = self.0.db.write().await?;
        if !store::delete(&mut write, scope, id).await? {
            return Err(DevicesError::NoSuchDevice);
        }
        self.commit_deletion(write, scope.organization(), id)
            .await?;
        tracing::info!(device = %id, "device deleted");
        Ok(())
    }

    pub(super) async fn update_service(
        &self,
        scope: Scope,
        id: DeviceId,
        service: &str,
        input: UpdateService,
    ) -> Result<Device, DevicesError> {
        let title = input.title.as_deref().map(str::trim);
        if let Some(detail) = title.filter(|title| !title.is_empty()).and_then(name_fault) {
            return Err(DevicesError::Invalid {
                field: "title",
                detail,
            });
        }
        let mut write = self.0.db.write().await?;
        if !store::update_service(&mut write, scope, id, service, title, &input).await? {
            return Err(DevicesError::NoSuchService);
        }
        self.commit(write, id).await?;
        self.device(scope, id).ok_or(DevicesError::NoSuchDevice)
    }
}

/// A LIKE pattern for texts that hold `search`, with `\` as its escape.
fn like_pattern(search: &str) -> String {
    let mut pattern = String::from("%");
    for character in search.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wildcards_are_searched_for_as_they_stand() {
        assert_eq!(like_pattern("5%_A\\"), "%5\\%\\_a\\\\%");
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was(name_key in any::<String>(), id in any::<u128>()) {
            let cursor = Cursor { name_key, id: Uuid::from_u128(id) };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn any_text_is_a_cursor_or_refused(text in any::<String>()) {
            let _ = Cursor::decode(&text);
        }
    }
}
