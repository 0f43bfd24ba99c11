//! What the public port counts.

use std::sync::Arc;

use http::StatusCode;
use prometheus_client::registry::Registry;

use super::caps::Caps;
use super::host::Site;
use crate::metrics::{By, Live, Reading};

/// Of a request that was refused by its head, or whose host is not ours.
pub(super) const NO_SITE: &str = "none";

#[derive(Default)]
pub(super) struct Counts {
    requests: By<2>,
    refused: By<1>,
}

/// What kind of route a path is: few words, whatever people ask for.
pub(super) fn route(site: &Site, path: &str) -> &'static str {
    if matches!(site, Site::Device(_)) {
        return "device_page";
    }
    if *site == Site::Apex {
        return "webtunnel";
    }
    match path {
        "/tunnel" => "tunnel",
        "/healthz" | "/readyz" => "health",
        "/api/v1/events" => "events",
        _ if path.starts_with("/launch/") => "launch",
        _ if is_stream(path) => "stream",
        _ if path.starts_with("/api/") => "api",
        _ => "app",
    }
}

fn is_stream(path: &str) -> bool {
    path.starts_with("/api/v1/devices/") && path.ends_with("/stream")
}

impl Counts {
    /// A request is over; `None`: its client left before there was an answer.
    pub(super) fn answered(&self, route: &'static str, status: Option<StatusCode>) {
        let status = match status.map_or(0, |status| status.as_u16() / 100) {
            1 => "1xx",
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            5 => "5xx",
            _ => "none",
        };
        let labels = [("route", route), ("status", status)];
        self.requests.get_or_create(&labels).inc();
    }

    /// A connection was closed, or not upgraded, for want of room.
    pub(super) fn refused_connection(&self, limit: &'static str) {
        self.refused.get_or_create(&[("limit", limit)]).inc();
    }

    pub(super) fn register(&self, registry: &mut Registry, caps: Arc<Caps>) {
        registry.register(
            "http_requests",
            "Requests at the public port whose answer is over",
            self.requests.clone(),
        );
        registry.register(
            "connection_rejects",
            "Connections that were refused for want of room, by the limit that was reached",
            self.refused.clone(),
        );
        registry.register_collector(Box::new(Live(move |reading: &mut Reading<'_>| {
            let [plain, upgraded] = caps.now();
            let kinds = [[("kind", "http")], [("kind", "upgraded")]];
            reading.gauges(
                "connections",
                "Connections at the public port",
                kinds.into_iter().zip([plain.0, upgraded.0]),
            )?;
            reading.gauges(
                "connections_limit",
                "The most that there may be",
                kinds.into_iter().zip([plain.1, upgraded.1]),
            )
        })));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_few() {
        let stream = "/api/v1/devices/0/services/ssh/stream";
        for (path, expected) in [
            ("/tunnel", "tunnel"),
            ("/readyz", "health"),
            ("/api/v1/events", "events"),
            ("/api/v1/devices/0", "api"),
            (stream, "stream"),
            ("/launch/a", "launch"),
            ("/devices/anything", "app"),
            ("/metrics", "app"),
        ] {
            assert_eq!(route(&Site::Manager, path), expected, "{path}");
        }
        let device = crate::proxy::DeviceHost {
            host: "a.devices.example".into(),
            label: "a".into(),
            service: None,
        };
        assert_eq!(route(&Site::Device(device), "/tunnel"), "device_page");
    }
}
