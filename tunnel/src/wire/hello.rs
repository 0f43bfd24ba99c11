//! HELLO (PROTOCOL section 3). Keys are the field names; unknown keys are ignored.

use serde::{Deserialize, Serialize};

/// The agent's HELLO: the first frame of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentHello {
    /// Random per agent process.
    #[serde(with = "bytes16")]
    pub instance: [u8; 16],
    /// Name of the program.
    pub agent: String,
    /// Its version.
    pub version: String,
    /// What it can do beyond the base protocol.
    #[serde(default)]
    pub features: Vec<String>,
    /// What it grants.
    pub windows: Windows,
    /// About the device: untrusted.
    pub info: Info,
    /// The tunnel to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// The server's HELLO: the answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerHello {
    /// The tunnel's id: 128 random bits. Grants nothing by itself.
    #[serde(with = "bytes16")]
    pub tunnel: [u8; 16],
    /// Orders the tunnels of one device in time; a higher one replaces a lower.
    pub epoch: u64,
    /// Whether the streams of the tunnel asked for go on.
    pub resumed: bool,
    /// With `resumed`: counted frames received in the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<u64>,
    /// Features both ends have.
    #[serde(default)]
    pub features: Vec<String>,
    /// What it grants.
    pub windows: Windows,
    /// Ask for a sign of life after this much silence.
    pub keepalive_s: u32,
}

/// What one end grants the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Windows {
    /// Bytes that may be sent on a new stream before any CREDIT.
    pub initial: u32,
    /// Streams alive at a time that the other end opened.
    pub max_streams: u32,
    /// Of these, not yet accepted or refused.
    pub max_pending: u32,
    /// Bytes kept for resending after a resumption.
    pub replay: u32,
}

/// The tunnel that an agent wants to go on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Its id.
    #[serde(with = "bytes16")]
    pub tunnel: [u8; 16],
    /// Counted frames received in the epoch.
    pub received: u64,
}

/// What the agent tells of its device. Untrusted; every text is capped on receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// The device's host name.
    #[serde(default)]
    pub host_name: String,
    /// Operating system and version.
    #[serde(default)]
    pub os: String,
    /// CPU architecture.
    #[serde(default)]
    pub arch: String,
    /// The services that may be reached.
    #[serde(default)]
    pub services: Vec<ServiceInfo>,
    /// The device's own SSH host keys, OpenSSH format.
    #[serde(default)]
    pub ssh_host_keys: Vec<String>,
    /// Addresses on the device's own interfaces.
    #[serde(default)]
    pub addresses: Vec<String>,
}

/// One service, as the agent's configuration has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Unique on its device.
    pub name: String,
    /// `web`, `ssh`, `vnc`, `rdp` or `tcp`.
    pub kind: String,
    /// Shown to people as the address behind the service.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether the service itself speaks TLS.
    #[serde(default)]
    pub tls: bool,
}

mod bytes16 {
    //! 16 bytes as a CBOR byte string.

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = [u8; 16];

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("16 bytes")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                bytes.try_into().map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }

        from.deserialize_bytes(Bytes)
    }
}
