//! Sessions: one access of one user to one service of a device, from open to close.
//!
//! ```text
//! GET …/stream ─► http (who, from where) ─► carry ─► relay::open under a lease
//!                                             └──── splice, until an end, a cut or the lease's end
//! ```

mod carry;
mod http;
mod kept;
mod refusal;
#[cfg(test)]
mod tap;
#[cfg(test)]
mod tests;

pub use http::routes;
pub use kept::Sessions;
