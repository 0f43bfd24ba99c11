//! Device records, enrolment, services, presence.

mod enrol;
mod error;
#[cfg(test)]
mod fleet;
mod http;
mod index;
mod install_keys;
mod keyless;
mod label;
mod make;
mod model;
mod presence;
mod records;
mod report;
mod store;
#[cfg(test)]
mod tests;
mod tunnels;
mod upkeep;
mod urls;
mod write;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use api::{Device, DeviceId, DeviceState, OrganizationId, ServiceKind};

use crate::access::Scope;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::Db;
use crate::events::Events;
use crate::usage::Usage;

use index::Index;
use urls::Urls;

pub use error::DevicesError;
pub use http::routes;
pub use keyless::{Keyless, keyless};
pub(crate) use label::is_label;

/// Devices; cheap to clone.
#[derive(Clone)]
pub struct Devices(Arc<Parts>);

struct Parts {
    db: Db,
    clock: Clock,
    events: Events,
    usage: Usage,
    urls: Urls,
    index: RwLock<Index>,
    /// Devices whose row may differ from the index, since nobody waited for a write's end.
    stale: Mutex<HashSet<DeviceId>>,
    epoch: AtomicU64,
}

/// What the relay and the proxy need to know of a device; from the in-memory index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    pub id: DeviceId,
    pub organization: OrganizationId,
    pub label: String,
    pub name: String,
}

/// A web service of a device as the proxy sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebService {
    pub device: DeviceIdentity,
    pub service: String,
    pub kind: ServiceKind,
    /// Host and port on the device's side, for the `Host` header.
    pub authority: String,
    pub tls: bool,
}

impl Devices {
    /// Reads all devices into memory. Those seen shortly before the server last stopped are
    /// expected back for a while.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn load(
        db: Db,
        clock: Clock,
        events: Events,
        config: Arc<Config>,
        usage: Usage,
    ) -> Result<Self, DevicesError> {
        let records = store::load_all(db.reader()).await?;
        let index = upkeep::index_at_start(records, clock.now());
        Ok(Self(Arc::new(Parts {
            epoch: AtomicU64::new(u64::from(db.boot_number()) << 32),
            db,
            clock,
            events,
            usage,
            urls: Urls::new(&config),
            index: RwLock::new(index),
            stale: Mutex::default(),
        })))
    }

    /// The device of an Ed25519 public key. Memory only.
    #[must_use]
    pub fn by_key(&self, key: &[u8; 32]) -> Option<DeviceIdentity> {
        self.index()
            .by_key(key)
            .map(|entry| entry.record.identity())
    }

    /// The device of this id. Memory only.
    #[must_use]
    pub fn identity(&self, id: DeviceId) -> Option<DeviceIdentity> {
        self.index().get(id).map(|entry| entry.record.identity())
    }

    /// The device of this label, and the name of its service at a port, if it has one there. Memory
    /// only.
    #[must_use]
    pub fn at_port(&self, label: &str, port: u16) -> Option<(DeviceIdentity, Option<String>)> {
        let index = self.index();
        let record = &index.by_label(label)?.record;
        let service = record.services.iter().find(|service| service.port == port);
        let name = service.map(|service| service.name.clone());
        Some((record.identity(), name))
    }

    /// The web service of a device host: `label`, or `label--service`. Memory only; the same
    /// answer for unknown and deleted.
    #[must_use]
    pub fn web_service(&self, label: &str, service: Option<&str>) -> Option<WebService> {
        self.index().by_label(label)?.record.web_service(service)
    }

    /// A device as the API shows it, if it is in the scope. Memory only.
    #[must_use]
    pub fn device(&self, scope: Scope, id: DeviceId) -> Option<Device> {
        let now = self.0.clock.now();
        let index = self.index();
        let entry = index.get(id)?;
        (entry.record.organization == scope.organization()).then(|| entry.view(&self.0.urls, now))
    }

    /// The URL of a device's page. Configuration alone.
    #[must_use]
    pub fn page_of(&self, label: &str) -> String {
        self.0.urls.page(label, None)
    }

    /// Whether a device can be reached; `None`: there is none. Memory only.
    #[must_use]
    pub fn state(&self, id: DeviceId) -> Option<DeviceState> {
        let now = self.0.clock.now();
        Some(self.index().get(id)?.state(now))
    }

    /// Whether a device is kept out. Memory only.
    #[must_use]
    pub fn is_disabled(&self, id: DeviceId) -> bool {
        let index = self.index();
        index
            .get(id)
            .is_some_and(|entry| entry.record.disabled_at.is_some())
    }

    /// Whose device this is, from the database and not from memory: `None` when it is gone or
    /// disabled, also if nobody has told this process.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn owner(&self, id: DeviceId) -> Result<Option<OrganizationId>, DevicesError> {
        Ok(store::owner(self.0.db.reader(), id).await?)
    }

    /// The number of the next tunnel of a device: boot number << 32 | counter.
    #[must_use]
    pub fn next_epoch(&self) -> u64 {
        self.0.epoch.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn index(&self) -> RwLockReadGuard<'_, Index> {
        self.0.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn index_mut(&self) -> RwLockWriteGuard<'_, Index> {
        self.0.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
