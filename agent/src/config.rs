//! The agent's configuration: one TOML file, each key with its meaning. Unknown keys are errors.

use std::collections::HashSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use api::ServiceKind;
use serde::Deserialize;

use crate::host::Host;
use crate::proxy::{Proxy, ProxyUrlError};
use crate::server::ServerUrl;

mod write;

pub use write::Draft;

/// Where the file is when nobody says otherwise.
#[must_use]
pub fn default_path() -> PathBuf {
    PathBuf::from("/etc/adit/agent.toml")
}

/// All of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where the server is: scheme, host, port if not the default one. `https`, except on the
    /// machine itself.
    pub server: ServerUrl,
    /// The device's private key, made at first start. Default: `agent.key` beside the file.
    pub key_file: PathBuf,
    /// Certificates (PEM) to trust instead of the system's, for a server with a private CA.
    pub ca_file: Option<PathBuf>,
    /// The device's own certificate, for a server that asks for one.
    pub client_certificate: Option<ClientCertificate>,
    /// The HTTP proxy that leads to the server, with user name and password where it wants them.
    /// Default: as the environment says.
    pub proxy: Proxy,
    /// The public keys of the device's own SSH server, for services of kind `ssh`: what a browser
    /// checks its first connection against. Default: `/etc/ssh/ssh_host_*_key.pub`.
    pub ssh_host_key_files: Option<Vec<PathBuf>>,
    /// What may be reached through the tunnel. Nothing else can be.
    pub services: Vec<Service>,
}

/// `[client_certificate]`: PEM files, read anew for each connection.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificate {
    /// The certificate, and what leads from it to an authority that the server knows.
    pub certificate_file: PathBuf,
    /// Its private key.
    pub key_file: PathBuf,
}

/// One `[[service]]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Unique on its device: `a`-`z`, `0`-`9` and single `-` inside, at most 20 characters.
    pub name: String,
    /// `web`, `ssh`, `vnc`, `rdp` or `tcp`: what it speaks.
    pub kind: ServiceKind,
    /// Where it listens.
    #[serde(default = "this_machine")]
    pub host: Host,
    /// TCP port.
    pub port: u16,
    /// Whether it speaks TLS itself. Its certificate is checked, except at a loopback or private
    /// address written out as such: devices sign those certificates themselves.
    #[serde(default)]
    pub tls: bool,
}

/// The file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It cannot be written.
    #[error("{path} could not be written: {source}", path = path.display())]
    Write {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not TOML, has a key nobody knows or a value of the wrong kind.
    #[error("{path}: {message}", path = path.display())]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Where and why.
        message: String,
    },
    /// The proxy is not acceptable.
    #[error("{path}: proxy: {source}", path = path.display())]
    Proxy {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: ProxyUrlError,
    },
    /// A service is not acceptable.
    #[error("{path}: service {name:?}: {reason}", path = path.display())]
    Service {
        /// Which file.
        path: PathBuf,
        /// Which service.
        name: String,
        /// Why.
        reason: &'static str,
    },
}

