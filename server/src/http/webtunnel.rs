//! Requests of the agents and tools that speak WebTunnel 1.0: told from all others, and refused in
//! their own way.

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, Method, Request, header};
use tunnel::webtunnel::{AGENT_PROTOCOL, CLIENT_PROTOCOL};

use super::ApiError;

/// What an agent shows of a refusal, in its log and to its program.
const ERROR_TEXT: HeaderName = HeaderName::from_static("x-ptth-error");

/// Who asks, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Agent,
    Client,
    /// By CONNECT: a client, too, without a WebSocket.
    Connect,
}

/// Whether the request is one of theirs. The gate lets no other upgrade by POST pass, and judged
/// the rest of it.
pub(super) fn asked<B>(request: &Request<B>) -> Option<Asked> {
    let headers = request.headers();
    if request.method() == Method::CONNECT {
        return Some(Asked::Connect);
    }
    if request.method() != Method::POST || !headers.contains_key(header::UPGRADE) {
        return None;
    }
    let protocol = headers.get(header::SEC_WEBSOCKET_PROTOCOL)?;
    if protocol == AGENT_PROTOCOL {
        Some(Asked::Agent)
    } else if protocol == CLIENT_PROTOCOL {
        Some(Asked::Client)
    } else {
        None
    }
}

/// An error as an agent understands it. `text` is for the person who reads its log.
#[must_use]
pub fn refusal(error: ApiError, text: &'static str) -> Response {
    let mut response = error.into_response();
    let headers = response.headers_mut();
    headers.insert(ERROR_TEXT, HeaderValue::from_static(text));
    response
}
