//! The data meter: how many bytes went to and from which device, for whom and for what.
//!
//! The relay tells what it counted; here it is summed in memory by day, and written together with
//! the devices' presence, which is the one write every 30 s.

mod due;
mod http;
mod store;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU32};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{DeviceId, DeviceUsage, Purpose, Timestamp, Transfer, UsageDay, UserId, UserUsage};
use prometheus_client::registry::{Registry, Unit};

use crate::access::Scope;
use crate::clock::Clock;
use crate::db::Db;
use crate::metrics::By;

pub use due::Due;
pub use http::routes;

/// For so many days rows are kept.
pub const KEPT_DAYS: u32 = 400;

const DAY_US: i64 = 24 * 3600 * 1_000_000;

/// The meter; cheap to clone.
#[derive(Clone)]
pub struct Usage(Arc<Inner>);

struct Inner {
    db: Db,
    clock: Clock,
    /// What is not written yet. As many entries as devices with a tunnel, and as people who have
    /// something open there.
    pending: Mutex<HashMap<Key, Transfer>>,
    /// Whose turn it is to have what its tunnel alone used written.
    turn: AtomicU32,
    /// The day on which old rows were last deleted.
    swept_on: AtomicI64,
    bytes: By<2>,
}

/// What is summed apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    day: i64,
    device: DeviceId,
    user: Option<UserId>,
    purpose: Purpose,
}

impl Usage {
    /// A meter that has counted nothing.
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            pending: Mutex::default(),
            turn: AtomicU32::new(0),
            swept_on: AtomicI64::new(0),
            bytes: By::default(),
        }))
    }

    /// So much went just now.
    pub fn add(
        &self,
        device: DeviceId,
        user: Option<UserId>,
        purpose: Purpose,
        transfer: Transfer,
    ) {
        if transfer == Transfer::default() {
            return;
        }
        let key = Key {
            day: self.today(),
            device,
            user,
            purpose,
        };
        self.put(key, transfer);
        let word = store::purpose_text(purpose);
        for (direction, bytes) in [
            ("to_device", transfer.to_device_bytes),
            ("from_device", transfer.from_device_bytes),
        ] {
            let labels = [("direction", direction), ("purpose", word)];
            self.0.bytes.get_or_create(&labels).inc_by(bytes);
        }
    }

    /// What a device used on the last `days` days, today included; `None`: not of this scope.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_device(
        &self,
        scope: Scope,
        device: DeviceId,
        days: u32,
    ) -> sqlx::Result<DeviceUsage> {
        let today = self.today();
        let first = today - i64::from(days.max(1)) + 1;
        let mut list: Vec<UsageDay> = (first..=today)
            .map(|day| UsageDay {
                begins_at: Timestamp(day * DAY_US),
                ..UsageDay::default()
            })
            .collect();
        let mut count = |day: i64, purpose, transfer: Transfer| {
            let place = usize::try_from(day - first).ok();
            if let Some(day) = place.and_then(|place| list.get_mut(place)) {
                let sum = day.of_mut(purpose);
                *sum = sum.plus(transfer);
            }
        };
        let rows = store::of_device(self.0.db.reader(), scope, device, first, today).await?;
        for (day, purpose, transfer) in rows {
            count(day, purpose, transfer);
        }
        for (key, transfer) in self
            .pending()
            .iter()
            .filter(|(key, _)| key.device == device)
        {
            count(key.day, key.purpose, *transfer);
        }
        let users = self.users_of(scope, device, first, today).await?;
        Ok(DeviceUsage { days: list, users })
    }

    async fn users_of(
        &self,
        scope: Scope,
        device: DeviceId,
        first: i64,
        today: i64,
    ) -> sqlx::Result<Vec<UserUsage>> {
        let read = self.0.db.reader();
        let rows = store::users_of_device(read, scope, device, first, today).await?;
        let mut sums: HashMap<UserId, Transfer> = rows.into_iter().collect();
        for (key, transfer) in self.pending().iter() {
            let is_asked_for = key.device == device && (first..=today).contains(&key.day);
            if let Some(user) = key.user.filter(|_| is_asked_for) {
                let sum = sums.entry(user).or_default();
                *sum = sum.plus(*transfer);
            }
        }
        let mut users = Vec::with_capacity(sums.len());
        for (user_id, session) in sums {
            users.push(UserUsage {
                user_id,
                username: store::username(read, user_id).await?,
                session,
            });
        }
        users.sort_by_key(|user| (std::cmp::Reverse(user.session.sum_bytes()), user.user_id.0));
        Ok(users)
    }

    /// Shows what is counted here.
    pub fn register(&self, registry: &mut Registry) {
        registry.register_with_unit(
            "tunnel",
            "What tunnels carried; session and management: payload of streams, idle: the rest",
            Unit::Bytes,
            self.0.bytes.clone(),
        );
    }

    fn put(&self, key: Key, transfer: Transfer) {
        let mut pending = self.pending();
        let sum = pending.entry(key).or_default();
        *sum = sum.plus(transfer);
    }

    fn today(&self) -> i64 {
        self.0.clock.now().0.div_euclid(DAY_US)
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Key, Transfer>> {
        self.0
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
