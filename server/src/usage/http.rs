//! The route of the data meter.

use api::{DeviceId, DeviceUsage, ProblemCode, UsageQuery};
use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::KEPT_DAYS;
use crate::access::Action;
use crate::accounts::Caller;
use crate::http::{ApiError, PathInput, Problems, QueryInput};
use crate::state::AppState;

const DAYS: u32 = 30;

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(device_usage))
}

/// How much data a device used, day by day
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/usage", operation_id = "device_usage", tag = "devices",
    params(("id" = DeviceId, Path), UsageQuery),
    responses((status = OK, body = DeviceUsage), Problems),
)]
async fn device_usage(
    State(state): State<AppState>,
    caller: Caller,
    PathInput(id): PathInput<DeviceId>,
    QueryInput(query): QueryInput<UsageQuery>,
) -> Result<Json<DeviceUsage>, ApiError> {
    let scope = caller.may(Action::Read)?.scope();
    if state.devices.device(scope, id).is_none() {
        return Err(ApiError::new(ProblemCode::NotFound));
    }
    let days = query.days.unwrap_or(DAYS);
    if !(1..=KEPT_DAYS).contains(&days) {
        return Err(ApiError::invalid("days", "It must be from 1 to 400."));
    }
    let usage = state.usage.of_device(scope, id, days).await;
    usage.map(Json).map_err(ApiError::internal)
}
