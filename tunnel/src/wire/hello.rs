//! HELLO (PROTOCOL section 3). Keys are the field names; unknown keys are ignored.

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::capped;
use super::error::WireError;
use super::frame::MAX_HELLO_BYTES;
use super::text::clean;

const MAX_FEATURES: usize = 32;
const MAX_SERVICES: usize = 64;
const MAX_HOST_KEYS: usize = 8;
const MAX_ADDRESSES: usize = 32;

/// Of a service's name: also the second half of a host label.
const MAX_NAME_BYTES: usize = 63;
const MAX_SHORT_BYTES: usize = 64;
const MAX_LONG_BYTES: usize = 255;
/// An RSA key of 8192 bits in OpenSSH's format takes some 1400.
const MAX_HOST_KEY_BYTES: usize = 2048;

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
    #[serde(default, deserialize_with = "capped::list::<MAX_FEATURES, _, _>")]
    pub features: Vec<String>,
    /// What it grants.
    pub windows: Windows,
    /// About the device: untrusted.
    pub info: Info,
    /// The tunnel to go on with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<Resume>,
}

/// The HELLO of whoever asked for a single stream (`adit.stream.v1`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamHello {
    /// What it can do beyond the base protocol.
    #[serde(default, deserialize_with = "capped::list::<MAX_FEATURES, _, _>")]
    pub features: Vec<String>,
    /// What it grants.
    pub windows: Windows,
    /// The stream to go on with.
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
    #[serde(default, deserialize_with = "capped::list::<MAX_FEATURES, _, _>")]
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
    /// Bytes that this end keeps for sending again after a resumption; 0 = it does not resume.
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
    #[serde(default, deserialize_with = "capped::list::<MAX_SERVICES, _, _>")]
    pub services: Vec<ServiceInfo>,
    /// The device's own SSH host keys, OpenSSH format.
    #[serde(default, deserialize_with = "capped::list::<MAX_HOST_KEYS, _, _>")]
    pub ssh_host_keys: Vec<String>,
    /// Addresses on the device's own interfaces.
    #[serde(default, deserialize_with = "capped::list::<MAX_ADDRESSES, _, _>")]
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

impl Default for Windows {
    fn default() -> Self {
        Self {
            initial: 256 << 10,
            max_streams: 256,
            max_pending: 64,
            replay: 0,
        }
    }
}

impl AgentHello {
    /// The payload of HELLO.
    ///
    /// # Errors
    /// [`WireError::BadHello`] when it says more than a HELLO may.
    pub fn to_bytes(&self) -> Result<Bytes, WireError> {
        encode(self)
    }

    /// The HELLO of a payload, every text and list cut to its cap.
    ///
    /// # Errors
    /// [`WireError::BadHello`]
    pub fn from_bytes(cbor: &[u8]) -> Result<Self, WireError> {
        let mut hello: Self = decode(cbor)?;
        hello.agent = clean(&hello.agent, MAX_SHORT_BYTES);
        hello.version = clean(&hello.version, MAX_SHORT_BYTES);
        clean_all(&mut hello.features, MAX_SHORT_BYTES);
        hello.info.clean();
        Ok(hello)
    }
}

impl StreamHello {
    /// The payload of HELLO.
    ///
    /// # Errors
    /// [`WireError::BadHello`] when it says more than a HELLO may.
    pub fn to_bytes(&self) -> Result<Bytes, WireError> {
        encode(self)
    }

    /// The HELLO of a payload, every text and list cut to its cap.
    ///
    /// # Errors
    /// [`WireError::BadHello`]
    pub fn from_bytes(cbor: &[u8]) -> Result<Self, WireError> {
        let mut hello: Self = decode(cbor)?;
        clean_all(&mut hello.features, MAX_SHORT_BYTES);
        Ok(hello)
    }
}

impl ServerHello {
    /// The payload of HELLO.
    ///
    /// # Errors
    /// [`WireError::BadHello`] when it says more than a HELLO may.
    pub fn to_bytes(&self) -> Result<Bytes, WireError> {
        encode(self)
    }

    /// The HELLO of a payload.
    ///
    /// # Errors
    /// [`WireError::BadHello`]
    pub fn from_bytes(cbor: &[u8]) -> Result<Self, WireError> {
        let mut hello: Self = decode(cbor)?;
        clean_all(&mut hello.features, MAX_SHORT_BYTES);
        Ok(hello)
    }
}

impl Info {
    fn clean(&mut self) {
        self.host_name = clean(&self.host_name, MAX_LONG_BYTES);
        self.os = clean(&self.os, MAX_LONG_BYTES);
        self.arch = clean(&self.arch, MAX_SHORT_BYTES);
        for service in &mut self.services {
            service.kind = clean(&service.kind, MAX_SHORT_BYTES);
            service.host = clean(&service.host, MAX_LONG_BYTES);
        }
        // What is compared or addressed is dropped rather than mended: a mended name would be
        // another service's, a cut key nobody's.
        self.services.retain(|service| {
            !service.name.is_empty() && clean(&service.name, MAX_NAME_BYTES) == service.name
        });
        self.ssh_host_keys
            .retain(|key| clean(key, MAX_HOST_KEY_BYTES) == *key);
        clean_all(&mut self.addresses, MAX_SHORT_BYTES);
    }
}

