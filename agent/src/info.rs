//! What the agent tells the server about its device.

use std::fs;
use std::path::{Path, PathBuf};

use api::ServiceKind;
use nix::ifaddrs::getifaddrs;
use tunnel::wire::{Info, ServiceInfo};

use crate::config::Config;

/// More would be noise, and HELLO has a size limit.
const MAX_ADDRESSES: usize = 16;
const MAX_HOST_KEYS: usize = 8;

/// Gathers it anew; `root` is `/` outside of tests. What cannot be read is left out.
pub(crate) fn gather(config: &Config, root: &Path) -> Info {
    let has_ssh = config
        .services
        .iter()
        .any(|service| service.kind == ServiceKind::Ssh);
    Info {
        host_name: host_name(),
        os: operating_system(root),
        arch: std::env::consts::ARCH.to_owned(),
        services: services(config),
        ssh_host_keys: if has_ssh {
            match &config.ssh_host_key_files {
                Some(files) => ssh_host_keys(files),
                None => ssh_host_keys(&system_host_keys(root)),
            }
        } else {
            Vec::new()
        },
        addresses: addresses(),
    }
}

fn services(config: &Config) -> Vec<ServiceInfo> {
    let told = |service: &crate::Service| ServiceInfo {
        name: service.name.clone(),
        kind: kind_name(service.kind).to_owned(),
        host: service.host.to_string(),
        port: service.port,
        tls: service.tls,
    };
    config.services.iter().map(told).collect()
}

const fn kind_name(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::Web => "web",
        ServiceKind::Ssh => "ssh",
        ServiceKind::Vnc => "vnc",
        ServiceKind::Rdp => "rdp",
        ServiceKind::Tcp => "tcp",
    }
}

/// What the machine calls itself.
#[must_use]
pub fn host_name() -> String {
    nix::unistd::gethostname()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

fn operating_system(root: &Path) -> String {
    let release = fs::read_to_string(root.join("etc/os-release")).unwrap_or_default();
    release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or(std::env::consts::OS, |name| {
            name.trim().trim_matches(['"', '\''])
        })
        .to_owned()
}

/// The public keys of the machine's own SSH server, so that a browser's first connection is
/// verified already.
fn ssh_host_keys(files: &[PathBuf]) -> Vec<String> {
    let keys = files
        .iter()
        .filter_map(|path| public_key(&fs::read_to_string(path).ok()?));
    keys.take(MAX_HOST_KEYS).collect()
}

/// Where OpenSSH has them.
fn system_host_keys(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(root.join("etc/ssh")) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("ssh_host_") && name.ends_with("_key.pub")
        })
        .collect();
    files.sort();
    files
}

/// Algorithm and key; the comment names people and machines and stays here.
fn public_key(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    Some(format!("{} {}", words.next()?, words.next()?))
}

/// What the device is reached by on its own networks.
fn addresses() -> Vec<String> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let mut addresses: Vec<String> = interfaces
        .filter_map(|interface| interface.address)
        .filter_map(|address| {
            let v4 = address.as_sockaddr_in().map(|address| address.ip());
            let v6 = address
                .as_sockaddr_in6()
                .map(nix::sys::socket::SockaddrIn6::ip);
            match (v4, v6) {
                (Some(ip), _) if !ip.is_loopback() && !ip.is_link_local() => Some(ip.to_string()),
                (_, Some(ip)) if !ip.is_loopback() && !ip.is_unicast_link_local() => {
                    Some(ip.to_string())
                }
                _ => None,
            }
        })
        .collect();
    addresses.sort();
    addresses.dedup();
    addresses.truncate(MAX_ADDRESSES);
    addresses
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Service;

    fn config(kind: ServiceKind) -> Config {
        let host = "127.0.0.1".parse().unwrap();
        Config {
            server: "https://adit.example".parse().unwrap(),
            key_file: "agent.key".into(),
            ca_file: None,
            proxy: crate::proxy::Proxy::Environment,
            client_certificate: None,
            ssh_host_key_files: None,
            services: vec![Service {
                name: "one".into(),
                kind,
                host,
                port: 22,
                tls: false,
            }],
        }
    }

    #[test]
    fn the_system_is_described() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/ssh")).unwrap();
        fs::write(
            root.path().join("etc/os-release"),
            "ID=x\nPRETTY_NAME=\"Debian 13\"\n",
        )
        .unwrap();
        fs::write(root.path().join("etc/ssh/ssh_host_ed25519_key"), "private").unwrap();
        fs::write(
            root.path().join("etc/ssh/ssh_host_ed25519_key.pub"),
            "ssh-ed25519 AAAA me@here\n",
        )
        .unwrap();
        fs::write(root.path().join("etc/ssh/ssh_host_broken_key.pub"), "\n").unwrap();

        let info = gather(&config(ServiceKind::Ssh), root.path());
        assert_eq!(info.os, "Debian 13");
        assert_eq!(info.ssh_host_keys, ["ssh-ed25519 AAAA"]);
        assert_eq!(info.services[0].kind, "ssh");
        assert!(!info.host_name.is_empty());

        let other = root.path().join("other.pub");
        fs::write(&other, "ssh-rsa BBBB me@here\n").unwrap();
        let configured = Config {
            client_certificate: None,
            ssh_host_key_files: Some(vec![other]),
            ..config(ServiceKind::Ssh)
        };
        let info = gather(&configured, root.path());
        assert_eq!(info.ssh_host_keys, ["ssh-rsa BBBB"]);

        let info = gather(&config(ServiceKind::Web), root.path());
        assert!(info.ssh_host_keys.is_empty(), "nobody asked for SSH");
    }

    #[test]
    fn a_bare_system_is_described_too() {
        let root = tempfile::tempdir().unwrap();
        let info = gather(&config(ServiceKind::Ssh), root.path());
        assert_eq!(info.os, std::env::consts::OS);
        assert!(info.ssh_host_keys.is_empty());
    }
}
