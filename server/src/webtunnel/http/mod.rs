//! The API of agents that speak WebTunnel: what they report, their devices, domains and secrets.

mod devices;
mod domains;

use api::ProblemCode;
use utoipa_axum::router::OpenApiRouter;

use crate::http::ApiError;
use crate::state::AppState;

use super::WebTunnelError;

/// All of it.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(devices::routes())
        .merge(domains::routes())
}

impl From<WebTunnelError> for ApiError {
    fn from(error: WebTunnelError) -> Self {
        use WebTunnelError as E;
        match error {
            E::Invalid { field, detail } => Self::invalid(field, detail),
            E::Exists => Self::new(ProblemCode::Conflict)
                .detail("The domain has a device with this id already."),
            E::ForeignDomain => Self::new(ProblemCode::Conflict)
                .detail("This domain belongs to another organization."),
            E::DomainInUse => {
                Self::new(ProblemCode::Conflict).detail("The domain still has devices.")
            }
            E::NoSuchDomain | E::NoSuchAgent => Self::new(ProblemCode::NotFound),
            E::Password(error) => error.into(),
            E::Devices(error) => error.into(),
            error @ (E::Database(_) | E::Record(_)) => Self::internal(error),
        }
    }
}

#[cfg(test)]
mod tests;
