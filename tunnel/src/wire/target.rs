//! What an OPEN asks for (PROTOCOL section 4).

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::error::WireError;
use super::frame::MAX_OPEN_BYTES;
use super::text::clean;

/// Of a service's or an internal target's name.
const MAX_NAME_BYTES: usize = 64;
/// Of a host: a DNS name's 253 and a little.
const MAX_HOST_BYTES: usize = 255;

/// The target of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// A service that the agent's own configuration offers, by name.
    Service(String),
    /// An address behind a gateway; only inside the allow-list of the agent's configuration.
    Tcp {
        /// Name or address.
        host: String,
        /// TCP port.
        port: u16,
    },
    /// Something that the other end serves itself.
    Internal(String),
}

impl Target {
    /// The payload of an OPEN.
    ///
    /// # Errors
    /// [`WireError::BadTarget`] when a text is too long or holds what no name holds.
    pub fn to_bytes(&self) -> Result<Bytes, WireError> {
        self.check()?;
        let mut cbor = Vec::new();
        ciborium::into_writer(self, &mut cbor).map_err(|_| WireError::BadTarget)?;
        Ok(cbor.into())
    }

    /// The target of an OPEN's payload.
    ///
    /// # Errors
    /// [`WireError::BadTarget`]
    pub fn from_bytes(cbor: &[u8]) -> Result<Self, WireError> {
        if cbor.len() > MAX_OPEN_BYTES {
            return Err(WireError::BadTarget);
        }
        let target: Self = ciborium::from_reader(cbor).map_err(|_| WireError::BadTarget)?;
        target.check()?;
        Ok(target)
    }

    /// A name is compared, resolved and logged: rather none than a mended one.
    fn check(&self) -> Result<(), WireError> {
        let (text, max_bytes) = match self {
            Self::Service(name) | Self::Internal(name) => (name, MAX_NAME_BYTES),
            Self::Tcp { host, .. } => (host, MAX_HOST_BYTES),
        };
        if text.is_empty() || clean(text, max_bytes) != *text {
            return Err(WireError::BadTarget);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_kind_survives_the_round_trip() {
        for target in [
            Target::Service("web".into()),
            Target::Tcp {
                host: "10.0.0.7".into(),
                port: 502,
            },
            Target::Internal("agent".into()),
        ] {
            let bytes = target.to_bytes().expect("a good target");
            assert_eq!(Target::from_bytes(&bytes), Ok(target));
        }
    }

    #[test]
    fn the_service_target_is_a_map_of_one_key() {
        let bytes = Target::Service("web".into())
            .to_bytes()
            .expect("a good target");
        assert_eq!(&bytes[..], b"\xa1\x67service\x63web");
    }

    #[test]
    fn s10_a_name_that_would_need_mending_is_refused() {
        for name in ["", "a\nb", "\u{202e}x", &"x".repeat(65)] {
            assert_eq!(
                Target::Service(name.into()).to_bytes(),
                Err(WireError::BadTarget)
            );
        }
    }

    proptest! {
        #[test]
        fn s37_random_bytes_never_panic(cbor in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Target::from_bytes(&cbor);
        }

        #[test]
        fn s37_flipped_bits_never_panic(flip in 0_usize..8 * 20, cut in 0_usize..20) {
            let target = Target::Tcp { host: "h".into(), port: 80 };
            let mut bytes = target.to_bytes().expect("a good target").to_vec();
            let bit = flip % (bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes.truncate(bytes.len().saturating_sub(cut).max(1));
            let _ = Target::from_bytes(&bytes);
        }
    }
}
