//! Random values that open something once, and what is kept of them.

use data_encoding::BASE64URL_NOPAD;
use ring::digest::{SHA256, digest};
use ring::rand::SecureRandom;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::http::ApiError;

/// 256 random bits as text. No `Debug`: it is told to one browser and to nobody else.
pub(in crate::proxy) struct Token(Zeroizing<String>);

/// What is kept of a token; safe to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Digest([u8; 32]);

/// Characters of a token.
const LEN: usize = 43;

impl Token {
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn generate(random: &dyn SecureRandom) -> Result<Self, ApiError> {
        let mut bytes = Zeroizing::new([0; 32]);
        random
            .fill(&mut *bytes)
            .map_err(|_| ApiError::internal("no random numbers"))?;
        Ok(Self(Zeroizing::new(BASE64URL_NOPAD.encode(&*bytes))))
    }

    pub(in crate::proxy) fn reveal(&self) -> &str {
        &self.0
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::of_text(&self.0)
    }
}

impl Digest {
    /// Of a token that somebody sent; `None` when it cannot be one.
    pub(super) fn of(presented: &str) -> Option<Self> {
        let is_token = presented.len() == LEN
            && presented
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        is_token.then(|| Self::of_text(presented))
    }

    fn of_text(text: &str) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
        Self(hash)
    }
}

/// Compares secrets in a time that tells nothing of them.
pub(super) fn same(one: &str, other: &str) -> bool {
    one.as_bytes().ct_eq(other.as_bytes()).into()
}