fn clean_all(texts: &mut [String], max_bytes: usize) {
    for text in texts {
        *text = clean(text, max_bytes);
    }
}

fn encode(hello: &impl Serialize) -> Result<Bytes, WireError> {
    let mut cbor = Vec::new();
    ciborium::into_writer(hello, &mut cbor).map_err(|_| WireError::BadHello)?;
    if cbor.len() > MAX_HELLO_BYTES {
        return Err(WireError::BadHello);
    }
    Ok(cbor.into())
}

fn decode<T: DeserializeOwned>(cbor: &[u8]) -> Result<T, WireError> {
    if cbor.len() > MAX_HELLO_BYTES {
        return Err(WireError::BadHello);
    }
    ciborium::from_reader(cbor).map_err(|_| WireError::BadHello)
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
                bytes
                    .try_into()
                    .map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }

        from.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use ciborium::Value;
    use proptest::prelude::*;

    use super::*;

    fn hello() -> AgentHello {
        AgentHello {
            instance: [7; 16],
            agent: "adit-agent".into(),
            version: "0.1.0".into(),
            features: vec!["x".into()],
            windows: Windows {
                initial: 1,
                max_streams: 2,
                max_pending: 3,
                replay: 4,
            },
            info: Info {
                host_name: "pump".into(),
                services: vec![service("web")],
                ssh_host_keys: vec!["ssh-ed25519 AAAA".into()],
                addresses: vec!["192.0.2.1".into()],
                ..Info::default()
            },
            resume: Some(Resume {
                tunnel: [1; 16],
                received: 5,
            }),
        }
    }

    fn service(name: &str) -> ServiceInfo {
        let (kind, host) = ("web".into(), "127.0.0.1".into());
        ServiceInfo {
            name: name.into(),
            kind,
            host,
            port: 80,
            tls: false,
        }
    }

    fn through(hello: &AgentHello) -> AgentHello {
        AgentHello::from_bytes(&hello.to_bytes().expect("small")).expect("valid")
    }

    #[test]
    fn what_was_encoded_decodes() {
        assert_eq!(through(&hello()), hello());
    }

    #[test]
    fn unknown_keys_are_ignored() {
        let bytes = hello().to_bytes().expect("small");
        let mut value: Value = ciborium::from_reader(&bytes[..]).expect("CBOR");
        value
            .as_map_mut()
            .expect("a map")
            .push(("later".into(), vec![Value::Null].into()));
        let mut bytes = Vec::new();
        ciborium::into_writer(&value, &mut bytes).expect("into memory");
        assert_eq!(AgentHello::from_bytes(&bytes), Ok(hello()));
    }

    #[test]
    fn s10_texts_and_lists_are_capped_and_cleaned() {
        let mut sent = hello();
        sent.info.host_name = format!("\u{202e}{}", "h".repeat(300));
        sent.info.os = "<b>\u{7}Linux".into();
        sent.info.services = (0..70).map(|n| service(&format!("s{n}"))).collect();
        sent.info.addresses = vec!["\u{2066}::1".into(); 40];
        let info = through(&sent).info;
        assert_eq!(info.host_name, "h".repeat(MAX_LONG_BYTES));
        assert_eq!(info.os, "<b>Linux");
        assert_eq!(info.services.len(), MAX_SERVICES);
        assert_eq!(info.addresses, vec!["::1"; MAX_ADDRESSES]);
    }

    #[test]
    fn s10_a_service_or_key_that_would_need_mending_is_dropped() {
        let mut sent = hello();
        sent.info.services = vec![service("a\nb"), service(""), service("ok")];
        sent.info.ssh_host_keys = vec!["k".repeat(3000), "good".into()];
        let info = through(&sent).info;
        assert_eq!(info.services, vec![service("ok")]);
        assert_eq!(info.ssh_host_keys, vec!["good"]);
    }

    #[test]
    fn s37_a_claimed_length_allocates_nothing() {
        // {"features": [2^60 items, of which none follows
        let bomb = b"\xa1\x68features\x9b\x10\0\0\0\0\0\0\0";
        assert_eq!(AgentHello::from_bytes(bomb), Err(WireError::BadHello));
        assert_eq!(
            AgentHello::from_bytes(&[0; MAX_HELLO_BYTES + 1]),
            Err(WireError::BadHello)
        );
    }

    proptest! {
        #[test]
        fn s37_random_bytes_never_panic(cbor in proptest::collection::vec(any::<u8>(), 0..500)) {
            let _ = AgentHello::from_bytes(&cbor);
            let _ = ServerHello::from_bytes(&cbor);
            let _ = StreamHello::from_bytes(&cbor);
        }

        #[test]
        fn s37_flipped_bits_and_cuts_never_panic(
            flips in proptest::collection::vec(any::<prop::sample::Index>(), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = hello().to_bytes().expect("small").to_vec();
            for flip in flips {
                let bit = flip.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
            let _ = AgentHello::from_bytes(&bytes);
            let _ = AgentHello::from_bytes(&bytes[..cut.index(bytes.len())]);
        }
    }
}
