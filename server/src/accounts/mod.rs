//! Users, sign-in, API tokens, and sign-ins at device origins.

mod api_tokens;
mod attempts;
mod caller;
mod cookies;
mod device_cache;
mod device_sign_ins;
mod error;
mod http;
mod passwords;
mod second_factor;
mod sign_ins;
mod store;
#[cfg(test)]
mod tests;
mod tools;
mod users;

use std::sync::{Arc, Mutex, RwLock};

use api::DeviceId;
use prometheus_client::registry::Registry;

use crate::access::{Leases, Principal};
use crate::clock::Clock;
use crate::db::Db;
use crate::metrics::{By, by};

use attempts::Attempts;
use device_cache::DeviceCache;
use tools::Tools;

pub use caller::{Caller, CallerRefused};
pub use cookies::{Presented, presented};
pub use error::AccountsError;
pub use http::routes;
pub(crate) use passwords::NO_PASSWORD;
pub use passwords::Passwords;
pub use second_factor::{SecondFactor, Verdict};
pub(crate) use users::{DEFAULT_ORGANIZATION, checked_username};

/// The manager's cookie.
pub const SIGN_IN_COOKIE: &str = "__Host-adit_session";
/// A device origin's cookie: opens that origin alone.
pub const DEVICE_COOKIE: &str = "__Host-adit_device";
/// The hand-off's cookie at a device origin.
pub const STATE_COOKIE: &str = "__Host-adit_state";

/// Accounts; cheap to clone.
#[derive(Clone)]
pub struct Accounts(Arc<Parts>);

struct Parts {
    db: Db,
    clock: Clock,
    leases: Leases,
    passwords: Passwords,
    attempts: Mutex<Attempts>,
    device_cache: Mutex<DeviceCache>,
    tools: Mutex<Tools>,
    second_factor: RwLock<Arc<dyn SecondFactor>>,
    /// Sign-ins that were refused, by why.
    failures: By<1>,
}

/// A device origin's sign-in, as its cookie proves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSignIn {
    pub principal: Principal,
    pub device: DeviceId,
}

impl Accounts {
    #[must_use]
    pub fn new(db: Db, clock: Clock, leases: Leases) -> Self {
        Self(Arc::new(Parts {
            db,
            clock,
            leases,
            passwords: Passwords::default(),
            attempts: Mutex::default(),
            device_cache: Mutex::default(),
            tools: Mutex::default(),
            second_factor: RwLock::new(Arc::new(second_factor::Nobody)),
            failures: by("reason", ["credentials", "too_many_attempts"]),
        }))
    }

    /// Shows what is counted here.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "sign_in_failures",
            "Sign-ins that were refused",
            self.0.failures.clone(),
        );
    }

    fn count_failure(&self, reason: &'static str) {
        self.0.failures.get_or_create(&[("reason", reason)]).inc();
    }
}
