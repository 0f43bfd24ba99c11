//! What is recorded of an agent's password.
//!
//! A password that this server made has 256 random bits: its SHA-256 tells nothing, and thousands
//! of agents that come back at once cost nothing. A password that a fleet brought along may be
//! any: argon2id, a few at a time, and once proven it is remembered for as long as the server runs
//! ([`super::proven`]).

use data_encoding::BASE64URL_NOPAD;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::access::{Class, Secret, SecretHash};
use crate::accounts::{AccountsError, Passwords};

const SHA256_PREFIX: &str = "sha256:";

/// As it stands in the database.
pub(super) enum StoredSecret {
    Made(String),
    Brought(String),
}

impl StoredSecret {
    /// Of a new secret.
    pub(super) fn made(secret: &Secret) -> Self {
        Self::Made(encode(secret.hash()))
    }

    /// Of a password that the fleet has.
    pub(super) async fn brought(
        password: Zeroizing<String>,
        passwords: &Passwords,
    ) -> Result<Self, AccountsError> {
        Ok(Self::Brought(passwords.hash(password).await?))
    }

    pub(super) fn parse(text: String) -> Self {
        if text.starts_with(SHA256_PREFIX) {
            Self::Made(text)
        } else {
            Self::Brought(text)
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Made(text) | Self::Brought(text) => text,
        }
    }
}

/// Whether a password is the one of which this was recorded.
pub(super) fn is_made(presented: &str, recorded: &str) -> bool {
    SecretHash::of(Class::WebTunnelAgent, presented)
        .is_some_and(|hash| bool::from(encode(hash).as_bytes().ct_eq(recorded.as_bytes())))
}

fn encode(hash: SecretHash) -> String {
    format!("{SHA256_PREFIX}{}", BASE64URL_NOPAD.encode(hash.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s27_a_made_secret_is_known_by_its_hash_alone() {
        let secret = Secret::generate(Class::WebTunnelAgent);
        let stored = StoredSecret::made(&secret);
        assert!(!stored.as_str().contains(secret.reveal()));
        assert!(is_made(secret.reveal(), stored.as_str()));
        let other = Secret::generate(Class::WebTunnelAgent);
        assert!(!is_made(other.reveal(), stored.as_str()));
        assert!(!is_made("", stored.as_str()));
        assert!(matches!(
            StoredSecret::parse(stored.as_str().to_owned()),
            StoredSecret::Made(_)
        ));
    }
}
