//! The configuration, each key with its meaning. Unknown keys are errors.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use api::OrganizationId;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{DeviceDomain, InvalidName, Origin, Redirect};

/// All of it. It holds no secret: keys are named by the file they are in.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where people find the manager: scheme, host, port if not the default one. Every absolute
    /// URL is made from it; a request's Host never is.
    pub public_url: Origin,
    /// Devices are at `<label>.<device_domain>`, with `public_url`'s scheme and port.
    pub device_domain: DeviceDomain,
    /// More origins that agents may have been configured with, for instance an older name.
    #[serde(default)]
    pub agent_origins: Vec<Origin>,
    /// Where the server keeps what is its own. Relative paths below are relative to it.
    #[serde(default = "default_data_dir")]
    pub data_dir: PathBuf,
    #[serde(default)]
    pub listen: Listen,
    #[serde(default)]
    pub database: Database,
    #[serde(default)]
    pub log: Log,
    #[serde(default)]
    pub metrics: Metrics,
    #[serde(default)]
    pub limits: Limits,
    #[serde(default)]
    pub timers: Timers,
    #[serde(default)]
    pub webtunnel: WebTunnel,
}

impl Config {
    /// A configuration of which everything else has its default.
    ///
    /// # Errors
    /// [`InvalidName`] when one of the two is not what it must be.
    pub fn new(public_url: &str, device_domain: &str) -> Result<Self, InvalidName> {
        Ok(Self {
            public_url: public_url.parse()?,
            device_domain: device_domain.parse()?,
            agent_origins: Vec::new(),
            data_dir: default_data_dir(),
            listen: Listen::default(),
            database: Database::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            limits: Limits::default(),
            timers: Timers::default(),
            webtunnel: WebTunnel::default(),
        })
    }

    /// Where agents and tools that speak WebTunnel find the server: the device domain itself.
    #[must_use]
    pub fn webtunnel_url(&self) -> String {
        let public = &self.public_url;
        let (scheme, usual_port) = if public.is_https() {
            ("https", 443)
        } else {
            ("http", 80)
        };
        let domain = self.device_domain.as_str();
        match public.port() {
            port if port == usual_port => format!("{scheme}://{domain}"),
            port => format!("{scheme}://{domain}:{port}"),
        }
    }

    /// The origins besides [`Config::public_url`] at which agents of ours are answered.
    #[must_use]
    pub fn other_agent_origins(&self) -> Vec<Origin> {
        let certified = self.listen.device_certificates.iter();
        let certified = certified.map(|devices| devices.url.clone());
        self.agent_origins
            .iter()
            .cloned()
            .chain(certified)
            .collect()
    }

    /// Puts relative paths below [`Config::data_dir`].
    pub(super) fn resolve_paths(&mut self) {
        self.database.path = self.data_dir.join(&self.database.path);
        if let Some(tls) = &mut self.listen.tls {
            tls.certificate = self.data_dir.join(&tls.certificate);
            tls.key = self.data_dir.join(&tls.key);
        }
        if let Some(devices) = &mut self.listen.device_certificates {
            for authority in &mut devices.authorities {
                authority.file = self.data_dir.join(&authority.file);
            }
        }
        if let Some(file) = &mut self.metrics.token_file {
            *file = self.data_dir.join(&*file);
        }
    }
}

fn default_data_dir() -> PathBuf {
    "/var/lib/adit".into()
}

/// The public port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    pub address: SocketAddr,
    /// Absent: plain HTTP, on loopback or behind a trusted proxy only.
    pub tls: Option<Tls>,
    /// Absent: no client is asked for a certificate.
    pub device_certificates: Option<DeviceCertificates>,
    /// Reverse proxies whose `X-Forwarded-For` is believed. Empty: none is.
    pub trusted_proxies: Vec<IpNet>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080),
            tls: None,
            device_certificates: None,
            trusted_proxies: Vec::new(),
        }
    }
}

/// Certificate and key, PEM files; read again at SIGHUP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Devices with a client certificate, at a name of their own: at it a certificate is required, at
/// all others none is asked for. The authorities' files are read again at SIGHUP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceCertificates {
    /// Where such agents find the server.
    pub url: Origin,
    /// Whose certificates count, and for whom.
    pub authorities: Vec<Authority>,
}

/// Who signs the certificates of an organization's devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authority {
    pub organization: OrganizationId,
    /// Root certificates, a PEM file.
    pub file: PathBuf,
}

