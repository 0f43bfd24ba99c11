//! `/.adit/auth` at a device's host: a code becomes this host's cookie.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::response::IntoResponse;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use serde::{Deserialize, Serialize};

use api::ProblemCode;

use crate::accounts::{DEVICE_COOKIE, STATE_COOKIE};
use crate::http::ApiError;
use crate::state::AppState;

use super::failure::Failure;
use super::handoff::{Claim, Grant, Redeemed};
use super::visitor::Visitor;
use super::{DeviceHost, cookies, pages};

const AUTH: &str = "/.adit/auth";
const MAX_BODY_BYTES: usize = 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// What the page sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Enter {
    state: String,
    code: String,
}

/// Where it goes on.
#[derive(Serialize)]
struct Entered {
    location: String,
}

/// Answers a request below `/.adit`.
pub(super) async fn answer(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    if request.uri().path() != AUTH {
        return Err(Failure::NotFound);
    }
    match *request.method() {
        Method::GET => Ok(pages::enter()),
        Method::POST => enter(state, host, visitor, request).await,
        _ => Err(ApiError::new(ProblemCode::MethodNotAllowed).into()),
    }
}

async fn enter(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    check(request.headers(), &state.proxy.origins().page(&host.host))?;
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(request.into_body(), MAX_BODY_BYTES))
        .await
        .map_err(|_| ApiError::new(ProblemCode::BadRequest))?
        .map_err(|_| ApiError::new(ProblemCode::TooLarge))?;
    let input: Enter = serde_json::from_slice(&body)
        .map_err(|_| ApiError::new(ProblemCode::BadRequest).detail("Send state and code."))?;
    let signed_in = match visitor.device_cookie.as_deref() {
        Some(secret) => state.accounts.device_sign_in(secret, &host.host).await?,
        None => None,
    };
    let claim = Claim {
        host: &host.host,
        state: &input.state,
        code: &input.code,
        cookie: visitor.state_cookie.as_deref(),
        signed_in: signed_in.as_ref().map(|known| known.principal.user),
    };
    match state.proxy.handoff().redeem(&claim) {
        Redeemed::Granted(grant) => admit(state, grant).await,
        Redeemed::Replayed(grant) => {
            tracing::warn!(
                event = "code_replayed",
                user = %grant.user,
                sign_in = %grant.sign_in,
                device = %grant.device,
                host = grant.host,
                peer = %visitor.peer,
                "a launch code came twice: its device sign-ins end",
            );
            state
                .accounts
                .end_device_sign_ins(grant.sign_in, &grant.host)
                .await?;
            Err(refused())
        }
        Redeemed::Refused => Err(refused()),
    }
}

fn refused() -> Failure {
    ApiError::new(ProblemCode::NotAllowed)
        .detail("The code is unknown, was used or has run out. Open the page again.")
        .into()
}

/// Sets the host's cookie and tells the way.
async fn admit(state: &AppState, grant: Grant) -> Result<Response<Body>, Failure> {
    let secret = state
        .accounts
        .create_device_sign_in(grant.sign_in, grant.device, &grant.host)
        .await?;
    if state.proxy.handoff().was_replayed(&grant) {
        // While the record was written: what ended the others did not see this one yet.
        state
            .accounts
            .end_device_sign_ins(grant.sign_in, &grant.host)
            .await?;
    }
    tracing::info!(
        event = "device_page_opened",
        user = %grant.user,
        device = %grant.device,
        host = grant.host,
        "signed in at a device's host",
    );
    let mut response = axum::Json(Entered {
        location: grant.path,
    })
    .into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(
        header::SET_COOKIE,
        cookies::set_for_session(DEVICE_COOKIE, &secret)?,
    );
    headers.append(header::SET_COOKIE, cookies::clear(STATE_COOKIE)?);
    Ok(response)
}

/// Only the page itself may send this, and nothing that a form could.
fn check(headers: &HeaderMap, page_origin: &str) -> Result<(), Failure> {
    let is_own = match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => headers
            .get(header::ORIGIN)
            .is_some_and(|origin| origin == page_origin),
    };
    if !is_own {
        return Err(Failure::CrossOrigin);
    }
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"application/json"));
    if is_json {
        Ok(())
    } else {
        Err(ApiError::new(ProblemCode::UnsupportedMediaType).into())
    }
}
