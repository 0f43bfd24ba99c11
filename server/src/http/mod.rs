//! The public port: accept loop, strict request rules, host routing, middleware, problems.

mod input;
mod problem;
mod problems;

use std::net::SocketAddr;

use tokio_util::sync::CancellationToken;

pub use input::{JsonInput, PathInput, QueryInput};
pub use problem::ApiError;
pub use problems::{ProblemSchemas, Problems};

/// Where a request comes from; a request extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// The front connection that a request came on; a request extension.
#[derive(Clone, Debug, Default)]
pub struct ConnectionGuard;

impl ConnectionGuard {
    /// Ends the whole connection when `token` is cancelled.
    pub fn cut_with(&self, _token: CancellationToken) {}
}
