//! What the gateway and scripts ask at the device domain, below `/my-devices/`.
//!
//! | `GET` | answer |
//! |---|---|
//! | `health.json` | the process runs; for everybody |
//! | `api/domains/{uuid}` | 200 where the caller's organization has this domain, else 404 |
//! | `api/users/{name}/attributes/domain` | a JSON string: the caller's own domain |
//! | `api/devices?cursor=…` | `{"items": [{"id", "name", "online", "url"}], "next_cursor"}` |

use std::net::IpAddr;

use ::http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use api::{Device, DeviceQuery, DeviceState, ProblemCode};
use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::access::{Action, Decision, Principal, decide};
use crate::http::ApiError;
use crate::state::AppState;

use super::client::{authenticate, peer_of};
use super::phrase::Phrase;
use super::store;
use super::token::{self, TOKEN_PATH};

/// Ours at the device domain.
pub const GATEWAY_PATHS: &str = "/my-devices/";

/// A device as scripts see it.
#[derive(Serialize)]
struct Listed {
    /// What stands before the device domain in its host name.
    id: String,
    name: String,
    online: bool,
    /// Of its page; also what tools are given.
    url: String,
}

#[derive(Serialize)]
struct List {
    items: Vec<Listed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Answers a request below [`GATEWAY_PATHS`].
pub(super) async fn serve(state: AppState, request: Request<Body>) -> Response {
    let path = request.uri().path().to_owned();
    if path == TOKEN_PATH {
        return token::serve(state, request).await;
    }
    let path = path.strip_prefix(GATEWAY_PATHS).unwrap_or_default();
    let answered = if !matches!(*request.method(), Method::GET | Method::HEAD) {
        Err(ApiError::new(ProblemCode::MethodNotAllowed).into_response())
    } else if path == "health.json" {
        Ok(Json(json!({ "status": "ok" })).into_response())
    } else if let Some(asked) = Asked::of(path) {
        let from = (request.headers(), peer_of(&request));
        answer(&state, asked, from, request.uri()).await
    } else {
        Err(not_found())
    };
    let mut response = answered.unwrap_or_else(|refused| refused);
    let no_store = HeaderValue::from_static("no-store");
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, no_store);
    response
}

/// What only those are told who show who they are.
enum Asked {
    /// `None`: what is asked for is no domain's id.
    Domain(Option<Uuid>),
    DomainOf(String),
    Devices,
}

impl Asked {
    fn of(path: &str) -> Option<Self> {
        let path = path.strip_prefix("api/")?;
        if path == "devices" {
            return Some(Self::Devices);
        }
        let is_segment = |segment: &&str| !segment.is_empty() && !segment.contains('/');
        if let Some(domain) = path.strip_prefix("domains/").filter(is_segment) {
            return Some(Self::Domain(domain.parse().ok()));
        }
        let name = path.strip_prefix("users/")?;
        let name = name.strip_suffix("/attributes/domain").filter(is_segment)?;
        let name = percent_decode_str(name).decode_utf8().ok()?;
        Some(Self::DomainOf(name.into_owned()))
    }
}

async fn answer(
    state: &AppState,
    asked: Asked,
    (headers, peer): (&HeaderMap, IpAddr),
    uri: &Uri,
) -> Result<Response, Response> {
    if headers.contains_key(header::ORIGIN) {
        return Err(Phrase::Browser.answer());
    }
    let principal = authenticate(state, headers, &header::AUTHORIZATION, peer).await;
    let principal = principal.map_err(Phrase::answer)?;
    if decide(&principal, Action::Read) != Decision::Allow {
        return Err(ApiError::new(ProblemCode::NotAllowed).into_response());
    }
    match asked {
        Asked::Domain(domain) => {
            let domain = domain.ok_or_else(not_found)?;
            let has_access = has_domain(state, &principal, domain).await?;
            let answer = || Json(json!({ "id": domain })).into_response();
            has_access.then(answer).ok_or_else(not_found)
        }
        // Of others it is not even told whether they exist.
        Asked::DomainOf(name) if !is_self(&principal, &name) => Err(not_found()),
        Asked::DomainOf(_) => {
            let reader = state.db.reader();
            let domain = store::first_domain(reader, principal.organization).await;
            let domain = domain.map_err(failed)?;
            Ok(Json(domain.unwrap_or(principal.organization.0)).into_response())
        }
        Asked::Devices => devices(state, &principal, uri).await,
    }
}

/// Whether the domain is the organization's.
async fn has_domain(
    state: &AppState,
    principal: &Principal,
    domain: Uuid,
) -> Result<bool, Response> {
    let owner = store::domain_owner(state.db.reader(), domain).await;
    Ok(owner.map_err(failed)? == Some(principal.organization))
}

async fn devices(state: &AppState, principal: &Principal, uri: &Uri) -> Result<Response, Response> {
    let query = uri.query().unwrap_or_default();
    let cursor = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "cursor")
        .map(|(_, cursor)| cursor.into_owned());
    let query = DeviceQuery {
        cursor,
        limit: Some(200),
        ..DeviceQuery::default()
    };
    let page = state.devices.list(principal.scope(), query).await;
    let page = page.map_err(|error| ApiError::from(error).into_response())?;
    let listed = |device: Device| Listed {
        online: device.state == DeviceState::Online,
        url: state.devices.page_of(&device.label),
        id: device.label,
        name: device.name,
    };
    let list = List {
        items: page.items.into_iter().map(listed).collect(),
        next_cursor: page.next_cursor,
    };
    Ok(Json(list).into_response())
}

fn is_self(principal: &Principal, name: &str) -> bool {
    name.trim().to_lowercase() == principal.username
}

fn not_found() -> Response {
    ApiError::new(ProblemCode::NotFound).into_response()
}

fn failed(error: sqlx::Error) -> Response {
    ApiError::internal(error).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let domain = Uuid::from_u128(7);
        let of = |path: &str| match Asked::of(path) {
            None => "none".to_owned(),
            Some(Asked::Devices) => "devices".to_owned(),
            Some(Asked::Domain(domain)) => format!("domain {domain:?}"),
            Some(Asked::DomainOf(name)) => format!("user {name}"),
        };
        assert_eq!(of("api/devices"), "devices");
        assert_eq!(
            of(&format!("api/domains/{domain}")),
            format!("domain Some({domain})")
        );
        assert_eq!(of("api/domains/home"), "domain None");
        assert_eq!(of("api/users/a%40b/attributes/domain"), "user a@b");
        for path in [
            "api/",
            "api/devices/",
            "api/domains/",
            "api/domains/x/y",
            "api/users//attributes/domain",
            "api/users/a/b/attributes/domain",
            "api/users/%ff/attributes/domain",
            "devices",
        ] {
            assert_eq!(of(path), "none", "{path}");
        }
    }
}
