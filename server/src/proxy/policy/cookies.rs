//! Cookies of devices stay at their host; ours stay with us.

use http::HeaderValue;

/// Cookies that one answer may set.
pub(super) const MAX_SET: usize = 50;
/// Of one cookie with its attributes.
const MAX_SET_BYTES: usize = 4096;
/// No cookie of ours has another beginning, and no device has one with it.
const OURS: [&[u8]; 2] = [b"__host-adit_", b"__secure-adit_"];

/// A `Cookie` line without our cookies; `None` when nothing is left.
pub(super) fn without_ours(line: &HeaderValue) -> Option<HeaderValue> {
    let mut out = Vec::with_capacity(line.len());
    for pair in line.as_bytes().split(|byte| *byte == b';') {
        let pair = pair.trim_ascii();
        if pair.is_empty() || is_ours(pair) {
            continue;
        }
        if !out.is_empty() {
            out.extend_from_slice(b"; ");
        }
        out.extend_from_slice(pair);
    }
    if out.is_empty() {
        None
    } else {
        HeaderValue::from_bytes(&out).ok()
    }
}

/// A `Set-Cookie` line that reaches no further than the host that sent it; `None` when it must
/// not be set at all.
pub(super) fn for_this_host_alone(line: &HeaderValue) -> Option<HeaderValue> {
    if line.len() > MAX_SET_BYTES {
        return None;
    }
    let mut parts = line.as_bytes().split(|byte| *byte == b';');
    let pair = parts.next()?.trim_ascii();
    if pair.is_empty() || is_ours(pair) {
        return None;
    }
    let mut out = pair.to_vec();
    for attribute in parts {
        let attribute = attribute.trim_ascii();
        let name = attribute
            .split(|byte| *byte == b'=')
            .next()
            .unwrap_or_default()
            .trim_ascii();
        if attribute.is_empty() || name.eq_ignore_ascii_case(b"domain") {
            continue;
        }
        out.extend_from_slice(b"; ");
        out.extend_from_slice(attribute);
    }
    HeaderValue::from_bytes(&out).ok()
}

/// Whether `name=value` has a name of ours, or comes back from a browser looking like one: a
/// cookie without a name is sent as its value alone.
fn is_ours(pair: &[u8]) -> bool {
    let pair = pair.trim_ascii();
    let mut name = pair;
    while let Some(rest) = name.strip_prefix(b"=") {
        name = rest.trim_ascii_start();
    }
    OURS.iter().any(|ours| {
        name.get(..ours.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(ours))
    })
}
