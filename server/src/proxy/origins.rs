//! Absolute URLs, from configuration alone (SECURITY S20).

use crate::config::Config;

use super::DeviceHost;

/// Where the manager and devices' pages are.
pub(super) struct Origins {
    manager: String,
    /// `https://`
    scheme: String,
    device_domain: String,
    /// `:8443`, or nothing.
    port: String,
}

impl Origins {
    pub(super) fn new(config: &Config) -> Self {
        let manager = config.public_url.as_str().trim_end_matches('/').to_owned();
        let (scheme, authority) = manager.split_once("://").unwrap_or(("https", &manager));
        let name_end = authority.find(']').map_or(0, |at| at + 1);
        let port = authority[name_end..]
            .find(':')
            .map_or("", |at| &authority[name_end + at..]);
        Self {
            scheme: format!("{scheme}://"),
            port: port.to_owned(),
            device_domain: config.device_domain.as_str().to_owned(),
            manager,
        }
    }

    pub(super) fn manager(&self) -> &str {
        &self.manager
    }

    /// The origin of a host below the device domain.
    pub(super) fn page(&self, host: &str) -> String {
        format!("{}{host}{}", self.scheme, self.port)
    }

    /// Whether an origin is one of this device's services.
    pub(super) fn is_of_device(&self, origin: &str, label: &str) -> bool {
        origin
            .strip_prefix(&self.scheme)
            .and_then(|rest| rest.strip_suffix(&self.port))
            .and_then(|host| host.strip_suffix(&self.device_domain))
            .and_then(|host| host.strip_suffix('.'))
            .and_then(|host| host.strip_prefix(label))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("--"))
    }

    /// The host of what stands before the device domain: `label` or `label--service`.
    pub(super) fn host(&self, host_label: &str) -> DeviceHost {
        let (label, service) = match host_label.split_once("--") {
            Some((label, service)) => (label, Some(service.to_owned())),
            None => (host_label, None),
        };
        DeviceHost {
            host: format!("{host_label}.{}", self.device_domain),
            label: label.to_owned(),
            service,
        }
    }
}

impl DeviceHost {
    /// What stands before the device domain.
    pub(super) fn host_label(&self) -> String {
        match &self.service {
            Some(service) => format!("{}--{service}", self.label),
            None => self.label.clone(),
        }
    }
}
