//! From a request's Host to whom it is for.

use crate::config::{DeviceDomain, Origin};
use crate::proxy::DeviceHost;

/// The names this server answers to.
#[derive(Clone, Debug)]
pub struct Hosts {
    public: Origin,
    /// Where only agents are answered: names that some were configured with before.
    agents: Vec<Origin>,
    devices: DeviceDomain,
}

/// Whom a request is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    Manager,
    /// An older name of the manager, kept for agents.
    Agents,
    Device(DeviceHost),
    /// The device domain itself, for the agents and tools of others.
    Apex,
}

/// Why a Host leads nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Not a host and a port as we write them.
    #[error("Host is not well formed")]
    Malformed,
    /// A name or a port that is not ours.
    #[error("Host is not one of ours")]
    NotOurs,
    /// Below the device domain, but never a device's.
    #[error("no device can have this host")]
    NoDevice,
}

impl Hosts {
    #[must_use]
    pub const fn new(public: Origin, agents: Vec<Origin>, devices: DeviceDomain) -> Self {
        Self {
            public,
            agents,
            devices,
        }
    }

    /// Whom a `Host` field's value names.
    ///
    /// # Errors
    /// [`HostError`]
    pub fn site(&self, host: &str) -> Result<Site, HostError> {
        let (name, port) = split_port(host)?;
        let name = canonical_name(name, &self.public)?;
        let is_at = |origin: &Origin| {
            name == origin.host() && port.unwrap_or(default_port(origin)) == origin.port()
        };
        if !is_at(&self.public) && self.agents.iter().any(is_at) {
            return Ok(Site::Agents);
        }
        if port.unwrap_or(default_port(&self.public)) != self.public.port() {
            return Err(HostError::NotOurs);
        }
        if name == self.public.host() {
            return Ok(Site::Manager);
        }
        if name == self.devices.as_str() {
            return Err(HostError::NoDevice);
        }
        let label = self.devices.host_label(&name).ok_or(HostError::NotOurs)?;
        let device = host_to_device(label).ok_or(HostError::NoDevice)?;
        Ok(Site::Device(DeviceHost {
            host: name,
            label: device.0,
            service: device.1,
        }))
    }

    /// Whether a `Host` field's value names the device domain itself, at our port. Browsers have
    /// nothing there, unless it is the manager's host too.
    #[must_use]
    pub fn is_apex(&self, host: &str) -> bool {
        let Ok((name, port)) = split_port(host) else {
            return false;
        };
        port.unwrap_or(default_port(&self.public)) == self.public.port()
            && canonical_name(name, &self.public).is_ok_and(|name| name == self.devices.as_str())
    }

    /// The device of a `CONNECT`'s target, whatever port of it is asked for. `handshake`, of TLS,
    /// names the device domain itself: that is where tools of WebTunnel ask.
    #[must_use]
    pub fn connect_target(
        &self,
        target: &str,
        handshake: Option<Option<&str>>,
    ) -> Option<(DeviceHost, u16)> {
        let is_at_apex = |name: Option<&str>| {
            name.is_some_and(|name| name.eq_ignore_ascii_case(self.devices.as_str()))
        };
        if !handshake.is_none_or(is_at_apex) {
            return None;
        }
        let (name, port) = split_port(target).ok()?;
        let name = canonical_name(name, &self.public).ok()?;
        let (label, service) = host_to_device(self.devices.host_label(&name)?)?;
        let host = DeviceHost {
            host: name,
            label,
            service,
        };
        Some((host, port?))
    }

    /// Whether `name`, of the TLS handshake, is the host that `host` of the request names.
    #[must_use]
    pub fn is_same_name(&self, name: Option<&str>, host: &str) -> bool {
        let Ok(host) = split_port(host).and_then(|(host, _)| canonical_name(host, &self.public))
        else {
            return false;
        };
        match name {
            Some(name) => canonical_name(name, &self.public).is_ok_and(|name| name == host),
            // Clients name no address in the handshake.
            None => host.parse::<std::net::IpAddr>().is_ok() || host.starts_with('['),
        }
    }
}

