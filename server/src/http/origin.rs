//! Requests that another site makes a browser send: refused (SECURITY S06, S07).

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, Method, header};

use super::ApiError;
use crate::accounts::SIGN_IN_COOKIE;
use api::ProblemCode;

/// Middleware of the manager: what a browser sends on behalf of another origin changes nothing.
pub(super) async fn refuse_cross_origin(
    State(own): State<HeaderValue>,
    request: Request,
    next: Next,
) -> Response {
    match check_unsafe(&own, &request) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

/// Judges a request of the manager that may change something. A request that brings its own
/// `Authorization` is nobody's forgery: browsers add none by themselves.
fn check_unsafe(own: &HeaderValue, request: &Request) -> Result<(), ApiError> {
    let headers = request.headers();
    let is_safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    if is_safe || headers.contains_key(header::AUTHORIZATION) {
        return Ok(());
    }
    let cross_origin = || Err(ApiError::new(ProblemCode::CrossOrigin));
    let site = headers.get("sec-fetch-site");
    let origin = headers.get(header::ORIGIN);
    match (site, origin) {
        // `same-site` is a device's page, where devices share the manager's site.
        (Some(site), _) if site != "same-origin" => return cross_origin(),
        (_, Some(origin)) if origin != own => return cross_origin(),
        (None, None) if has_sign_in_cookie(headers) => return cross_origin(),
        _ => {}
    }
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0");
    if request.uri().path().starts_with("/api/") && has_body && !is_json(headers) {
        return Err(
            ApiError::new(ProblemCode::UnsupportedMediaType).detail("Send application/json.")
        );
    }
    Ok(())
}

/// Judges an upgrade: whoever is known by a cookie must come from `own`, and whoever brings a
/// token from there or from nowhere. Called before anything is looked up.
///
/// # Errors
/// `cross_origin`
pub fn check_ws_origin(headers: &HeaderMap, own: &str) -> Result<(), ApiError> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let is_allowed = match (origins.next(), origins.next()) {
        (None, _) => headers.contains_key(header::AUTHORIZATION),
        (Some(origin), None) => origin == own,
        (Some(_), Some(_)) => false,
    };
    if is_allowed {
        Ok(())
    } else {
        Err(ApiError::new(ProblemCode::CrossOrigin))
    }
}

fn has_sign_in_cookie(headers: &HeaderMap) -> bool {
    headers.get_all(header::COOKIE).iter().any(|value| {
        let name = SIGN_IN_COOKIE.as_bytes();
        value
            .as_bytes()
            .windows(name.len())
            .any(|part| part == name)
    })
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        let essence = value.split(';').next().unwrap_or_default().trim();
        essence.eq_ignore_ascii_case("application/json")
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    const OWN: &str = "https://adit.test";
    const COOKIE: (&str, &str) = ("cookie", "a=b; __Host-adit_session=x");
    const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");

    fn status(method: &str, fields: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri("/api/v1/devices/x");
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let verdict = check_unsafe(&HeaderValue::from_static(OWN), &request);
        verdict.map_or_else(|error| error.status().as_u16(), |()| 200)
    }

    #[test]
    fn s06_a_cookie_alone_changes_nothing() {
        let body = ("content-length", "2");
        for (method, fields, expected) in [
            ("GET", vec![COOKIE, ("sec-fetch-site", "cross-site")], 200),
            ("POST", vec![COOKIE], 403),
            ("DELETE", vec![COOKIE], 403),
            (
                "POST",
                vec![COOKIE, ("sec-fetch-site", "same-site"), JSON],
                403,
            ),
            (
                "POST",
                vec![COOKIE, ("sec-fetch-site", "cross-site"), JSON],
                403,
            ),
            ("POST", vec![COOKIE, ("sec-fetch-site", "none"), JSON], 403),
            (
                "POST",
                vec![COOKIE, ("sec-fetch-site", "same-origin"), JSON, body],
                200,
            ),
            (
                "DELETE",
                vec![COOKIE, ("sec-fetch-site", "same-origin")],
                200,
            ),
            ("POST", vec![COOKIE, ("origin", OWN), JSON, body], 200),
            (
                "POST",
                vec![COOKIE, ("origin", "https://adit.test:444"), JSON],
                403,
            ),
            (
                "POST",
                vec![COOKIE, ("origin", "http://adit.test"), JSON],
                403,
            ),
            (
                "POST",
                vec![COOKIE, ("origin", "https://dev1.adit.test"), JSON],
                403,
            ),
            ("POST", vec![COOKIE, ("origin", "null"), JSON], 403),
            // One lie is enough.
            (
                "POST",
                vec![
                    COOKIE,
                    ("sec-fetch-site", "same-origin"),
                    ("origin", "null"),
                ],
                403,
            ),
            (
                "POST",
                vec![
                    COOKIE,
                    ("sec-fetch-site", "same-origin"),
                    ("content-type", "text/plain"),
                    body,
                ],
                415,
            ),
            (
                "POST",
                vec![
                    COOKIE,
                    ("sec-fetch-site", "same-origin"),
                    ("transfer-encoding", "chunked"),
                ],
                415,
            ),
            // Signing in without being signed in: programs may, other sites may not.
            ("POST", vec![JSON, body], 200),
            ("POST", vec![JSON, ("origin", "https://evil.example")], 403),
            // A token is not the browser's to send.
            (
                "POST",
                vec![
                    COOKIE,
                    ("authorization", "Bearer t"),
                    ("origin", "https://x.example"),
                ],
                200,
            ),
        ] {
            assert_eq!(status(method, &fields), expected, "{method} {fields:?}");
        }
    }

    #[test]
    fn s07_an_upgrade_comes_from_our_own_origin() {
        let verdict = |fields: &[(&str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                headers.append(
                    http::HeaderName::from_bytes(name.as_bytes()).unwrap(),
                    HeaderValue::from_str(value).unwrap(),
                );
            }
            check_ws_origin(&headers, OWN).is_ok()
        };
        let bearer = ("authorization", "Bearer t");
        assert!(verdict(&[COOKIE, ("origin", OWN)]));
        assert!(verdict(&[bearer]));
        assert!(verdict(&[bearer, ("origin", OWN)]));
        assert!(!verdict(&[COOKIE]));
        assert!(!verdict(&[COOKIE, ("origin", OWN), ("origin", OWN)]));
        for origin in [
            "null",
            "http://adit.test",
            "https://adit.test:444",
            "https://dev1.adit.test",
            "https://adit.testevil",
            "https://ADIT.test",
            "https://adit.test/",
            "",
        ] {
            assert!(!verdict(&[COOKIE, ("origin", origin)]), "{origin}");
            assert!(!verdict(&[bearer, ("origin", origin)]), "{origin}");
        }
    }
}
