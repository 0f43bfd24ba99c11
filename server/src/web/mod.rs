//! The embedded web app.

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use rust_embed::{EmbeddedFile, RustEmbed};

use api::ProblemCode;

use crate::http::{ApiError, content_security_policy};

/// What the build put there; debug builds read it from disk at each request.
#[derive(RustEmbed)]
#[folder = "../target/site/"]
struct Site;

const INDEX: &str = "index.html";
/// Names in here hold a hash of the content: they never change.
const HASHED: &str = "pkg/";
/// What is no page of the app, whatever the browser says it wants.
const NO_PAGES: [&str; 4] = ["api/", "pkg/", "launch/", "tunnel"];

/// Answers whatever no route has taken: a file of the app, or the app itself for a navigation.
pub async fn serve(request: Request<Body>) -> Response {
    let path = request.uri().path().trim_start_matches('/');
    let no_page = || ApiError::new(ProblemCode::NotFound).into_response();
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return no_page();
    }
    let wants_page =
        is_navigation(request.headers()) && !NO_PAGES.iter().any(|prefix| path.starts_with(prefix));
    let is_file = !path.is_empty() && !path.ends_with(".br") && Site::get(path).is_some();
    match (is_file, wants_page || path.is_empty()) {
        (true, _) => asset(path, request.headers()),
        (false, true) => asset(INDEX, request.headers()),
        (false, false) => no_page(),
    }
}

fn is_navigation(headers: &HeaderMap) -> bool {
    match headers.get("sec-fetch-mode") {
        Some(mode) => mode == "navigate",
        None => headers.get(header::ACCEPT).is_some_and(|accept| {
            accept
                .to_str()
                .is_ok_and(|accept| accept.contains("text/html"))
        }),
    }
}

fn asset(path: &str, headers: &HeaderMap) -> Response {
    let Some(plain) = Site::get(path) else {
        return ApiError::new(ProblemCode::NotFound).into_response();
    };
    let packed = accepts_brotli(headers)
        .then(|| Site::get(&format!("{path}.br")))
        .flatten();
    let encoding = packed.is_some().then_some("br");
    let mut policy = None;
    if path == INDEX {
        policy = HeaderValue::from_str(&content_security_policy(&script_hashes(&plain.data))).ok();
    }
    let file = packed.unwrap_or(plain);
    let tag = entity_tag(&file);

    let is_known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
        value.to_str().is_ok_and(|value| {
            value
                .split(',')
                .map(str::trim)
                .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
        })
    });
    let mut response = if is_known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes_of(file).into_response()
    };
    let fields = response.headers_mut();
    if is_known {
        fields.remove(header::CONTENT_TYPE);
    } else {
        fields.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(content_type(path)),
        );
        if let Some(encoding) = encoding {
            fields.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
    }
    let caching = if path.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    fields.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        fields.insert(header::ETAG, tag);
    }
    if let Some(policy) = policy {
        fields.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Differs between a file and its packed form, as a strong tag must.
fn entity_tag(file: &EmbeddedFile) -> String {
    format!(
        "\"{}\"",
        data_encoding::HEXLOWER.encode(&file.metadata.sha256_hash()[..16])
    )
}

fn bytes_of(file: EmbeddedFile) -> Bytes {
    match file.data {
        std::borrow::Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        std::borrow::Cow::Owned(bytes) => bytes.into(),
    }
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| {
            value.split(',').any(|coding| {
                let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
                let refused = weight.trim().trim_start_matches("q=").parse() == Ok(0.0_f32);
                name.trim().eq_ignore_ascii_case("br") && !refused
            })
        })
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "json" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "webp" => "image/webp",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Sources for the policy of each script that stands in the document itself.
fn script_hashes(html: &[u8]) -> Vec<String> {
    let Ok(html) = std::str::from_utf8(html) else {
        return Vec::new();
    };
    let mut hashes = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find("<script") {
        rest = &rest[start..];
        let Some(open_end) = rest.find('>') else {
            break;
        };
        let Some(close) = rest[open_end..].find("</script") else {
            break;
        };
        let (tag, script) = (&rest[..open_end], &rest[open_end + 1..open_end + close]);
        if !tag.contains(" src=") && !script.is_empty() {
            let hash = ring::digest::digest(&ring::digest::SHA256, script.as_bytes());
            hashes.push(format!("'sha256-{}'", BASE64.encode(hash.as_ref())));
        }
        rest = &rest[open_end + close..];
    }
    hashes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn brotli_goes_to_those_who_take_it() {
        for (accepted, expected) in [
            ("gzip, deflate, br, zstd", true),
            ("BR", true),
            ("br;q=0.5", true),
            ("br;q=0", false),
            ("br; q=0.0", false),
            ("gzip", false),
            ("abrs", false),
            ("", false),
        ] {
            assert_eq!(
                accepts_brotli(&headers(&[("accept-encoding", accepted)])),
                expected,
                "{accepted}"
            );
        }
    }

    #[test]
    fn inline_scripts_are_hashed_and_others_are_not() {
        let html = b"<script src=\"/a.js\"></script><script>alert(1)</script><script type=module></script>";
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        assert_eq!(
            script_hashes(html),
            ["'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"]
        );
        for broken in ["<script", "<script>", "<script></scrip", ""] {
            assert_eq!(script_hashes(broken.as_bytes()), Vec::<String>::new());
        }
    }
}