fn default_port(origin: &Origin) -> u16 {
    if origin.is_https() { 443 } else { 80 }
}

/// What stands before the device domain, lower case: `label` or `label--service`.
fn host_to_device(host_label: &str) -> Option<(String, Option<String>)> {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('-')
            && !part.ends_with('-')
            && !part.contains("--")
            && part.bytes().all(is_label_byte)
    };
    let (label, service) = match host_label.split_once("--") {
        Some((label, service)) => (label, Some(service)),
        None => (host_label, None),
    };
    let is_device = host_label.len() <= 63 && is_part(label) && service.is_none_or(is_part);
    is_device.then(|| (label.to_owned(), service.map(str::to_owned)))
}

/// Host and port; the port is a number if there is a colon.
fn split_port(host: &str) -> Result<(&str, Option<u16>), HostError> {
    let name_end = host.find(']').map_or(0, |end| end + 1);
    let Some(colon) = host[name_end..].find(':') else {
        return Ok((host, None));
    };
    let (name, port) = host.split_at(name_end + colon);
    let port = &port[1..];
    let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = if is_number { port.parse().ok() } else { None };
    port.map(|port| (name, Some(port)))
        .ok_or(HostError::Malformed)
}

/// Lower case, without one dot at the end. Punycode is refused: no host of ours has any, and
/// what looks like one of ours but is not, is best not looked at.
fn canonical_name(name: &str, public: &Origin) -> Result<String, HostError> {
    let lower = name.to_ascii_lowercase();
    if lower == public.host() {
        // Also an IPv6 address in brackets, where that is the configured host.
        return Ok(lower);
    }
    let name = lower.strip_suffix('.').unwrap_or(&lower);
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && !label.starts_with("xn--")
            && label.bytes().all(is_label_byte)
    };
    if name.len() <= 253 && name.split('.').all(is_label) {
        Ok(name.to_owned())
    } else {
        Err(HostError::Malformed)
    }
}

const fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hosts(public: &str, devices: &str) -> Hosts {
        let agents = vec!["https://old.test:8443".parse().unwrap()];
        Hosts::new(public.parse().unwrap(), agents, devices.parse().unwrap())
    }

    fn device(host: &str, label: &str, service: Option<&str>) -> Result<Site, HostError> {
        Ok(Site::Device(DeviceHost {
            host: host.into(),
            label: label.into(),
            service: service.map(Into::into),
        }))
    }

    #[test]
    fn s16_hosts_are_canonical_or_refused() {
        use HostError::{Malformed, NoDevice, NotOurs};
        let hosts = hosts("https://adit.test", "d.test");
        for (host, expected) in [
            ("adit.test", Ok(Site::Manager)),
            ("ADIT.test.:443", Ok(Site::Manager)),
            ("adit.test:80", Err(NotOurs)),
            ("old.test:8443", Ok(Site::Agents)),
            ("old.test", Err(NotOurs)),
            ("DEV1.D.test.", device("dev1.d.test", "dev1", None)),
            ("dev1.d.test:443", device("dev1.d.test", "dev1", None)),
            (
                "dev-1--web.d.test",
                device("dev-1--web.d.test", "dev-1", Some("web")),
            ),
            ("dev1.d.test:99999", Err(Malformed)),
            ("dev1.d.test:", Err(Malformed)),
            ("dev1.d.test:+443", Err(Malformed)),
            ("dev1.d.test:0443", device("dev1.d.test", "dev1", None)),
            ("dev1.d.test..", Err(Malformed)),
            (".d.test", Err(Malformed)),
            ("xn--nxasmq6b.d.test", Err(Malformed)),
            ("dev1", Err(NotOurs)),
            ("d.test", Err(NoDevice)),
            ("a.b.d.test", Err(NoDevice)),
            ("a--b--c.d.test", Err(NoDevice)),
            ("a---b.d.test", Err(NoDevice)),
            ("evild.test", Err(NotOurs)),
            ("adit.test.evil.example", Err(NotOurs)),
            ("dev_1.d.test", Err(Malformed)),
            ("%00.d.test", Err(Malformed)),
            ("dev1.d.test/x", Err(Malformed)),
            ("user@adit.test", Err(Malformed)),
            ("[::1]", Err(Malformed)),
            ("[::1]:443", Err(Malformed)),
            ("127.0.0.1", Err(NotOurs)),
            ("", Err(Malformed)),
            ("\u{e4}.d.test", Err(Malformed)),
        ] {
            assert_eq!(hosts.site(host), expected, "{host:?}");
        }
        assert_eq!(hosts.site(&"a".repeat(300)), Err(Malformed));
        assert_eq!(
            hosts.site(&format!("{}.d.test", "a".repeat(64))),
            Err(Malformed)
        );
    }

    #[test]
    fn s16_another_port_than_the_default_must_be_said() {
        let hosts = hosts("http://adit.localhost:8080", "adit.localhost");
        assert_eq!(hosts.site("adit.localhost:8080"), Ok(Site::Manager));
        assert_eq!(hosts.site("adit.localhost"), Err(HostError::NotOurs));
        assert_eq!(
            hosts.site("one.adit.localhost:8080"),
            device("one.adit.localhost", "one", None)
        );
        let hosts = self::hosts("http://[::1]:81", "adit.localhost");
        assert_eq!(hosts.site("[::1]:81"), Ok(Site::Manager));
    }

    #[test]
    fn s16_the_apex_is_one_name_at_one_port() {
        let hosts = hosts("https://adit.test", "d.test");
        for (host, is_apex) in [
            ("d.test", true),
            ("D.test.:443", true),
            ("d.test:80", false),
            ("adit.test", false),
            ("a.d.test", false),
            ("d.test/", false),
            ("", false),
        ] {
            assert_eq!(hosts.is_apex(host), is_apex, "{host:?}");
        }
    }

    #[test]
    fn s16_a_connect_is_for_a_device_and_asked_for_at_the_apex() {
        let hosts = hosts("https://adit.test", "d.test");
        let target = |target, handshake| {
            let found = hosts.connect_target(target, handshake);
            found.map(|(host, port)| (host.label, port))
        };
        let found = Some(("dev1".to_owned(), 22));
        assert_eq!(target("Dev1.d.test:22", None), found);
        assert_eq!(target("dev1.d.test:22", Some(Some("D.test"))), found);
        for handshake in [None, Some("adit.test"), Some("dev1.d.test")] {
            assert_eq!(target("dev1.d.test:22", Some(handshake)), None);
        }
        for wrong in [
            "d.test:22",
            "adit.test:22",
            "dev1.d.test",
            "a.b.d.test:1",
            "x:22",
        ] {
            assert_eq!(target(wrong, None), None, "{wrong}");
        }
    }

    #[test]
    fn s16_the_name_of_the_handshake_is_the_host() {
        let hosts = hosts("https://adit.test", "d.test");
        assert!(hosts.is_same_name(Some("adit.test"), "Adit.test.:443"));
        assert!(!hosts.is_same_name(Some("dev1.d.test"), "adit.test"));
        assert!(!hosts.is_same_name(None, "adit.test"));
        assert!(hosts.is_same_name(None, "127.0.0.1"));
    }

    proptest! {
        #[test]
        fn s16_no_host_panics(host in "\\PC{0,80}") {
            let _ = hosts("https://adit.test", "d.test").site(&host);
        }

        #[test]
        fn s16_a_device_host_is_its_own_canonical_form(
            host in "[a-zA-Z0-9-]{1,20}(--[a-z0-9-]{1,10})?\\.[dD]\\.test\\.?(:443)?"
        ) {
            let hosts = hosts("https://adit.test", "d.test");
            if let Ok(Site::Device(device)) = hosts.site(&host) {
                let joined = device.service.iter().fold(device.label.clone(), |label, service| {
                    format!("{label}--{service}")
                });
                prop_assert_eq!(&device.host, &format!("{joined}.d.test"));
                prop_assert_eq!(hosts.site(&device.host), Ok(Site::Device(device.clone())));
            }
        }
    }
}
