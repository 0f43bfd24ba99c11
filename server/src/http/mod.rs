//! The public port: accept loop, strict request rules, host routing, middleware, problems.

mod problem;

pub use problem::ApiError;
