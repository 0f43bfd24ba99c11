//! Who may do what, and for how long: principals, decisions, leases.

mod decide;
mod lease;
mod principal;

pub use decide::{Action, Decision, decide};
pub use lease::{Cause, Lease, Leases, Subject};
pub use principal::{Principal, Scope, Via};
