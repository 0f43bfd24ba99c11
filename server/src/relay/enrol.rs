//! `POST /api/v1/enrolments`: a key becomes a device.

use std::time::Duration;

use api::{Enrol, Enrolled, ProblemCode};
use axum::Json;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use http::StatusCode;
use http::request::Parts;
use tokio::time::timeout;
use tunnel::proof::Purpose;

use crate::http::ApiError;
use crate::state::AppState;

/// An install key and a name.
const MAX_BODY_BYTES: usize = 4096;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Enrol the device whose key `Authorization: Adit-Device` proves
///
/// Without `Authorization` the answer is a 401 with the nonce to sign. The same key again gets
/// the same device.
#[utoipa::path(
    post,
    path = "/api/v1/enrolments",
    tag = "devices",
    request_body = Enrol,
    responses(
        (status = 201, body = Enrolled),
        (status = 401, description = "Proof wanted, or not accepted", body = api::Problem),
        (status = 403, description = "The install key is not valid", body = api::Problem),
    )
)]
pub(super) async fn enrol(
    State(state): State<AppState>,
    request: Request,
) -> Result<(StatusCode, Json<Enrolled>), ApiError> {
    let relay = &state.relay.0;
    let (Parts { headers, .. }, body) = request.into_parts();
    // No browser belongs here, and none could sign.
    if headers.contains_key(http::header::ORIGIN) {
        return Err(ApiError::new(ProblemCode::CrossOrigin));
    }
    if relay.draining.is_cancelled() {
        return Err(ApiError::new(ProblemCode::Unavailable).retry_after(5));
    }
    let proven = relay.prover.check(Purpose::Enrolment, "", &headers)?;
    // Who proves nothing takes no place that a device could need.
    let _permit = relay
        .admission
        .enter()
        .await
        .ok_or_else(|| ApiError::new(ProblemCode::Busy).retry_after(5))?;
    // Only whoever proved a key may send a body at all.
    let body = timeout(BODY_TIMEOUT, to_bytes(body, MAX_BODY_BYTES))
        .await
        .map_err(|_| ApiError::new(ProblemCode::BadRequest).detail("The body did not come."))?
        .map_err(|_| ApiError::new(ProblemCode::TooLarge))?;
    let input: Enrol = serde_json::from_slice(&body)
        .map_err(|error| ApiError::new(ProblemCode::BadRequest).detail(error.to_string()))?;
    let enrolled = state.devices.enrol(proven.key, input).await?;
    Ok((StatusCode::CREATED, Json(enrolled)))
}
