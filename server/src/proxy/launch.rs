//! The manager's side of a hand-off: who is it, may they, did they mean to.

use api::{DeviceId, LaunchIntent, ProblemCode, ServiceKind, SignInId};
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Extension, Path, Query, State};
use http::{HeaderMap, Response, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::access::{Action, Decision, Principal, Via, decide};
use crate::accounts::Caller;
use crate::devices::WebService;
use crate::http::{ApiError, RequestId};
use crate::state::AppState;

use super::DeviceHost;
use super::failure::Failure;
use super::handoff::Launch;
use super::pages::{Trouble, Visit, trouble, visit};
use super::serve::redirect;

/// What a query component may hold as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// What a device's host adds.
#[derive(Deserialize)]
pub(super) struct Arrival {
    #[serde(default)]
    state: String,
    #[serde(default)]
    to: usize,
}

/// Says that the caller wants to open a service's page now: `/launch` does not ask again.
#[utoipa::path(
    post,
    path = "/api/v1/devices/{id}/services/{service}/launch",
    tag = "devices",
    params(("id" = String, Path), ("service" = String, Path)),
    responses(
        (status = 200, body = LaunchIntent),
        (status = 403, body = api::Problem, description = "Only a sign-in may launch."),
        (status = 404, body = api::Problem),
    )
)]
pub(super) async fn intend(
    State(state): State<AppState>,
    Caller(principal): Caller,
    Path((id, service)): Path<(String, String)>,
) -> Result<Json<LaunchIntent>, ApiError> {
    let sign_in = permitted(&principal)?;
    let not_found = || ApiError::new(ProblemCode::NotFound);
    let id: DeviceId = id.parse().map_err(|_| not_found())?;
    let device = state
        .devices
        .device(principal.scope(), id)
        .ok_or_else(not_found)?;
    let url = device
        .services
        .into_iter()
        .find(|known| known.name == service && known.kind == ServiceKind::Web)
        .and_then(|known| known.url)
        .ok_or_else(not_found)?;
    state.proxy.handoff().intend(sign_in, id, &service);
    Ok(Json(LaunchIntent { url }))
}

/// A visit arrives from a device's host.
pub(super) async fn arrive(
    State(state): State<AppState>,
    Path(host_label): Path<String>,
    Query(arrival): Query<Arrival>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
) -> Response<Body> {
    let answered = try_arrive(&state, &host_label, &arrival, &headers).await;
    answered.unwrap_or_else(|failure| refuse(&state, &failure, request_id))
}

async fn try_arrive(
    state: &AppState,
    host_label: &str,
    arrival: &Arrival,
    headers: &HeaderMap,
) -> Result<Response<Body>, Failure> {
    let Some(principal) = state.accounts.signed_in(headers).await? else {
        let back = format!(
            "/launch/{}?state={}&to={}",
            utf8_percent_encode(host_label, COMPONENT),
            utf8_percent_encode(&arrival.state, COMPONENT),
            arrival.to
        );
        let next = utf8_percent_encode(&back, COMPONENT);
        return Ok(redirect(&format!(
            "{}/sign-in?next={next}",
            state.proxy.origins().manager()
        ))?);
    };
    let sign_in = permitted(&principal)?;
    let host = state.proxy.origins().host(host_label);
    let service = service(state, &host, &principal)?;
    let page_origin = state.proxy.origins().page(&host.host);
    let handoff = state.proxy.handoff();
    let Some(launch) = handoff.launch(&host.host, &arrival.state, arrival.to) else {
        // It took longer than a state lives. From the start, then.
        return Ok(redirect(&format!("{page_origin}/"))?);
    };
    let device = service.device.id;
    if is_navigation(headers) && handoff.was_intended(sign_in, device, &service.service) {
        return enter(state, &principal, sign_in, &service, launch);
    }
    let ask = handoff.ask(sign_in, launch)?;
    Ok(visit(&Visit {
        device: &service.device.name,
        service: &service.service,
        host: &host.host,
        username: &principal.username,
        action: &format!("/launch/{host_label}"),
        ask: ask.reveal(),
        manager_origin: state.proxy.origins().manager(),
        page_origin: &page_origin,
    }))
}

/// The click-through page's button.
pub(super) async fn go_on(
    State(state): State<AppState>,
    Path(host_label): Path<String>,
    request_id: Option<Extension<RequestId>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let answered = try_go_on(&state, &host_label, &headers, &body).await;
    answered.unwrap_or_else(|failure| refuse(&state, &failure, request_id))
}

async fn try_go_on(
    state: &AppState,
    host_label: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response<Body>, Failure> {
    let is_own = match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers
            .get(header::ORIGIN)
            .is_some_and(|origin| origin == state.proxy.origins().manager()),
    };
    if !is_own {
        return Err(Failure::CrossOrigin);
    }
    let principal = state
        .accounts
        .signed_in(headers)
        .await?
        .ok_or(Failure::NotSignedIn)?;
    let sign_in = permitted(&principal)?;
    let host = state.proxy.origins().host(host_label);
    let service = service(state, &host, &principal)?;
    let ask = body
        .strip_prefix(b"ask=")
        .and_then(|ask| std::str::from_utf8(ask).ok());
    match ask.and_then(|ask| state.proxy.handoff().answered(ask, sign_in, &host.host)) {
        Some(launch) => enter(state, &principal, sign_in, &service, launch),
        // Left open too long, or pressed twice. From the start, then.
        None => Ok(redirect(&format!(
            "{}/",
            state.proxy.origins().page(&host.host)
        ))?),
    }
}

/// Sends the visit back to its host with a code in the fragment: no log and no `Referer` sees it.
fn enter(
    state: &AppState,
    principal: &Principal,
    sign_in: SignInId,
    service: &WebService,
    launch: Launch,
) -> Result<Response<Body>, Failure> {
    let page_origin = state.proxy.origins().page(&launch.host);
    let path = state
        .proxy
        .handoff()
        .mint(principal, sign_in, service.device.id, launch)?;
    Ok(redirect(&format!("{page_origin}{path}"))?)
}

/// Only a person's sign-in has children.
fn permitted(principal: &Principal) -> Result<SignInId, ApiError> {
    match (principal.via, decide(principal, Action::Connect)) {
        (Via::SignIn(sign_in), Decision::Allow) => Ok(sign_in),
        _ => Err(ApiError::new(ProblemCode::NotAllowed)),
    }
}

/// The service behind a host; the same answer for unknown and not the visitor's.
fn service(
    state: &AppState,
    host: &DeviceHost,
    principal: &Principal,
) -> Result<WebService, Failure> {
    state
        .devices
        .web_service(&host.label, host.service.as_deref())
        .filter(|found| found.device.organization == principal.organization)
        .ok_or(Failure::NotFound)
}

/// A frame or a prefetch uses up no intent.
fn is_navigation(headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|given| given == value);
    is("sec-fetch-mode", "navigate")
        && is("sec-fetch-dest", "document")
        && !headers.contains_key("sec-purpose")
}

fn refuse(
    state: &AppState,
    failure: &Failure,
    request_id: Option<Extension<RequestId>>,
) -> Response<Body> {
    failure.log();
    trouble(&Trouble {
        failure,
        subject: None,
        request_id: request_id.as_ref().map(|Extension(id)| id.0.as_str()),
        manager_origin: state.proxy.origins().manager(),
        may_retry: false,
    })
}
