//! New identifiers, and the random bits in them.

use api::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

/// A UUIDv7 of this time: later ones sort after earlier ones, which keeps indexes compact.
#[must_use]
pub fn new_id(now: Timestamp) -> Uuid {
    let millis = u64::try_from(now.0 / 1000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
}

/// Random bytes from the operating system.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[expect(clippy::expect_used, reason = "without randomness nothing may go on")]
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_version_7_and_sort_by_time() {
        let early = new_id(Timestamp(1_000_000));
        let late = new_id(Timestamp(2_000_000));
        assert_eq!(early.get_version_num(), 7);
        assert!(early < late);
        assert_ne!(late, new_id(Timestamp(2_000_000)));
    }
}
