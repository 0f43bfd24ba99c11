//! A device as it is recorded, and what others get to see of it.

use std::net::IpAddr;

use api::{AgentKind, Device, DeviceId, OrganizationId, Service, ServiceKind, Timestamp};

use super::index::Entry;
use super::keyless::keyless;
use super::urls::Urls;
use super::{DeviceIdentity, WebService};

/// A device's row, and those of its services that are reported now, in the report's order.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) id: DeviceId,
    pub(super) organization: OrganizationId,
    pub(super) key: [u8; 32],
    pub(super) label: String,
    pub(super) name: String,
    pub(super) enrolled_at: Timestamp,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) address: Option<String>,
    pub(super) agent_version: Option<String>,
    pub(super) os: Option<String>,
    pub(super) host_name: Option<String>,
    /// One in a line.
    pub(super) ssh_host_keys: String,
    pub(super) report_hash: Option<[u8; 32]>,
    pub(super) disabled_at: Option<Timestamp>,
    pub(super) services: Vec<ServiceRecord>,
}

#[derive(Clone, Debug)]
pub(super) struct ServiceRecord {
    pub(super) name: String,
    pub(super) kind: ServiceKind,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
    pub(super) title: Option<String>,
    pub(super) position: Option<u32>,
    pub(super) hidden: bool,
}

impl Record {
    pub(super) fn identity(&self) -> DeviceIdentity {
        DeviceIdentity {
            id: self.id,
            organization: self.organization,
            label: self.label.clone(),
            name: self.name.clone(),
        }
    }

    fn agent(&self) -> AgentKind {
        if self.key == keyless(self.id) {
            AgentKind::WebTunnel
        } else {
            AgentKind::Adit
        }
    }

    /// The service at the device's own host: the first web service as the agent has them. The
    /// order in which people see services does not matter, or it would move pages to other origins.
    fn first_web(&self) -> Option<&ServiceRecord> {
        self.services
            .iter()
            .find(|service| service.kind == ServiceKind::Web)
    }

    /// The device's own keys are those of the SSH server on it, not of one behind it.
    fn host_keys_of(&self, service: &ServiceRecord) -> Vec<String> {
        if service.kind != ServiceKind::Ssh || !service.is_on_the_device() {
            return Vec::new();
        }
        self.ssh_host_keys.lines().map(str::to_owned).collect()
    }

    /// The web service of this name, or the first.
    pub(super) fn web_service(&self, name: Option<&str>) -> Option<WebService> {
        let service = match name {
            None => self.first_web()?,
            Some(name) => self
                .services
                .iter()
                .find(|service| service.name == name && service.kind == ServiceKind::Web)?,
        };
        Some(WebService {
            device: self.identity(),
            service: service.name.clone(),
            kind: service.kind,
            authority: service.authority(),
            tls: service.tls,
        })
    }

    /// The device as the API shows it.
    pub(super) fn view(&self, entry: &Entry, urls: &Urls, now: Timestamp) -> Device {
        let presence = &entry.presence;
        let first_web = self.first_web().map(|service| service.name.as_str());
        let mut services: Vec<&ServiceRecord> = self.services.iter().collect();
        // Stable: those without a position stay in the agent's order.
        services.sort_by_key(|service| service.position.unwrap_or(u32::MAX));
        let service = |service: &ServiceRecord| Service {
            name: service.name.clone(),
            kind: service.kind,
            title: service
                .title
                .clone()
                .unwrap_or_else(|| service.name.clone()),
            port: service.port,
            tls: service.tls,
            hidden: service.hidden,
            url: (service.kind == ServiceKind::Web).then(|| {
                let is_first = first_web == Some(service.name.as_str());
                let mut url = urls.page(&self.label, (!is_first).then_some(service.name.as_str()));
                if let Some(path) = entry.start_path.as_deref().filter(|_| is_first) {
                    url.push_str(path.trim_start_matches('/'));
                }
                url
            }),
            host_keys: self.host_keys_of(service),
        };
        Device {
            id: self.id,
            name: self.name.clone(),
            label: self.label.clone(),
            state: entry.state(now),
            state_since: presence.since(),
            last_seen: presence.last_seen(),
            rtt_ms: presence.rtt_ms(),
            address: entry.address.clone(),
            agent_version: self.agent_version.clone(),
            os: self.os.clone(),
            host_name: self.host_name.clone(),
            enrolled_at: self.enrolled_at,
            services: services.into_iter().map(service).collect(),
            agent: self.agent(),
            disabled_at: self.disabled_at,
            certificates_changed_at: entry.certificates_changed_at,
            attention: None,
        }
    }
}

impl ServiceRecord {
    fn is_on_the_device(&self) -> bool {
        let address = self.host.parse::<IpAddr>();
        address.is_ok_and(|address| address.is_loopback())
            || self.host == "localhost"
            || self.host.ends_with(".localhost")
    }

    /// Host and, if it is not the scheme's own, port, as in a `Host` header.
    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match (self.tls, self.port) {
            (false, 80) | (true, 443) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }
}
