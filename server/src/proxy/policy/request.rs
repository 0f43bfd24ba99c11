//! From the browser to the device.

use http::{HeaderMap, HeaderValue, header};

use super::names::{Hop, is_claim};
use super::{Crossing, cookies};

/// Tokens of our API begin so, and belong to nobody but us.
const OWN_TOKEN: &str = "adit_";

/// What the request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) enum Way {
    /// One request, one answer.
    Exchange,
    /// To become a WebSocket.
    WebSocket,
}

/// The fields that the device gets: from empty, what may cross, then ours.
pub(in crate::proxy) fn to_device(headers: &HeaderMap, crossing: &Crossing, way: Way) -> HeaderMap {
    let hop = Hop::of(headers);
    let mut out = HeaderMap::with_capacity(headers.len() + 5);
    for (name, value) in headers {
        if hop.ends(name) || is_claim(name) {
            continue;
        }
        let value = match *name {
            header::COOKIE => cookies::without_ours(value),
            header::AUTHORIZATION => Some(value).filter(|value| !is_own_token(value)).cloned(),
            header::ORIGIN => Some(at_device(value, crossing, Part::Origin)),
            header::REFERER => Some(at_device(value, crossing, Part::Url)),
            _ => Some(value.clone()),
        };
        if let Some(value) = value {
            out.append(name, value);
        }
    }
    let mut set = |name: &'static str, value: &str| {
        // None of ours can fail: they come from the configuration, the socket and the agent's
        // checked service list. A device that must do without is no harm.
        if let Ok(value) = HeaderValue::from_str(value) {
            out.insert(name, value);
        }
    };
    set("host", &crossing.authority);
    set("x-forwarded-for", &crossing.peer.to_string());
    set("x-forwarded-host", crossing.page_authority());
    set("x-forwarded-proto", crossing.page_scheme());
    match way {
        // A stream serves one exchange.
        Way::Exchange => set("connection", "close"),
        Way::WebSocket => {
            set("connection", "Upgrade");
            set("upgrade", "websocket");
        }
    }
    out
}

/// `Authorization` at a device's origin is the page's own affair with its device. A token of our
/// API that somebody pasted into it is not.
fn is_own_token(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    let credentials = bytes
        .iter()
        .position(|byte| *byte == b' ')
        .map_or(bytes, |at| &bytes[at..]);
    credentials.trim_ascii().starts_with(OWN_TOKEN.as_bytes())
}

enum Part {
    Origin,
    Url,
}

/// Devices compare `Origin` and `Referer` with their `Host`: the page's origin becomes theirs.
fn at_device(value: &HeaderValue, crossing: &Crossing, part: Part) -> HeaderValue {
    let own = crossing.page_origin.as_bytes();
    let Some(rest) = value.as_bytes().strip_prefix(own) else {
        return value.clone();
    };
    let is_own = match part {
        Part::Origin => rest.is_empty(),
        Part::Url => rest.is_empty() || rest.starts_with(b"/"),
    };
    if !is_own {
        return value.clone();
    }
    let mut there = crossing.device_origin().into_bytes();
    there.extend_from_slice(rest);
    HeaderValue::from_bytes(&there).unwrap_or_else(|_| value.clone())
}