/// The file as it is written; paths in it are relative to its folder.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: ServerUrl,
    key_file: Option<PathBuf>,
    ca_file: Option<PathBuf>,
    client_certificate: Option<ClientCertificate>,
    proxy: Option<String>,
    ssh_host_key_files: Option<Vec<PathBuf>>,
    #[serde(default)]
    service: Vec<Service>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`], which names the file and the place.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.to_owned(),
            source,
        })?;
        let config = Self::parse(&text, path)?;
        let holds_password = matches!(&config.proxy, Proxy::At(url) if url.has_credentials());
        if holds_password && is_readable_by_others(path) {
            tracing::warn!(
                path = %path.display(),
                "the file holds a proxy's password and others may read it: chmod 600"
            );
        }
        Ok(config)
    }

    /// The service of this name.
    #[must_use]
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let file: File = toml::from_str(text).map_err(|error| ConfigError::Parse {
            path: path.to_owned(),
            message: without_password(error.to_string(), error.message()),
        })?;
        let proxy = match file.proxy.as_deref().map(str::parse) {
            None => Proxy::Environment,
            Some(_) if file.proxy.as_deref() == Some("") => Proxy::None,
            Some(Ok(url)) => Proxy::At(url),
            Some(Err(source)) => {
                let path = path.to_owned();
                return Err(ConfigError::Proxy { path, source });
            }
        };
        let mut names = HashSet::new();
        for service in &file.service {
            let fault = fault_of(service)
                .or_else(|| (!names.insert(&service.name)).then_some("the name is there twice"));
            if let Some(reason) = fault {
                let (path, name) = (path.to_owned(), service.name.clone());
                return Err(ConfigError::Service { path, name, reason });
            }
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        Ok(Self {
            server: file.server,
            key_file: folder.join(file.key_file.unwrap_or_else(|| "agent.key".into())),
            ca_file: file.ca_file.map(|ca_file| folder.join(ca_file)),
            client_certificate: file.client_certificate.map(|files| ClientCertificate {
                certificate_file: folder.join(files.certificate_file),
                key_file: folder.join(files.key_file),
            }),
            proxy,
            ssh_host_key_files: file
                .ssh_host_key_files
                .map(|files| files.iter().map(|file| folder.join(file)).collect()),
            services: file.service,
        })
    }
}

fn is_readable_by_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// A message of the parser shows the line that it is about, which may be the one of the proxy.
fn without_password(full: String, short: &str) -> String {
    if full.contains('@') && !short.contains('@') {
        format!("{short}, in a line that is not repeated here: it may hold a password")
    } else if full.contains('@') {
        "a mistake in a line that is not repeated here: it may hold a password".to_owned()
    } else {
        full
    }
}

fn this_machine() -> Host {
    Host::Address(Host::LOOPBACK[0])
}

fn fault_of(service: &Service) -> Option<&'static str> {
    let name = service.name.as_bytes();
    let well_formed = (1..=20).contains(&name.len())
        && name
            .iter()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-')
        && name.first() != Some(&b'-')
        && name.last() != Some(&b'-')
        && !service.name.contains("--");
    if !well_formed {
        return Some("a name has 1 to 20 of a-z, 0-9 and single - inside");
    }
    if service.port == 0 {
        return Some("port 0 is no port");
    }
    match service.host {
        Host::Address(address) if is_nobody(address) => {
            Some("this address is nobody's: give the service's own (127.0.0.1 for this machine)")
        }
        _ => None,
    }
}

/// Unspecified, multicast and broadcast addresses: never a TCP service.
fn is_nobody(address: IpAddr) -> bool {
    address.is_unspecified()
        || address.is_multicast()
        || matches!(address, IpAddr::V4(address) if address.is_broadcast())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, Path::new("/etc/adit/agent.toml"))
    }

    #[test]
    fn everything_has_its_default() {
        let config = parse(
            "server = 'https://adit.example'\n[[service]]\nname = 'web'\nkind = 'web'\nport = 80",
        )
        .unwrap();
        assert_eq!(config.key_file, Path::new("/etc/adit/agent.key"));
        assert_eq!(config.ca_file, None);
        assert_eq!(config.proxy, Proxy::Environment);
        let service = config.service("web").unwrap();
        assert_eq!(
            (service.host.to_string().as_str(), service.tls),
            ("127.0.0.1", false)
        );
        assert_eq!(config.service("ssh"), None);
    }

    #[test]
    fn a_proxy_is_given_or_denied() {
        let at = |proxy: &str| parse(&format!("server = 'https://a.example'\nproxy = '{proxy}'"));
        assert_eq!(at("").unwrap().proxy, Proxy::None);
        let config = at("http://me:secret@p:1").unwrap();
        assert_eq!(
            config.proxy,
            Proxy::At("http://me:secret@p:1".parse().unwrap())
        );
        assert!(!format!("{config:?}").contains("secret"));
    }

    #[test]
    fn no_error_tells_the_proxys_password() {
        for text in [
            "server = 'https://a.example'\nproxy = 'socks5://me:secret@p:1'",
            "server = 'https://a.example'\nproxy = 'http://me:secret@p:1/x'",
            "server = 'https://a.example'\nproxi = 'http://me:secret@p:1'",
            "server = 'https://a.example'\nproxy = 'http://me:secret@p:1",
            "server = 'https://a.example'\nproxy = http://me:secret@p:1",
            "server = 'https://a.example'\nproxy = ['http://me:secret@p:1']",
            "server = 'http://me:secret@p:1'",
        ] {
            let error = parse(text).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("secret"), "{error}");
        }
    }

    #[test]
    fn the_example_is_a_good_file() {
        let config = parse(include_str!("../agent.example.toml")).unwrap();
        assert_eq!(config.services.len(), 4);
    }

    #[test]
    fn paths_are_relative_to_the_file() {
        let config =
            parse("server = 'https://a.example'\nkey_file = 'k'\nca_file = '/ca'\nssh_host_key_files = ['k.pub']")
                .unwrap();
        assert_eq!(config.key_file, Path::new("/etc/adit/k"));
        assert_eq!(config.ca_file.as_deref(), Some(Path::new("/ca")));
        assert_eq!(
            config.ssh_host_key_files,
            Some(vec!["/etc/adit/k.pub".into()])
        );
        let config = parse(
            "server = 'https://a.example'\n[client_certificate]\ncertificate_file = 'c.pem'\n\
             key_file = '/k.pem'",
        );
        assert_eq!(
            config.unwrap().client_certificate,
            Some(ClientCertificate {
                certificate_file: "/etc/adit/c.pem".into(),
                key_file: "/k.pem".into(),
            })
        );
    }

    #[test]
    fn bad_files_are_refused_with_the_reason() {
        let service = |lines: &str| format!("server = 'https://a.example'\n[[service]]\n{lines}");
        for (text, reason) in [
            (String::new(), "missing field `server`"),
            ("server = 'http://adit.example'".into(), "https"),
            (
                "server = 'https://a.example'\nverify = false".into(),
                "unknown field `verify`",
            ),
            (
                service("name='web'\nkind='web'\nport=80\nhots='x'"),
                "unknown field `hots`",
            ),
            (
                service("name='web'\nkind='ftp'\nport=21"),
                "unknown variant `ftp`",
            ),
            (service("name='web'\nkind='web'\nport=0"), "port 0"),
            (service("name='web'\nkind='web'\nport=65536"), "u16"),
            (service("name='W'\nkind='web'\nport=80"), "a name has"),
            (service("name='a--b'\nkind='web'\nport=80"), "a name has"),
            (
                service("name='a'\nkind='web'\nport=80\nhost='0.0.0.0'"),
                "nobody's",
            ),
            (
                service("name='a'\nkind='web'\nport=80\nhost='224.0.0.1'"),
                "nobody's",
            ),
            (
                service("name='a'\nkind='web'\nport=80\nhost='0x7f.1'"),
                "neither",
            ),
            (
                service(
                    "name='a'\nkind='web'\nport=80\n[[service]]\nname='a'\nkind='web'\nport=81",
                ),
                "twice",
            ),
        ] {
            let error = parse(&text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}\n→ {error}");
            assert!(error.starts_with("/etc/adit/agent.toml"), "{error}");
        }
    }
}
