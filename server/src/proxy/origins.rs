//! Absolute URLs, from configuration alone (SECURITY S20).

use crate::config::{Config, DeviceDomain, Origin};

use super::DeviceHost;

/// Where the manager and devices' pages are.
pub(super) struct Origins {
    manager: Origin,
    devices: DeviceDomain,
}

impl Origins {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            manager: config.public_url.clone(),
            devices: config.device_domain.clone(),
        }
    }

    pub(super) fn manager(&self) -> &str {
        self.manager.as_str()
    }

    /// The origin of a host below the device domain.
    pub(super) fn page(&self, host: &str) -> String {
        self.manager.at_host(host)
    }

    /// Whether an origin is one of this device's services.
    pub(super) fn is_of_device(&self, origin: &str, label: &str) -> bool {
        let host = origin
            .split("://")
            .nth(1)
            .and_then(|rest| rest.split(':').next());
        let Some(host) = host.filter(|host| self.page(host) == origin) else {
            return false;
        };
        self.devices
            .host_label(host)
            .and_then(|host_label| host_label.strip_prefix(label))
            .is_some_and(|rest| rest.is_empty() || rest.starts_with("--"))
    }

    /// The host of what stands before the device domain: `label` or `label--service`.
    pub(super) fn host(&self, host_label: &str) -> DeviceHost {
        let (label, service) = match host_label.split_once("--") {
            Some((label, service)) => (label, Some(service.to_owned())),
            None => (host_label, None),
        };
        DeviceHost {
            host: self.devices.host_of(host_label),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_are_services_of_the_same_device() {
        for (public_url, own) in [
            ("https://adit.test", "https://pump.d.test"),
            ("http://adit.test:8080", "http://pump.d.test:8080"),
        ] {
            let origins = Origins::new(&Config::new(public_url, "d.test").unwrap());
            assert_eq!(origins.page("pump.d.test"), own);
            for (origin, expected) in [
                (own.to_owned(), true),
                (own.replace("pump", "pump--cam"), true),
                (own.replace("pump", "pump-2"), false),
                (own.replace("pump", "pumps"), false),
                (own.replace("pump", "press"), false),
                (own.replace("pump", "pump.x"), false),
                (own.replace("d.test", "evil.test"), false),
                (own.replace("://", "://x@"), false),
                (format!("{own}1"), false),
                (format!("{own}/"), false),
                ("null".to_owned(), false),
                (String::new(), false),
            ] {
                assert_eq!(origins.is_of_device(&origin, "pump"), expected, "{origin}");
            }
        }
    }
}
