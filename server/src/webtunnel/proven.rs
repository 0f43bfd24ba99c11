//! Passwords that were proven the slow way: the next time they cost a hash.

use std::collections::HashMap;

use api::{DeviceId, Timestamp};
use ring::hmac;
use uuid::Uuid;

use crate::db::random;

/// Slow proofs of one device within [`WINDOW_S`]. An agent with a wrong password tries twice a
/// minute.
const TRIES: u32 = 10;
const WINDOW_S: i64 = 60;
const NOBODIES: u128 = 4096;

/// Known by a key that is gone with the process, so that nothing of it can be guessed from what is
/// kept.
pub(super) struct Proven {
    key: hmac::Key,
    devices: HashMap<DeviceId, Known>,
}

#[derive(Default)]
struct Known {
    tag: Option<[u8; 32]>,
    since: Timestamp,
    tries: u32,
}

impl Default for Proven {
    fn default() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()),
            devices: HashMap::new(),
        }
    }
}

impl Proven {
    /// Whether this password was proven against this record.
    pub(super) fn has(&self, device: DeviceId, recorded: &str, password: &str) -> bool {
        let known = self.devices.get(&device).and_then(|known| known.tag);
        known.is_some_and(|tag| hmac::verify(&self.key, &message(recorded, password), &tag).is_ok())
    }

    pub(super) fn keep(&mut self, device: DeviceId, recorded: &str, password: &str) {
        let tag = hmac::sign(&self.key, &message(recorded, password));
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        self.devices.entry(device).or_default().tag = Some(bytes);
    }

    /// Stands for an agent that there is not: it is tried as often as one that there is. Few of
    /// them, so that made-up ids fill no memory.
    pub(super) fn nobody(&self, domain: Uuid, agent_id: &str) -> DeviceId {
        let message = [domain.as_bytes(), agent_id.as_bytes()].concat();
        let tag = hmac::sign(&self.key, &message);
        let bits = tag.as_ref().iter().take(2);
        let number = bits.fold(0, |number, byte| number << 8 | u128::from(*byte));
        DeviceId(Uuid::from_u128(number % NOBODIES))
    }

    /// Whether it may be tried the slow way now. What is proven already is not asked.
    pub(super) fn may_try(&mut self, device: DeviceId, now: Timestamp) -> bool {
        let known = self.devices.entry(device).or_default();
        if !(0..WINDOW_S).contains(&now.seconds_since(known.since)) {
            (known.since, known.tries) = (now, 0);
        }
        known.tries += 1;
        known.tries <= TRIES
    }
}

/// The record has no byte of zero in it.
fn message(recorded: &str, password: &str) -> Vec<u8> {
    [recorded.as_bytes(), &[0], password.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_proven_is_known_until_the_record_changes() {
        let device = DeviceId(Uuid::from_u128(1));
        let mut proven = Proven::default();
        assert!(!proven.has(device, "record", "s3cret"));
        proven.keep(device, "record", "s3cret");
        assert!(proven.has(device, "record", "s3cret"));
        assert!(!proven.has(device, "record", "s3cret2"));
        assert!(!proven.has(device, "another", "s3cret"));
        assert!(!proven.has(DeviceId(Uuid::from_u128(2)), "record", "s3cret"));
    }

    #[test]
    fn s39_so_many_tries_a_minute() {
        let device = DeviceId(Uuid::from_u128(1));
        let mut proven = Proven::default();
        let start = Timestamp(1_800_000_000_000_000);
        let tries = (0..20).filter(|_| proven.may_try(device, start)).count();
        assert_eq!(tries, 10);
        assert!(proven.may_try(device, start.plus_seconds(60)));
    }
}
