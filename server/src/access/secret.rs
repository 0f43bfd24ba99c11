//! Bearer secrets: 256 random bits with the name of their class in front.
//!
//! Only the SHA-256 of a secret is ever stored. That is enough for 256 random bits: there is
//! nothing to guess, so nothing that a slow hash would slow down.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use crate::db::random;

/// What a secret opens. One of another class is refused before it is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The manager, in a browser.
    SignIn,
    /// One device's origin, in a browser.
    DeviceSignIn,
    /// The API.
    ApiToken,
    /// Enrolment of devices.
    InstallKey,
    /// The tunnel of an agent that has no key.
    WebTunnelAgent,
}

impl Class {
    /// Secret scanners find leaked secrets by these; cookies carry their own names already.
    const fn prefix(self) -> &'static str {
        match self {
            Self::SignIn => "s.",
            Self::DeviceSignIn => "d.",
            Self::ApiToken => "adit_token_",
            Self::InstallKey => "adit_key_",
            Self::WebTunnelAgent => "adit_agent_",
        }
    }
}

/// Characters that encode 32 bytes.
const ENCODED_LEN: usize = 43;

/// A secret, about to be told to whom it is for. It has no `Debug` and is wiped when dropped.
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A new one.
    #[must_use]
    pub fn generate(class: Class) -> Self {
        let bytes = Zeroizing::new(random::<32>());
        let mut text = Zeroizing::new(String::with_capacity(64));
        text.push_str(class.prefix());
        BASE64URL_NOPAD.encode_append(&*bytes, &mut text);
        Self(text)
    }

    /// What to store.
    #[must_use]
    pub fn hash(&self) -> SecretHash {
        SecretHash::of_text(&self.0)
    }

    /// The secret itself, for the one answer that tells it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What is stored of a secret, and looked up by. Safe to log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret that somebody sent; `None` if it cannot be one of this class.
    #[must_use]
    pub fn of(class: Class, presented: &str) -> Option<Self> {
        let encoded = presented.strip_prefix(class.prefix())?;
        let well_formed = encoded.len() == ENCODED_LEN
            && encoded
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        well_formed.then(|| Self::of_text(presented))
    }

    fn of_text(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretHash({})", BASE64URL_NOPAD.encode(&self.0[..6]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [Class; 5] = [
        Class::SignIn,
        Class::DeviceSignIn,
        Class::ApiToken,
        Class::InstallKey,
        Class::WebTunnelAgent,
    ];

    #[test]
    fn s05_a_secret_is_of_its_class_alone() {
        for made in CLASSES {
            let secret = Secret::generate(made);
            for asked in CLASSES {
                let hash = SecretHash::of(asked, secret.reveal());
                assert_eq!(
                    hash == Some(secret.hash()),
                    made == asked,
                    "{made:?} as {asked:?}"
                );
                assert_eq!(hash.is_some(), made == asked, "{made:?} as {asked:?}");
            }
        }
    }

    #[test]
    fn two_secrets_differ() {
        assert_ne!(
            Secret::generate(Class::SignIn).hash(),
            Secret::generate(Class::SignIn).hash()
        );
    }

    #[test]
    fn malformed_ones_are_not_hashed() {
        let good = Secret::generate(Class::SignIn).reveal().to_owned();
        for bad in [
            "",
            "s.",
            &good[1..],
            &good[..40],
            &format!("{good}A"),
            &good.replace('.', "_"),
        ] {
            assert_eq!(SecretHash::of(Class::SignIn, bad), None, "{bad}");
        }
    }
}
