//! Who may do what, and for how long: principals, decisions, leases, bearer secrets.

mod decide;
mod lease;
mod principal;
mod recheck;
mod records;
mod secret;

pub use decide::{Action, Decision, decide};
pub use lease::{Cause, Lease, Leases, Subject};
pub use principal::{Principal, Scope, Via};
pub use recheck::{Authority, end_by_time, recheck, watch};
pub use records::{Records, RecordsError};
pub use secret::{Class, Secret, SecretHash};