/// Where records are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// The SQLite file; made when it is not there.
    pub path: PathBuf,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            path: "adit.db".into(),
        }
    }
}

/// The log on standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// What is logged, as `level` or `target=level,…`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: LogFormat::Text,
            filter: "info".into(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    Text,
    Json,
}

/// The listener for Prometheus. Off unless it is asked for: a port that nobody wants is one more
/// that others on the machine can read, and that two servers on one machine would both want.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Absent: none. Off loopback only with `token_file` or `allow_remote`.
    pub listen: Option<SocketAddr>,
    /// Holds the token that a request must bring as `Authorization: Bearer …`.
    pub token_file: Option<PathBuf>,
    /// Whoever reaches the listener may read, from other machines too.
    pub allow_remote: bool,
}

/// How much of what may be there at once. The strict rules on request heads are not here: they
/// are not for turning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections that have not been upgraded. Beyond it new ones are closed at once.
    pub connections: usize,
    /// The same, from one IPv4 address or IPv6 /64; trusted proxies are exempt.
    pub connections_per_address: usize,
    /// Upgraded connections: tunnels of devices and WebSockets of people, all authenticated.
    pub upgraded_connections: usize,
    /// The body of a request to the API.
    pub api_body_bytes: usize,
    /// How long a stream, or a browser's event stream, may last at most, in seconds.
    pub stream_life_s: u64,
    /// What all tunnels together may have under way; absent: a quarter of the memory limit of the
    /// machine or its container, at least 64 MiB.
    pub tunnel_memory_bytes: Option<u64>,
    /// Tunnels at once; absent: as many as half the memory limit holds at rest, at 32 KiB each.
    pub tunnels: Option<u64>,
    /// Tunnels that may begin in a second; absent: 250 for each core.
    pub tunnel_handshakes_per_s: Option<u32>,
    /// For how long a tunnel or stream that was lost to the network is kept, in seconds; 0 = not.
    pub resume_s: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            connections_per_address: 512,
            upgraded_connections: 65_536,
            api_body_bytes: 65_536,
            stream_life_s: 12 * 3600,
            tunnel_memory_bytes: None,
            tunnels: None,
            tunnel_handshakes_per_s: None,
            resume_s: 180,
        }
    }
}

/// How long peers are waited for, in milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timers {
    pub tls_handshake_ms: u64,
    /// From connected (TLS: handshake done) to the first byte of a request.
    pub first_byte_ms: u64,
    /// From the first byte of a request's head to its last.
    pub head_ms: u64,
    /// Between an answer and the next request.
    pub keep_alive_ms: u64,
    /// Without a byte of a request's body, while we want it.
    pub body_stall_ms: u64,
    /// For the whole body of a request to the manager.
    pub api_body_ms: u64,
    /// Without a byte taken by the peer, while we have one to send.
    pub write_stall_ms: u64,
    /// For the manager to begin its answer.
    pub answer_ms: u64,
    /// From the first signal to the hard stop.
    pub stop_grace_ms: u64,
    /// After so much silence an agent that speaks WebTunnel sends a sign of life; whole seconds.
    pub webtunnel_keep_alive_ms: u64,
}

impl Default for Timers {
    fn default() -> Self {
        Self {
            tls_handshake_ms: 10_000,
            first_byte_ms: 10_000,
            head_ms: 10_000,
            keep_alive_ms: 60_000,
            body_stall_ms: 60_000,
            api_body_ms: 10_000,
            write_stall_ms: 120_000,
            answer_ms: 30_000,
            stop_grace_ms: 30_000,
            webtunnel_keep_alive_ms: 60_000,
        }
    }
}

impl Timers {
    #[must_use]
    pub const fn stop_grace(&self) -> Duration {
        Duration::from_millis(self.stop_grace_ms)
    }

    /// As agents are told; never 0, which would make them send one after every byte.
    #[must_use]
    pub fn webtunnel_keep_alive_s(&self) -> u32 {
        let seconds = self.webtunnel_keep_alive_ms.div_ceil(1000).max(1);
        u32::try_from(seconds).unwrap_or(u32::MAX)
    }
}

/// Agents of others, which speak WebTunnel.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebTunnel {
    /// Where agents are sent that ask here: another server, or another path of this one. Who asks
    /// there already is served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
}
