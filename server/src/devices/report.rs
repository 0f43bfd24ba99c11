//! What an agent tells of its device: untrusted, so cleaned, capped and checked before it is kept.

use api::ServiceKind;
use api::text::cleaned;
use data_encoding::BASE64;
use ring::digest::{Context, SHA256};
use tunnel::wire::{Info, ServiceInfo};

use super::label::is_service_name;

const VERSION_MAX_CHARS: usize = 40;
const HOST_NAME_MAX_CHARS: usize = 64;
const OS_MAX_CHARS: usize = 100;
const ARCH_MAX_CHARS: usize = 32;
const SERVICES_MAX: usize = 64;
const HOST_KEYS_MAX: usize = 8;
const HOST_KEY_MAX_CHARS: usize = 1024;
const ADDRESSES_MAX: usize = 16;
const ADDRESS_MAX_CHARS: usize = 64;
/// Of a DNS name.
const SERVICE_HOST_MAX: usize = 253;

/// The report as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) agent_version: String,
    pub(super) os: String,
    pub(super) arch: String,
    pub(super) host_name: String,
    pub(super) ssh_host_keys: Vec<String>,
    pub(super) addresses: Vec<String>,
    pub(super) services: Vec<ReportedService>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ReportedService {
    pub(super) name: String,
    pub(super) kind: ServiceKind,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) tls: bool,
}

impl Report {
    /// What is kept of a report. A service that cannot be reached under its name, or twice of one
    /// name, is left out.
    pub(super) fn new(version: &str, info: &Info) -> Self {
        let mut services: Vec<ReportedService> = Vec::new();
        for service in &info.services {
            if services.len() == SERVICES_MAX {
                break;
            }
            if let Some(service) = check_service(service)
                && services.iter().all(|earlier| earlier.name != service.name)
            {
                services.push(service);
            }
        }
        Self {
            agent_version: cleaned(version, VERSION_MAX_CHARS),
            os: cleaned(&info.os, OS_MAX_CHARS),
            arch: cleaned(&info.arch, ARCH_MAX_CHARS),
            host_name: cleaned(&info.host_name, HOST_NAME_MAX_CHARS),
            ssh_host_keys: info
                .ssh_host_keys
                .iter()
                .take(HOST_KEYS_MAX)
                .filter_map(|key| check_host_key(key))
                .collect(),
            addresses: info
                .addresses
                .iter()
                .take(ADDRESSES_MAX)
                .map(|address| cleaned(address, ADDRESS_MAX_CHARS))
                .collect(),
            services,
        }
    }

    /// Equal for equal reports; each text is preceded by its length.
    pub(super) fn hash(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let mut add = |text: &str| {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text.as_bytes());
        };
        for text in [&self.agent_version, &self.os, &self.arch, &self.host_name] {
            add(text);
        }
        for list in [&self.ssh_host_keys, &self.addresses] {
            add(&list.len().to_string());
            list.iter().for_each(|text| add(text));
        }
        for service in &self.services {
            add(&service.name);
            add(kind_text(service.kind));
            add(&service.host);
            add(&service.port.to_string());
            add(if service.tls { "tls" } else { "plain" });
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.finish().as_ref());
        hash
    }
}

fn check_service(service: &ServiceInfo) -> Option<ReportedService> {
    // The host ends up in a `Host` header.
    let host_fits = (1..=SERVICE_HOST_MAX).contains(&service.host.len())
        && service
            .host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-_:".contains(&b));
    if !is_service_name(&service.name) || !host_fits || service.port == 0 {
        return None;
    }
    Some(ReportedService {
        name: service.name.clone(),
        kind: parse_kind(&service.kind)?,
        host: service.host.to_ascii_lowercase(),
        port: service.port,
        tls: service.tls,
    })
}

