//! The configuration, each key with its meaning. Unknown keys are errors.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// All of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where people find the manager: scheme, host, port if not the default one. Every absolute
    /// URL is made from it; a request's Host never is.
    pub public_url: String,
    /// Devices are at `<label>.<device_domain>`, with `public_url`'s scheme and port.
    pub device_domain: String,
    /// More origins that agents may have been configured with, for instance an older name.
    #[serde(default)]
    pub agent_origins: Vec<String>,
    pub listen: Listen,
    pub database: Database,
}

/// The public port.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    pub address: SocketAddr,
    /// Absent: plain HTTP, on loopback only.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// Certificate and key, PEM files.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Where records are kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// The SQLite file; made when it is not there.
    pub path: PathBuf,
}
