//! What a request at a device's host shows of whoever sent it.

use std::net::{IpAddr, Ipv4Addr};

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};

use crate::accounts::{DEVICE_COOKIE, Presented, STATE_COOKIE, presented};
use crate::http::{PeerAddr, RequestId};

/// A cookie of ours as the request presents it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Nothing,
    One(String),
    /// More than one of a name that a browser keeps once: planted. None is believed.
    Planted,
}

impl Shown {
    pub(super) fn as_deref(&self) -> Option<&str> {
        match self {
            Self::One(value) => Some(value),
            Self::Nothing | Self::Planted => None,
        }
    }
}

/// What matters of a request before it is passed on.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    pub(super) device_cookie: Shown,
    pub(super) state_cookie: Shown,
    /// A person waits for a page.
    pub(super) wants_page: bool,
    /// A GET of a whole document: may begin a hand-off, and may be loaded again.
    pub(super) is_navigation: bool,
    /// From a page of another origin, and more than following a link.
    pub(super) is_foreign: bool,
    pub(super) is_service_worker: bool,
    pub(super) peer: IpAddr,
    pub(super) request_id: Option<String>,
}

impl Visitor {
    /// `page_origin` is the device's, `is_sibling` tells origins of other services of the same
    /// device.
    pub(super) fn of(request: &Request<Body>, is_sibling: impl Fn(&str) -> bool) -> Self {
        let headers = request.headers();
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let mode_is_navigate = text("sec-fetch-mode") == Some("navigate");
        let is_document = text("sec-fetch-dest") == Some("document");
        let is_prefetch =
            headers.contains_key("sec-purpose") || text("purpose") == Some("prefetch");
        let is_navigation = request.method() == Method::GET
            && mode_is_navigate
            && is_document
            && !is_prefetch
            && !headers.contains_key(header::UPGRADE);
        let is_elsewhere = matches!(text("sec-fetch-site"), Some("same-site" | "cross-site"));
        let is_sibling = text("origin").is_some_and(is_sibling);
        let peer = request.extensions().get::<PeerAddr>();
        Self {
            device_cookie: shown(headers, DEVICE_COOKIE),
            state_cookie: shown(headers, STATE_COOKIE),
            wants_page: mode_is_navigate
                || text("sec-fetch-mode").is_none()
                    && text("accept").is_some_and(|accept| accept.contains("text/html")),
            is_navigation,
            is_foreign: is_elsewhere && !is_navigation && !is_sibling,
            is_service_worker: text("service-worker").is_some()
                || text("sec-fetch-dest") == Some("serviceworker"),
            peer: peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip()),
            request_id: request
                .extensions()
                .get::<RequestId>()
                .map(|id| id.0.clone()),
        }
    }
}

fn shown(headers: &HeaderMap, name: &str) -> Shown {
    match presented(headers, name) {
        Presented::Nothing => Shown::Nothing,
        Presented::One(value) => Shown::One(value.to_owned()),
        Presented::Ambiguous => Shown::Planted,
    }
}
