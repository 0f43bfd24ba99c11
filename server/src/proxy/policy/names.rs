//! The table: which fields never cross.

use http::{HeaderMap, HeaderName, header};

/// Between two neighbours only (RFC 9110 section 7.6.1), and what frames a body: that is written
/// anew on each side.
const HOP_BY_HOP: [&str; 11] = [
    "connection",
    "content-length",
    "http2-settings",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
    "expect",
];

/// What would tell a device who asks, from where or for what: only our word counts. Compared with
/// `_` and `.` read as `-`, because gateways on devices do so too.
const CLAIMS: [&str; 18] = [
    "cf-connecting-ip",
    "cf-connecting-ipv6",
    "client-ip",
    "cluster-client-ip",
    "fastly-client-ip",
    "forwarded",
    "host",
    "true-client-ip",
    "via",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-destinationurl",
    "x-original-host",
    "x-original-url",
    "x-originating-ip",
    "x-real-ip",
    "x-rewrite-url",
];

/// As [`CLAIMS`], all names that begin so.
const CLAIM_FAMILIES: [&str; 5] = [
    "x-forwarded",
    "x-original-forwarded",
    "proxy-",
    "x-adit-",
    "x-remote-",
];

/// What would bind more than the device's own origin, or steer whatever stands before us.
const BINDING: [&str; 16] = [
    "alt-svc",
    "clear-site-data",
    "expect-ct",
    "nel",
    "public-key-pins",
    "public-key-pins-report-only",
    "proxy-authenticate",
    "proxy-authentication-info",
    "report-to",
    "reporting-endpoints",
    "service-worker-allowed",
    "strict-transport-security",
    "x-accel-redirect",
    "x-lighttpd-send-file",
    "x-reproxy-url",
    "x-sendfile",
];

/// The fields of one message that end at this hop.
pub(super) struct Hop(Vec<String>);

impl Hop {
    /// Reads what `Connection` names.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let named = headers
            .get_all(header::CONNECTION)
            .iter()
            .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
            .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
            .collect();
        Self(named)
    }

    pub(super) fn ends(&self, name: &HeaderName) -> bool {
        HOP_BY_HOP.contains(&name.as_str()) || self.0.iter().any(|named| named == name.as_str())
    }
}

/// Whether a request's field says what only we may say.
pub(super) fn is_claim(name: &HeaderName) -> bool {
    let name = name.as_str().replace(['_', '.'], "-");
    CLAIMS.contains(&name.as_str()) || CLAIM_FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Whether an answer's field reaches further than the device's own origin.
pub(super) fn is_binding(name: &HeaderName) -> bool {
    BINDING.contains(&name.as_str())
}
