//! Nonces that the server need not remember: time ‖ random ‖ MAC.

use api::Timestamp;
use data_encoding::BASE64URL_NOPAD;
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};

const VALID_S: i64 = 60;
const TIME_BYTES: usize = 8;
const RANDOM_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
const NONCE_BYTES: usize = TIME_BYTES + RANDOM_BYTES + MAC_BYTES;

/// Gives nonces out and recognises them.
pub(super) struct Nonces {
    key: hmac::Key,
    random: SystemRandom,
}

impl Nonces {
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
            random: SystemRandom::new(),
        }
    }

    /// `None` when the system has no randomness.
    pub(super) fn issue(&self, now: Timestamp) -> Option<String> {
        let mut nonce = [0; NONCE_BYTES];
        nonce[..TIME_BYTES].copy_from_slice(&now.0.to_be_bytes());
        self.random
            .fill(&mut nonce[TIME_BYTES..TIME_BYTES + RANDOM_BYTES])
            .ok()?;
        let (message, mac) = nonce.split_at_mut(TIME_BYTES + RANDOM_BYTES);
        mac.copy_from_slice(hmac::sign(&self.key, message).as_ref());
        Some(BASE64URL_NOPAD.encode(&nonce))
    }

    /// Whether it is one of ours and still fresh.
    pub(super) fn accepts(&self, nonce: &str, now: Timestamp) -> bool {
        let Ok(nonce) = BASE64URL_NOPAD.decode(nonce.as_bytes()) else {
            return false;
        };
        let Ok(nonce) = <[u8; NONCE_BYTES]>::try_from(nonce) else {
            return false;
        };
        let (message, mac) = nonce.split_at(TIME_BYTES + RANDOM_BYTES);
        if hmac::verify(&self.key, message, mac).is_err() {
            return false;
        }
        let mut time = [0; TIME_BYTES];
        time.copy_from_slice(&message[..TIME_BYTES]);
        let age_s = now.seconds_since(Timestamp(i64::from_be_bytes(time)));
        // From the future: the clock was set back. Not for longer than a nonce lives.
        (-VALID_S..VALID_S).contains(&age_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    #[test]
    fn s27_a_nonce_lives_a_minute() {
        let nonces = Nonces::new(&[7; 32]);
        let nonce = nonces.issue(NOW).unwrap();
        assert_ne!(nonces.issue(NOW).unwrap(), nonce);
        for (seconds, accepted) in [
            (0, true),
            (59, true),
            (60, false),
            (3600, false),
            (-61, false),
        ] {
            assert_eq!(
                nonces.accepts(&nonce, NOW.plus_seconds(seconds)),
                accepted,
                "{seconds}"
            );
        }
    }

    #[test]
    fn s27_a_nonce_of_another_server_or_of_nobody_is_refused() {
        let nonces = Nonces::new(&[7; 32]);
        let nonce = nonces.issue(NOW).unwrap();
        assert!(
            Nonces::new(&[7; 32]).accepts(&nonce, NOW),
            "it outlives restarts"
        );
        assert!(!Nonces::new(&[8; 32]).accepts(&nonce, NOW));
        let bytes = BASE64URL_NOPAD.decode(nonce.as_bytes()).unwrap();
        for index in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[index] ^= 1;
            assert!(
                !nonces.accepts(&BASE64URL_NOPAD.encode(&forged), NOW),
                "byte {index}"
            );
        }
        for text in ["", "A", "=", &nonce[1..], &format!("{nonce}A")] {
            assert!(!nonces.accepts(text, NOW), "{text:?}");
        }
    }
}
