//! A request at a device's host, from arrival to answer.

use axum::body::Body;
use axum::response::IntoResponse;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use tunnel::wire::Target;

use crate::access::{self, Action, Decision, Lease, decide};
use crate::accounts::{DEVICE_COOKIE, DeviceSignIn, STATE_COOKIE};
use crate::devices::WebService;
use crate::http::{ApiError, ConnectionGuard};
use crate::state::AppState;

use super::failure::{Failure, Subject};
use super::handoff::STATE_LIFE_S;
use super::pages::{Trouble, trouble};
use super::policy::Crossing;
use super::visitor::{Shown, Visitor};
use super::{DeviceHost, cookies, enter, exchange, websocket};

/// Ours at every device's host; nothing below it reaches a device.
const RESERVED: &str = "/.adit";

/// Answers a request at a device's host.
pub async fn serve(state: AppState, host: DeviceHost, request: Request<Body>) -> Response<Body> {
    let origins = state.proxy.origins();
    let visitor = Visitor::of(&request, |origin| origins.is_of_device(origin, &host.label));
    let method = request.method().clone();
    let answered = if is_reserved(request.uri().path()) {
        enter::answer(&state, &host, &visitor, request)
            .await
            .map_err(Refusal::from)
    } else {
        answer(&state, &host, &visitor, request).await
    };
    answered.unwrap_or_else(|refusal| refuse(&state, &visitor, &method, refusal))
}

fn is_reserved(path: &str) -> bool {
    path.strip_prefix(RESERVED)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A failure, and the device it is about if the visitor may know.
struct Refusal {
    failure: Failure,
    subject: Option<Box<Subject>>,
}

impl<F: Into<Failure>> From<F> for Refusal {
    fn from(failure: F) -> Self {
        Self {
            failure: failure.into(),
            subject: None,
        }
    }
}

async fn answer(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    request: Request<Body>,
) -> Result<Response<Body>, Refusal> {
    let Some(sign_in) = sign_in(state, host, visitor).await? else {
        return Ok(begin(state, host, visitor, &request)?);
    };
    if visitor.is_service_worker {
        return Err(Failure::ServiceWorker.into());
    }
    if visitor.is_foreign {
        return Err(Failure::CrossOrigin.into());
    }
    let service = service(state, host, &sign_in).ok_or(Failure::NotFound)?;
    let result = pass_on(state, host, visitor, &service, &sign_in, request).await;
    result.map_err(|failure| Refusal {
        failure,
        subject: Some(Box::new(Subject::of(state, &sign_in.principal, &service))),
    })
}

/// Who is signed in at this host.
async fn sign_in(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
) -> Result<Option<DeviceSignIn>, ApiError> {
    match visitor.device_cookie.as_deref() {
        Some(secret) => state.accounts.device_sign_in(secret, &host.host).await,
        None => Ok(None),
    }
}

/// The service behind the host, if the visitor's sign-in is for its device and still may.
fn service(state: &AppState, host: &DeviceHost, sign_in: &DeviceSignIn) -> Option<WebService> {
    let principal = &sign_in.principal;
    let found = state
        .devices
        .web_service(&host.label, host.service.as_deref())?;
    let is_right = found.device.id == sign_in.device
        && found.device.organization == principal.organization
        && decide(principal, Action::Connect) == Decision::Allow;
    is_right.then_some(found)
}

/// Begins a hand-off for a navigation; whether such a device exists, only the manager tells, and
/// only those who are signed in.
fn begin(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    request: &Request<Body>,
) -> Result<Response<Body>, Failure> {
    if !visitor.is_navigation {
        return Err(Failure::NotSignedIn);
    }
    let path = request
        .uri()
        .path_and_query()
        .map_or("/", |path| path.as_str());
    let cookie = visitor.state_cookie.as_deref();
    let begun = state
        .proxy
        .handoff()
        .begin(&host.host, visitor.peer, cookie, path)?;
    let url = format!(
        "{}/launch/{}?state={}&to={}",
        state.proxy.origins().manager(),
        host.host_label(),
        begun.state,
        begun.number
    );
    let mut response = redirect(&url)?;
    let headers = response.headers_mut();
    if !begun.is_known {
        headers.append(
            header::SET_COOKIE,
            cookies::set(STATE_COOKIE, &begun.state, STATE_LIFE_S)?,
        );
    }
    if visitor.device_cookie != Shown::Nothing {
        headers.append(header::SET_COOKIE, cookies::clear(DEVICE_COOKIE)?);
    }
    Ok(response)
}

/// A redirect that leaves no trace in caches and in `Referer`.
pub(super) fn redirect(url: &str) -> Result<Response<Body>, ApiError> {
    let mut location = HeaderValue::try_from(url).map_err(ApiError::internal)?;
    location.set_sensitive(true);
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    Ok(response)
}

/// Passes a request on to the device, under a lease.
async fn pass_on(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    service: &WebService,
    sign_in: &DeviceSignIn,
    request: Request<Body>,
) -> Result<Response<Body>, Failure> {
    let page_origin = state.proxy.origins().page(&host.host);
    let is_upgrade = websocket::is_wanted(request.headers());
    if is_upgrade {
        websocket::check(&request, &page_origin)?;
    }
    let lease = lease(state, host, visitor, service, sign_in).await?;
    if let Some(guard) = request.extensions().get::<ConnectionGuard>() {
        guard.cut_with(lease.token().clone());
    }
    let target = Target::Service(service.service.clone());
    let stream = state.relay.open(service.device.id, target, lease).await?;
    let crossing = Crossing {
        page_origin,
        authority: service.authority.clone(),
        tls: service.tls,
        peer: visitor.peer,
    };
    if is_upgrade {
        websocket::open(stream, request, &crossing, &state.lifecycle).await
    } else {
        exchange::exchange(stream, request, &crossing, &state.lifecycle).await
    }
}

/// A lease, and proof that the right to it did not end while it was issued: a sign-out between
/// the two would have found nothing to take back.
async fn lease(
    state: &AppState,
    host: &DeviceHost,
    visitor: &Visitor,
    service: &WebService,
    known: &DeviceSignIn,
) -> Result<Lease, Failure> {
    let subject = access::Subject::new(&known.principal, Some(service.device.id));
    let lease = state.leases.issue(subject);
    if sign_in(state, host, visitor).await?.as_ref() == Some(known) {
        Ok(lease)
    } else {
        Err(Failure::Revoked)
    }
}

/// A page for people, a problem for programs.
fn refuse(
    state: &AppState,
    visitor: &Visitor,
    method: &Method,
    refusal: Refusal,
) -> Response<Body> {
    if !visitor.wants_page {
        return ApiError::from(refusal.failure).into_response();
    }
    let page = trouble(&Trouble {
        failure: &refusal.failure,
        subject: refusal.subject.as_deref(),
        request_id: visitor.request_id.as_deref(),
        manager_origin: state.proxy.origins().manager(),
        may_retry: *method == Method::GET,
    });
    refusal.failure.log();
    page
}
