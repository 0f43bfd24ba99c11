//! Checks that whoever asks holds a device's key (PROTOCOL section 1).

use api::ProblemCode;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderMap, HeaderValue, header};
use ring::signature::{ED25519, UnparsedPublicKey};
use tunnel::proof::{Purpose, Statement};

use super::nonce::Nonces;
use crate::clock::Clock;
use crate::config::Config;
use crate::http::ApiError;

/// A whole `Authorization` of ours has about 400 bytes.
const MAX_AUTHORIZATION_BYTES: usize = 1024;

/// Who proved what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Proven {
    pub(super) key: [u8; 32],
    pub(super) instance: [u8; 16],
}

/// Asks for proof and checks it.
pub(super) struct Prover {
    nonces: Nonces,
    clock: Clock,
    /// What agents may have been configured with; never what a request calls its host.
    origins: Vec<String>,
}

impl Prover {
    pub(super) fn new(config: &Config, clock: Clock, nonce_key: &[u8; 32]) -> Self {
        let origins =
            std::iter::once(config.public_url.clone()).chain(config.other_agent_origins());
        let origins = origins.map(|origin| origin.as_str().to_owned()).collect();
        Self {
            nonces: Nonces::new(nonce_key),
            clock,
            origins,
        }
    }

    /// Checks the proof in `headers`. It says who holds the key, not that the key is known.
    ///
    /// # Errors
    /// A 401 with a fresh challenge, the same for every fault.
    pub(super) fn check(
        &self,
        purpose: Purpose,
        protocols: &str,
        headers: &HeaderMap,
    ) -> Result<Proven, ApiError> {
        let authorization = headers.get(header::AUTHORIZATION).ok_or_else(|| {
            self.challenge()
                .detail("Sign the nonce with the device's key and send it again.")
        })?;
        authorization
            .to_str()
            .ok()
            .and_then(Claim::parse)
            .filter(|claim| self.holds(claim, purpose, protocols))
            .map(|claim| Proven {
                key: claim.key,
                instance: claim.instance,
            })
            .ok_or_else(|| self.refusal())
    }

    /// For a proof that did not verify, and for a key that nobody knows.
    pub(super) fn refusal(&self) -> ApiError {
        self.challenge().detail(
            "Key unknown here, signature wrong, nonce too old, or the agent is configured with \
             another address of this server.",
        )
    }

    fn challenge(&self) -> ApiError {
        let challenge = self.nonces.issue(self.clock.now()).and_then(|nonce| {
            HeaderValue::from_str(&format!("Adit-Device nonce=\"{nonce}\"")).ok()
        });
        match challenge {
            Some(challenge) => ApiError::new(ProblemCode::ProofInvalid).challenge(challenge),
            None => ApiError::internal("no random numbers for a nonce"),
        }
    }

    fn holds(&self, claim: &Claim<'_>, purpose: Purpose, protocols: &str) -> bool {
        if !self.nonces.accepts(claim.nonce, self.clock.now())
            || !self.origins.iter().any(|origin| origin == claim.origin)
        {
            return false;
        }
        let statement = Statement {
            purpose,
            nonce: claim.nonce,
            origin: claim.origin,
            protocols,
            instance: &claim.instance,
        };
        UnparsedPublicKey::new(&ED25519, claim.key)
            .verify(&statement.to_bytes(), &claim.signature)
            .is_ok()
    }
}

/// What `Authorization: Adit-Device …` claims.
struct Claim<'a> {
    key: [u8; 32],
    nonce: &'a str,
    instance: [u8; 16],
    origin: &'a str,
    signature: [u8; 64],
}

impl<'a> Claim<'a> {
    /// Strict: each parameter once, quoted, nothing escaped. Unknown ones are for later versions.
    fn parse(authorization: &'a str) -> Option<Self> {
        if authorization.len() > MAX_AUTHORIZATION_BYTES {
            return None;
        }
        let (scheme, parameters) = authorization.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("Adit-Device") {
            return None;
        }
        let [mut key, mut nonce, mut instance, mut origin, mut signature] = [None; 5];
        for parameter in parameters.split(',') {
            let (name, value) = parameter.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            if value.contains(['"', '\\']) {
                return None;
            }
            let place = match name {
                "key" => &mut key,
                "nonce" => &mut nonce,
                "instance" => &mut instance,
                "origin" => &mut origin,
                "signature" => &mut signature,
                _ => continue,
            };
            if place.replace(value).is_some() {
                return None;
            }
        }
        Some(Self {
            key: decode(key?)?,
            nonce: nonce?,
            instance: decode(instance?)?,
            origin: origin?,
            signature: decode(signature?)?,
        })
    }
}

fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64URL_NOPAD
        .decode(text.as_bytes())
        .ok()?
        .try_into()
        .ok()
}

#[cfg(test)]
mod tests;
