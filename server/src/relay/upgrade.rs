//! `GET /tunnel`: an agent proves its key and becomes a tunnel.

use api::ProblemCode;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use ring::digest;
use tunnel::TUNNEL_PROTOCOL;
use tunnel::proof::Purpose;

use super::serve::Newcomer;
use crate::http::{ApiError, PeerAddr};
use crate::state::AppState;

/// Open a device's tunnel
///
/// WebSocket, sub-protocol `adit.tunnel.v1`. Without `Authorization` the answer is a 401 with the
/// nonce to sign.
#[utoipa::path(
    get,
    path = "/tunnel",
    tag = "devices",
    responses(
        (status = 101, description = "The tunnel is open"),
        (status = 401, description = "Proof wanted, or not accepted", body = api::Problem),
        (status = 426, description = "The sub-protocols spoken here", body = api::Problem),
        (status = 503, description = "Full or stopping", body = api::Problem),
    )
)]
pub(super) async fn tunnel(State(state): State<AppState>, request: Request) -> Response {
    accept(&state, request).await.unwrap_or_else(|error| {
        let names_dialects = error.code() == ProblemCode::UnsupportedProtocol;
        let mut response = error.into_response();
        if names_dialects {
            let headers = response.headers_mut();
            headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(
                header::SEC_WEBSOCKET_PROTOCOL,
                HeaderValue::from_static(TUNNEL_PROTOCOL),
            );
        }
        response
    })
}

async fn accept(state: &AppState, mut request: Request) -> Result<Response, ApiError> {
    let relay = &state.relay;
    let headers = request.headers();
    if headers.contains_key(header::ORIGIN) {
        return Err(ApiError::new(ProblemCode::CrossOrigin).detail("No browser belongs here."));
    }
    if relay.0.draining.is_cancelled() {
        let error = ApiError::new(ProblemCode::Unavailable);
        return Err(error.retry_after(relay.spread_s()));
    }
    let offer = Offer::of(headers)?;
    let permit = relay.0.admission.enter().await.ok_or_else(|| {
        let error = ApiError::new(ProblemCode::Busy);
        error.retry_after(relay.spread_s())
    })?;
    // The signature is checked before the key is looked up: unknown and wrong take the same time.
    let proven = relay
        .0
        .prover
        .check(Purpose::Tunnel, offer.protocols, headers)?;
    let device = relay
        .0
        .devices
        .by_key(&proven.key)
        .ok_or_else(|| relay.0.prover.refusal())?;
    let accept = offer.accept;
    let address = request
        .extensions()
        .get::<PeerAddr>()
        .map(|peer| peer.0.ip().to_string())
        .unwrap_or_default();
    let upgrade = request
        .extensions_mut()
        .remove::<OnUpgrade>()
        .ok_or_else(|| ApiError::internal("the connection cannot be upgraded"))?;
    let (key, instance) = (proven.key, proven.instance);
    relay.welcome(Newcomer {
        device: device.id,
        key,
        instance,
        address,
        upgrade,
        permit,
    });
    let headers = [
        (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        (header::UPGRADE, HeaderValue::from_static("websocket")),
        (
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(TUNNEL_PROTOCOL),
        ),
        (header::SEC_WEBSOCKET_ACCEPT, accept),
    ];
    Ok((StatusCode::SWITCHING_PROTOCOLS, headers).into_response())
}

/// What a request for a WebSocket offers (RFC 6455 section 4.2.1). Extensions are not answered:
/// nothing is compressed here (S38).
struct Offer<'a> {
    /// As sent, for the signature.
    protocols: &'a str,
    accept: HeaderValue,
}

impl<'a> Offer<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, ApiError> {
        let unsupported = || {
            ApiError::new(ProblemCode::UnsupportedProtocol).detail(format!(
                "This is a WebSocket of the sub-protocol {TUNNEL_PROTOCOL}."
            ))
        };
        let mut protocol_lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
        let protocols = protocol_lines.next().and_then(|line| line.to_str().ok());
        let protocols = protocols.filter(|_| protocol_lines.next().is_none());
        let is_websocket = has_token(headers, &header::UPGRADE, "websocket")
            && has_token(headers, &header::CONNECTION, "upgrade")
            && headers
                .get(header::SEC_WEBSOCKET_VERSION)
                .is_some_and(|version| version == "13");
        let is_spoken = protocols.is_some_and(|protocols| {
            protocols
                .split(',')
                .any(|protocol| protocol.trim() == TUNNEL_PROTOCOL)
        });
        let (Some(protocols), true, true) = (protocols, is_websocket, is_spoken) else {
            return Err(unsupported());
        };
        let accept = headers
            .get(header::SEC_WEBSOCKET_KEY)
            .filter(|key| {
                BASE64
                    .decode(key.as_bytes())
                    .is_ok_and(|key| key.len() == 16)
            })
            .and_then(|key| HeaderValue::from_str(&accept_of(key.as_bytes())).ok())
            .ok_or_else(|| ApiError::new(ProblemCode::BadRequest))?;
        Ok(Self { protocols, accept })
    }
}

fn has_token(headers: &HeaderMap, name: &header::HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value
                .split(',')
                .any(|candidate| candidate.trim().eq_ignore_ascii_case(token))
        })
}

fn accept_of(key: &[u8]) -> String {
    let mut sha1 = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    sha1.update(key);
    sha1.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    BASE64.encode(sha1.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

    fn request(changes: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let honest = [
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", KEY),
            ("sec-websocket-protocol", "other.v1, adit.tunnel.v1"),
        ];
        for (name, value) in honest.iter().chain(changes) {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn an_offer_is_understood() {
        let headers = request(&[]);
        let offer = Offer::of(&headers).ok().unwrap();
        assert_eq!(offer.protocols, "other.v1, adit.tunnel.v1");
        assert_eq!(offer.accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_is_not_spoken_here_is_refused() {
        for (name, value, status) in [
            ("connection", "close", 426),
            ("upgrade", "h2c", 426),
            ("sec-websocket-version", "12", 426),
            ("sec-websocket-protocol", "adit.tunnel.v2", 426),
            ("sec-websocket-protocol", "", 426),
            ("sec-websocket-key", "c2hvcnQ=", 400),
            ("sec-websocket-key", "!", 400),
        ] {
            let error = Offer::of(&request(&[(name, value)])).err().unwrap();
            assert_eq!(error.status(), status, "{name}: {value}");
        }
        let mut twice = request(&[]);
        twice.append(
            "sec-websocket-protocol",
            HeaderValue::from_static("adit.tunnel.v1"),
        );
        assert!(
            Offer::of(&twice).is_err(),
            "one line, or the signature is ambiguous"
        );
    }
}
