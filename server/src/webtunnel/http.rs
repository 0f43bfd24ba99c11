//! What agents report, for people and programs.

use api::{DeviceId, DeviceProperties, ProblemCode};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Action;
use crate::accounts::Caller;
use crate::http::{ApiError, PathInput, Problems};
use crate::state::AppState;

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(device_properties))
}

/// What the agent of a device reports
///
/// Of agents that speak WebTunnel; others report none.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/properties", operation_id = "device_properties",
    tag = "devices",
    params(("id" = DeviceId, Path)),
    responses((status = OK, body = DeviceProperties), Problems),
)]
async fn device_properties(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
) -> Result<Json<DeviceProperties>, ApiError> {
    let scope = caller.may(Action::Read)?.scope();
    if state.devices.device(scope, id).is_none() {
        return Err(ApiError::new(ProblemCode::NotFound));
    }
    let properties = state.webtunnel.properties(scope, id).await;
    let properties = properties.map_err(ApiError::internal)?;
    Ok(Json(DeviceProperties { properties }))
}
