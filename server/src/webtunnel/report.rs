//! From an agent's properties to what others report in their HELLO: services, and the system.

use ::http::{HeaderMap, header};
use tunnel::wire::{Info, ServiceInfo};

use super::Properties;

const HOST: &str = "127.0.0.1";
const HTTP_PORT: u16 = 80;
const START_PATH_MAX_BYTES: usize = 512;
/// Property, name and kind of the services that agents advertise.
const SERVICES: [(&str, &str, &str); 6] = [
    ("httpPort", "web", "web"),
    ("sshPort", "ssh", "ssh"),
    ("vncPort", "vnc", "vnc"),
    ("rdpPort", "rdp", "rdp"),
    ("appPort", "app", "tcp"),
    ("vpnPort", "vpn", "tcp"),
];

/// What an agent says of itself and its device.
pub(super) struct AgentReport {
    /// Program and version.
    pub(super) version: String,
    pub(super) info: Info,
    /// Where links to its page lead.
    pub(super) start_path: Option<String>,
}

impl AgentReport {
    pub(super) fn of(headers: &HeaderMap, properties: &Properties) -> Self {
        let agent = headers
            .get(header::USER_AGENT)
            .and_then(|agent| agent.to_str().ok())
            .unwrap_or_default();
        // `Program/1.0 (Linux/6.18; x86_64) POCO/1.11.10`
        let (product, rest) = agent.split_once(" (").unwrap_or((agent, ""));
        let system = rest.split_once(')').map_or("", |(system, _)| system);
        let (os, arch) = system.split_once(';').unwrap_or((system, ""));
        Self {
            version: product.replace('/', " "),
            info: Info {
                os: os.replace('/', " "),
                arch: arch.trim().to_owned(),
                services: services(properties),
                ..Info::default()
            },
            start_path: properties.get("httpPath").and_then(|path| start_path(path)),
        }
    }
}

/// A path and nothing else; not one of ours at the device's host. Some leave out its beginning.
fn start_path(reported: &str) -> Option<String> {
    let path = match reported.strip_prefix('/') {
        Some(_) => reported.to_owned(),
        None => format!("/{reported}"),
    };
    let is_plain = path
        .bytes()
        .all(|byte| matches!(byte, 0x21..=0x7e) && !b"\\\"<>^`{|}".contains(&byte));
    let is_path = !path.starts_with("//") && !reported.contains("://");
    let is_ours = ["/.adit", "/my-devices"]
        .iter()
        .any(|ours| path.starts_with(ours));
    (path.len() > 1 && path.len() <= START_PATH_MAX_BYTES && is_plain && is_path && !is_ours)
        .then_some(path)
}

/// The services by their ports; other ports that the agent forwards are TCP services.
fn services(properties: &Properties) -> Vec<ServiceInfo> {
    let host = properties
        .get("targetHost")
        .map_or(HOST, |host| host.as_str());
    let service = |name: String, kind: &str, port| ServiceInfo {
        name,
        kind: kind.to_owned(),
        host: host.to_owned(),
        port,
        tls: false,
    };
    let mut forwarded: Vec<u16> = properties
        .get("targetPorts")
        .map(|ports| ports.split(',').filter_map(|port| port.trim().parse().ok()))
        .into_iter()
        .flatten()
        .collect();
    forwarded.retain(|port| *port > 0);
    let mut services = Vec::new();
    for (property, name, kind) in SERVICES {
        let port = properties
            .get(property)
            .and_then(|port| port.trim().parse().ok())
            .filter(|port| *port > 0);
        // Where nothing is said of HTTP, it is at its own port.
        let is_web = kind == "web" && !properties.contains_key(property);
        let port = port.or_else(|| (is_web && forwarded.contains(&HTTP_PORT)).then_some(HTTP_PORT));
        if let Some(port) = port {
            services.push(service(name.to_owned(), kind, port));
        }
    }
    for port in forwarded {
        if services.iter().all(|known| known.port != port) {
            services.push(service(format!("port-{port}"), "tcp", port));
        }
    }
    services
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(agent: &'static str, properties: &[(&str, &str)]) -> AgentReport {
        let mut headers = HeaderMap::new();
        headers.insert(header::USER_AGENT, agent.parse().unwrap());
        let pairs = properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        AgentReport::of(&headers, &pairs.collect())
    }

    fn names(properties: &[(&str, &str)]) -> Vec<String> {
        let services = report("", properties).info.services;
        let name =
            |one: ServiceInfo| format!("{} {} {}:{}", one.name, one.kind, one.host, one.port);
        services.into_iter().map(name).collect()
    }

    #[test]
    fn the_system_is_in_the_user_agent() {
        let agent = "WebTunnelAgent/2.5.0 (Linux/6.18; x86_64) POCO/1.11.10";
        let AgentReport { version, info, .. } = report(agent, &[]);
        assert_eq!(version, "WebTunnelAgent 2.5.0");
        assert_eq!(
            (info.os.as_str(), info.arch.as_str()),
            ("Linux 6.18", "x86_64")
        );
        assert_eq!(report("", &[]).info, Info::default());
    }

    #[test]
    fn a_start_path_is_a_path() {
        let path = |text: &str| report("", &[("httpPath", text)]).start_path;
        assert_eq!(path("/ui?a=1#b").as_deref(), Some("/ui?a=1#b"));
        assert_eq!(path("index.html").as_deref(), Some("/index.html"));
        let long = format!("/{}", "x".repeat(512));
        for bad in [
            "",
            "/",
            "//evil.example/",
            "/\\evil.example",
            "http://evil.example/",
            "/a b",
            "/<script>",
            "/.adit/sign-out",
            "/my-devices/websockify",
            long.as_str(),
        ] {
            assert_eq!(path(bad), None, "{bad}");
        }
    }

    #[test]
    fn ports_are_services() {
        let ports = [
            ("targetHost", "10.0.0.7"),
            ("targetPorts", "22, 502, 8080"),
            ("httpPort", "8080"),
            ("sshPort", "22"),
            ("vncPort", "none"),
        ];
        assert_eq!(
            names(&ports),
            [
                "web web 10.0.0.7:8080",
                "ssh ssh 10.0.0.7:22",
                "port-502 tcp 10.0.0.7:502"
            ]
        );
        assert_eq!(names(&[("targetPorts", "80")]), ["web web 127.0.0.1:80"]);
        assert_eq!(
            names(&[("targetPorts", "81,0,70000")]),
            ["port-81 tcp 127.0.0.1:81"]
        );
    }
}
