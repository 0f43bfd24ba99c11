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
const NOBODIES: u16 = 4096;

/// Devices that register themselves in one domain within [`WINDOW_S`].
pub(super) const REGISTRATIONS: u32 = 120;

/// Of whom something was proven, or who tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Who {
    Device(DeviceId),
    /// Its secret.
    Domain(Uuid),
    /// One of few that stand for all agents that there are not, so that made-up ids fill no memory.
    Nobody(u16),
}

/// Known by a key that is gone with the process, so that nothing of it can be guessed from what is
/// kept.
pub(super) struct Proven {
    key: hmac::Key,
    tags: HashMap<Who, [u8; 32]>,
    tries: HashMap<Who, Tries>,
    registrations: HashMap<Uuid, Tries>,
}

/// So many within a window.
#[derive(Default)]
struct Tries {
    since: Timestamp,
    count: u32,
}

impl Tries {
    fn take(&mut self, most: u32, now: Timestamp) -> bool {
        if !(0..WINDOW_S).contains(&now.seconds_since(self.since)) {
            (self.since, self.count) = (now, 0);
        }
        self.count = self.count.saturating_add(1);
        self.count <= most
    }
}

impl Default for Proven {
    fn default() -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &random::<32>()),
            tags: HashMap::new(),
            tries: HashMap::new(),
            registrations: HashMap::new(),
        }
    }
}

impl Proven {
    /// Whether this password was proven against this record.
    pub(super) fn has(&self, who: Who, recorded: &str, password: &str) -> bool {
        let tag = self.tags.get(&who);
        tag.is_some_and(|tag| hmac::verify(&self.key, &message(recorded, password), tag).is_ok())
    }

    pub(super) fn keep(&mut self, who: Who, recorded: &str, password: &str) {
        let tag = hmac::sign(&self.key, &message(recorded, password));
        let mut bytes = [0; 32];
        bytes.copy_from_slice(tag.as_ref());
        self.tags.insert(who, bytes);
    }

    /// Stands for an agent that there is not: it is tried as often as one that there is.
    pub(super) fn nobody(&self, domain: Uuid, agent_id: &str) -> Who {
        let message = [domain.as_bytes(), agent_id.as_bytes()].concat();
        let tag = hmac::sign(&self.key, &message);
        let bits = tag.as_ref().iter().take(2);
        Who::Nobody(bits.fold(0, |number, byte| number << 8 | u16::from(*byte)) % NOBODIES)
    }

    /// Whether it may be tried the slow way now. What is proven already is not asked.
    pub(super) fn may_try(&mut self, who: Who, now: Timestamp) -> bool {
        self.tries.entry(who).or_default().take(TRIES, now)
    }

    /// Whether one more device may register itself in the domain now.
    pub(super) fn may_register(&mut self, domain: Uuid, now: Timestamp) -> bool {
        let registrations = self.registrations.entry(domain).or_default();
        registrations.take(REGISTRATIONS, now)
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
        let device = Who::Device(DeviceId(Uuid::from_u128(1)));
        let mut proven = Proven::default();
        assert!(!proven.has(device, "record", "s3cret"));
        proven.keep(device, "record", "s3cret");
        assert!(proven.has(device, "record", "s3cret"));
        assert!(!proven.has(device, "record", "s3cret2"));
        assert!(!proven.has(device, "another", "s3cret"));
        assert!(!proven.has(Who::Domain(Uuid::from_u128(1)), "record", "s3cret"));
    }

    #[test]
    fn s39_so_many_tries_a_minute() {
        let device = Who::Device(DeviceId(Uuid::from_u128(1)));
        let mut proven = Proven::default();
        let start = Timestamp(1_800_000_000_000_000);
        let tries = (0..20).filter(|_| proven.may_try(device, start)).count();
        assert_eq!(tries, 10);
        assert!(proven.may_try(device, start.plus_seconds(60)));
    }
}
