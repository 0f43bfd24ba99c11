//! The WebSockets that the server itself speaks.

use api::ProblemCode;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use ring::digest;

use super::ApiError;

/// What a request for a WebSocket of ours offers (RFC 6455 section 4.2.1). Extensions are not
/// answered: nothing is compressed here (S38).
pub struct WebSocketOffer<'a> {
    protocols: &'a str,
    /// `None`: none was offered, and none is agreed to.
    protocol: Option<&'static str>,
    accept: HeaderValue,
}

impl<'a> WebSocketOffer<'a> {
    /// The offer, if it holds `protocol`.
    ///
    /// # Errors
    /// `unsupported_protocol`, `bad_request`
    pub fn of(headers: &'a HeaderMap, protocol: &'static str) -> Result<Self, ApiError> {
        let protocols = offered(headers).ok().flatten();
        let is_spoken = protocols.is_some_and(|protocols| is_among(protocols, protocol));
        let (Some(protocols), true, true) = (protocols, is_websocket(headers), is_spoken) else {
            return Err(unsupported(protocol));
        };
        Ok(Self {
            protocols,
            protocol: Some(protocol),
            accept: accepted(headers)?,
        })
    }

    /// The offer, if it holds `protocol` or none at all.
    ///
    /// # Errors
    /// As of [`Self::of`].
    pub fn optional(headers: &'a HeaderMap, protocol: &'static str) -> Result<Self, ApiError> {
        let protocols = offered(headers).map_err(|()| unsupported(protocol))?;
        let is_spoken = protocols.is_none_or(|protocols| is_among(protocols, protocol));
        if !is_websocket(headers) || !is_spoken {
            return Err(unsupported(protocol));
        }
        Ok(Self {
            protocols: protocols.unwrap_or_default(),
            protocol: protocols.map(|_| protocol),
            accept: accepted(headers)?,
        })
    }

    /// All sub-protocols that are offered, as sent.
    #[must_use]
    pub const fn protocols(&self) -> &'a str {
        self.protocols
    }

    /// The 101 that agrees to it.
    #[must_use]
    pub fn answer(self) -> Response {
        let headers = [
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::SEC_WEBSOCKET_ACCEPT, self.accept),
        ];
        let mut response = (StatusCode::SWITCHING_PROTOCOLS, headers).into_response();
        if let Some(protocol) = self.protocol {
            let protocol = HeaderValue::from_static(protocol);
            let headers = response.headers_mut();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
        }
        response
    }
}

fn unsupported(protocol: &'static str) -> ApiError {
    ApiError::new(ProblemCode::UnsupportedProtocol).detail(format!(
        "This is a WebSocket of the sub-protocol {protocol}."
    ))
}

/// The line of sub-protocols, if there is one; more are refused.
fn offered(headers: &HeaderMap) -> Result<Option<&str>, ()> {
    let mut lines = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    match (lines.next(), lines.next()) {
        (None, _) => Ok(None),
        (Some(line), None) => line.to_str().map(Some).map_err(drop),
        (Some(_), Some(_)) => Err(()),
    }
}

fn is_among(protocols: &str, protocol: &str) -> bool {
    protocols
        .split(',')
        .any(|offered| offered.trim() == protocol)
}

fn is_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, &header::UPGRADE, "websocket")
        && has_token(headers, &header::CONNECTION, "upgrade")
        && headers
            .get(header::SEC_WEBSOCKET_VERSION)
            .is_some_and(|version| version == "13")
}

fn accepted(headers: &HeaderMap) -> Result<HeaderValue, ApiError> {
    headers
        .get(header::SEC_WEBSOCKET_KEY)
        .filter(|key| {
            BASE64
                .decode(key.as_bytes())
                .is_ok_and(|key| key.len() == 16)
        })
        .and_then(|key| HeaderValue::from_str(&accept_of(key.as_bytes())).ok())
        .ok_or_else(|| ApiError::new(ProblemCode::BadRequest))
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

    const PROTOCOL: &str = "adit.tunnel.v1";
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
        let offer = WebSocketOffer::of(&headers, PROTOCOL).ok().unwrap();
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
            let error = WebSocketOffer::of(&request(&[(name, value)]), PROTOCOL)
                .err()
                .unwrap();
            assert_eq!(error.status(), status, "{name}: {value}");
        }
        let mut twice = request(&[]);
        twice.append(
            "sec-websocket-protocol",
            HeaderValue::from_static("adit.tunnel.v1"),
        );
        assert!(
            WebSocketOffer::of(&twice, PROTOCOL).is_err(),
            "one line, or the signature is ambiguous"
        );
    }
}