/// `algorithm base64`, the comment left out. A key is compared byte by byte, so it is kept whole
/// or not at all.
fn check_host_key(line: &str) -> Option<String> {
    let mut words = line.split_ascii_whitespace();
    let (algorithm, key) = (words.next()?, words.next()?);
    let fits = line.len() <= HOST_KEY_MAX_CHARS
        && algorithm
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-@.".contains(&b))
        && BASE64.decode(key.as_bytes()).is_ok();
    fits.then(|| format!("{algorithm} {key}"))
}

pub(super) fn parse_kind(text: &str) -> Option<ServiceKind> {
    Some(match text {
        "web" => ServiceKind::Web,
        "ssh" => ServiceKind::Ssh,
        "vnc" => ServiceKind::Vnc,
        "rdp" => ServiceKind::Rdp,
        "tcp" => ServiceKind::Tcp,
        _ => return None,
    })
}

pub(super) const fn kind_text(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Web => "web",
        ServiceKind::Ssh => "ssh",
        ServiceKind::Vnc => "vnc",
        ServiceKind::Rdp => "rdp",
        ServiceKind::Tcp => "tcp",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, kind: &str, host: &str, port: u16) -> ServiceInfo {
        ServiceInfo {
            name: name.into(),
            kind: kind.into(),
            host: host.into(),
            port,
            tls: false,
        }
    }

    #[test]
    fn s10_only_services_that_can_be_reached_are_kept() {
        let info = Info {
            services: vec![
                service("web", "web", "Router.LAN", 80),
                service("web", "ssh", "127.0.0.1", 22),
                service("a--b", "web", "127.0.0.1", 80),
                service("x", "gopher", "127.0.0.1", 70),
                service("y", "web", "h\r\nX-Evil: 1", 80),
                service("z", "web", "", 80),
                service("zero", "web", "127.0.0.1", 0),
                service("six", "tcp", "::1", 502),
            ],
            ..Info::default()
        };
        let names: Vec<_> = Report::new("1", &info)
            .services
            .into_iter()
            .map(|s| s.name)
            .collect();
        assert_eq!(names, ["web", "six"]);

        let many = (0..200)
            .map(|n| service(&format!("s{n}"), "tcp", "h", 1))
            .collect();
        let report = Report::new(
            "1",
            &Info {
                services: many,
                ..Info::default()
            },
        );
        assert_eq!(report.services.len(), SERVICES_MAX);
    }

    #[test]
    fn s10_texts_are_capped() {
        let long = "x".repeat(100_000);
        let info = Info {
            host_name: long.clone(),
            os: long.clone(),
            arch: long.clone(),
            ssh_host_keys: vec![
                format!("ssh-ed25519 {long}"),
                "ssh-ed25519 AAAA me@there".into(),
            ],
            addresses: vec![long.clone(); 100],
            ..Info::default()
        };
        let report = Report::new(&long, &info);
        assert_eq!(report.host_name.len(), HOST_NAME_MAX_CHARS);
        assert_eq!(report.os.len(), OS_MAX_CHARS);
        assert_eq!(report.ssh_host_keys, ["ssh-ed25519 AAAA"]);
        assert_eq!(report.addresses.len(), ADDRESSES_MAX);
    }

    #[test]
    fn the_hash_changes_with_every_part() {
        let base = Info {
            host_name: "h".into(),
            os: "o".into(),
            ..Info::default()
        };
        let hash = |info: &Info| Report::new("1", info).hash();
        let others = [
            Info {
                host_name: "ho".into(),
                os: String::new(),
                ..base.clone()
            },
            Info {
                addresses: vec!["a".into()],
                ..base.clone()
            },
            Info {
                ssh_host_keys: vec!["a AAAA".into()],
                ..base.clone()
            },
            Info {
                services: vec![service("w", "web", "h", 1)],
                ..base.clone()
            },
        ];
        for other in &others {
            assert_ne!(hash(&base), hash(other), "{other:?}");
        }
        assert_eq!(hash(&base), hash(&base.clone()));
        assert_ne!(
            Report::new("1", &base).hash(),
            Report::new("2", &base).hash()
        );
    }
}
