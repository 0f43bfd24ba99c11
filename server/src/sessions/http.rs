//! `GET /api/v1/devices/{id}/services/{service}/stream`.

use api::{DeviceId, ProblemCode};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use hyper::upgrade::OnUpgrade;
use tunnel::STREAM_PROTOCOL;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::access::Action;
use crate::accounts::Caller;
use crate::http::{ApiError, PathInput, Problems, RequestId, WebSocketOffer, check_ws_origin};
use crate::state::AppState;

use super::carry::Asked;

/// All of them.
pub fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(stream))
}

/// Open a stream to a service
///
/// WebSocket, sub-protocol `adit.stream.v1` (docs/protocol.md): the bytes of one connection to the
/// service, with flow control and half-close. What is known before the device is asked is told by
/// the HTTP answer; why the device refused, or why the stream was cut, by the code of a REJECT or
/// RESET frame. A browser is let in by its cookie and only from the manager's own origin; a
/// program by its token, whatever cookies it brings.
#[utoipa::path(
    get, path = "/api/v1/devices/{id}/services/{service}/stream", operation_id = "stream",
    tag = "devices",
    params(("id" = DeviceId, Path), ("service" = String, Path)),
    responses(
        (status = 101, description = "The stream begins"),
        (status = 426, description = "The sub-protocol spoken here", body = api::Problem),
        Problems,
    ),
)]
async fn stream(
    State(state): State<AppState>,
    caller: Result<Caller, crate::accounts::CallerRefused>,
    PathInput((device, service)): PathInput<(DeviceId, String)>,
    request: Request,
) -> Response {
    let answered = match (check_origin(&state, &request), caller) {
        (Err(error), _) => Err(error),
        (Ok(()), Err(refused)) => return refused.into_response(),
        (Ok(()), Ok(caller)) => accept(state, caller, device, service, request),
    };
    answered.unwrap_or_else(|error| {
        let names_protocol = error.code() == ProblemCode::UnsupportedProtocol;
        let mut response = error.into_response();
        if names_protocol {
            response.headers_mut().insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(STREAM_PROTOCOL),
            );
        }
        response
    })
}

/// Before anything else for what would open a stream. A plain GET opens none: by its answer a
/// browser, whose WebSockets tell no status, learns why.
fn check_origin(state: &AppState, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    if !headers.contains_key(header::UPGRADE) {
        return Ok(());
    }
    check_ws_origin(headers, state.config.public_url.as_str())
}

fn accept(
    state: AppState,
    caller: Caller,
    device: DeviceId,
    service: String,
    mut request: Request,
) -> Result<Response, ApiError> {
    let principal = caller.may(Action::Connect)?;
    let known = state.devices.device(principal.scope(), device);
    let offers =
        known.is_some_and(|known| known.services.iter().any(|known| known.name == service));
    if !offers {
        return Err(ApiError::new(ProblemCode::NotFound));
    }
    if state.lifecycle.soft().is_cancelled() {
        return Err(ApiError::new(ProblemCode::Unavailable).retry_after(5));
    }
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let request_id = request.extensions_mut().remove::<RequestId>();
    let answer = WebSocketOffer::of(request.headers(), STREAM_PROTOCOL)?.answer();
    let asked = Asked {
        principal,
        device,
        service,
        upgrade: upgrade.ok_or_else(|| ApiError::internal("the connection cannot be upgraded"))?,
        request_id: request_id.map(|id| id.0).unwrap_or_default(),
    };
    let lifecycle = state.lifecycle.clone();
    lifecycle.spawn("session", asked.serve(state));
    Ok(answer)
}
