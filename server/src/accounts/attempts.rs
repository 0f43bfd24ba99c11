//! Limits on guessing passwords: the more failures, the longer the wait before the next attempt.
//!
//! Failures are counted for an account from one address, for an address, for an account from
//! anywhere, and for everybody. Nothing locks for good, a refused attempt does not prolong a wait,
//! and where somebody signed in before, others' failures do not stand in the way: guessing cannot
//! be used to keep the owner out. Pure: the time is an argument.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};

use api::Timestamp;

/// Entries of one table. Beyond it the entry that was longest untouched goes.
const TABLE_MAX: usize = 10_000;
const FORGET_AFTER_S: i64 = 15 * 60;
/// How long an address at which an account signed in is known.
const KNOWN_FOR_S: i64 = 30 * 24 * 3600;

/// How many failures are free, and how long the wait grows; it doubles with each failure.
#[derive(Clone, Copy)]
struct Rule {
    free: u32,
    longest_s: i64,
}

const ACCOUNT_AT_PEER: Rule = Rule {
    free: 5,
    longest_s: 300,
};
const PEER: Rule = Rule {
    free: 30,
    longest_s: 300,
};
const ACCOUNT: Rule = Rule {
    free: 50,
    longest_s: 30,
};
const EVERYBODY: Rule = Rule {
    free: 500,
    longest_s: 2,
};

/// All counts.
#[derive(Default)]
pub(super) struct Attempts {
    account_at_peer: Table<Ticket>,
    peer: Table<Network>,
    account: Table<String>,
    everybody: Count,
    known: Table<Ticket>,
}

/// An attempt that may go on; it counts as a failure until [`Attempts::succeeded`]. That way
/// attempts at the same time are counted too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Ticket {
    account: String,
    peer: Network,
}

/// What one customer of a provider has: an IPv4 address, or an IPv6 /64.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Network(IpAddr);

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) => {
                let prefix = u128::from(v6) & !u128::from(u64::MAX);
                Self(IpAddr::V6(Ipv6Addr::from(prefix)))
            }
            v4 @ IpAddr::V4(_) => Self(v4),
        }
    }
}

impl Attempts {
    /// Begins an attempt, or tells how many seconds to wait. It makes no difference whether there
    /// is an account of this name.
    pub(super) fn begin(
        &mut self,
        username: &str,
        peer: IpAddr,
        now: Timestamp,
    ) -> Result<Ticket, u32> {
        let account: String = username.chars().take(64).collect();
        let ticket = Ticket {
            account,
            peer: Network::of(peer),
        };

        let own = self.account_at_peer.wait(&ticket, ACCOUNT_AT_PEER, now);
        let others = if self.known.is_fresh(&ticket, now) {
            0
        } else {
            let peer = self.peer.wait(&ticket.peer, PEER, now);
            let account = self.account.wait(&ticket.account, ACCOUNT, now);
            peer.max(account).max(self.everybody.wait(EVERYBODY, now))
        };
        let wait_s = own.max(others);
        if wait_s > 0 {
            return Err(u32::try_from(wait_s).unwrap_or(u32::MAX));
        }

        self.account_at_peer.charge(ticket.clone(), now);
        self.peer.charge(ticket.peer, now);
        self.account.charge(ticket.account.clone(), now);
        self.everybody.charge(now);
        Ok(ticket)
    }

    /// The attempt was none at guessing.
    pub(super) fn succeeded(&mut self, ticket: Ticket, now: Timestamp) {
        self.account_at_peer.0.remove(&ticket);
        self.peer.refund(&ticket.peer);
        self.account.refund(&ticket.account);
        self.everybody.refund();
        self.known.charge(ticket, now);
    }
}

/// Failures in a row, without a long pause between them.
#[derive(Clone, Copy, Default)]
struct Count {
    failures: u32,
    last: Timestamp,
}

impl Count {
    /// Seconds to wait from now, rounded up.
    fn wait(&self, rule: Rule, now: Timestamp) -> i64 {
        if self.failures < rule.free || now.seconds_since(self.last) >= FORGET_AFTER_S {
            return 0;
        }
        let doublings = (self.failures - rule.free).min(20);
        let delay_s = (1_i64 << doublings).min(rule.longest_s);
        let ready = self.last.plus_seconds(delay_s);
        let micros = ready.0.saturating_sub(now.0).max(0);
        micros / 1_000_000 + i64::from(micros % 1_000_000 > 0)
    }

    fn charge(&mut self, now: Timestamp) {
        if now.seconds_since(self.last) >= FORGET_AFTER_S {
            self.failures = 0;
        }
        self.failures = self.failures.saturating_add(1);
        self.last = now;
    }

    fn refund(&mut self) {
        self.failures = self.failures.saturating_sub(1);
    }
}

/// Counts by key, never more than [`TABLE_MAX`].
struct Table<K>(HashMap<K, Count>);

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<K: Clone + Eq + Hash> Table<K> {
    fn wait(&self, key: &K, rule: Rule, now: Timestamp) -> i64 {
        self.0.get(key).map_or(0, |count| count.wait(rule, now))
    }

    fn is_fresh(&self, key: &K, now: Timestamp) -> bool {
        self.0
            .get(key)
            .is_some_and(|count| now.seconds_since(count.last) < KNOWN_FOR_S)
    }

    fn charge(&mut self, key: K, now: Timestamp) {
        if self.0.len() >= TABLE_MAX && !self.0.contains_key(&key) {
            self.make_room();
        }
        self.0.entry(key).or_default().charge(now);
    }

    /// Forgets the oldest tenth at once, so that a flood does not look for the oldest each time.
    fn make_room(&mut self) {
        let mut times: Vec<Timestamp> = self.0.values().map(|count| count.last).collect();
        let (_, border, _) = times.select_nth_unstable(TABLE_MAX / 10);
        let border = *border;
        self.0.retain(|_, count| count.last > border);
    }

    fn refund(&mut self, key: &K) {
        if let Some(count) = self.0.get_mut(key) {
            count.refund();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp(1_700_000_000_000_000);

    fn v4(last: u32) -> IpAddr {
        IpAddr::V4((0x0a00_0000 + last).into())
    }

    #[test]
    fn s39_failures_make_the_wait_grow_and_time_heals() {
        let mut attempts = Attempts::default();
        for _ in 0..5 {
            attempts.begin("ada", v4(1), START).unwrap();
        }
        assert_eq!(attempts.begin("ada", v4(1), START), Err(1));
        let mut now = START;
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            assert_eq!(attempts.begin("ada", v4(1), now), Err(expected));
            now = now.plus_seconds(i64::from(expected));
            attempts.begin("ada", v4(1), now).unwrap();
        }
        now = now.plus_seconds(FORGET_AFTER_S);
        for _ in 0..5 {
            attempts.begin("ada", v4(1), now).unwrap();
        }
    }

    #[test]
    fn s39_the_owner_signs_in_while_others_guess() {
        let mut attempts = Attempts::default();
        let home = attempts.begin("ada", v4(7), START).unwrap();
        attempts.succeeded(home, START);
        let mut refused = 0;
        for peer in 100..10_100 {
            refused += u32::from(attempts.begin("ada", v4(peer), START).is_err());
        }
        assert!(refused > 9_900, "only {refused} guesses were refused");
        // Where she was before, at once; elsewhere, after a wait that is never long.
        assert!(attempts.begin("ada", v4(7), START).is_ok());
        let wait = attempts.begin("ada", v4(8), START).unwrap_err();
        assert!(wait <= 30, "{wait}");
        // One address that guesses does not keep her out anywhere else.
        let mut attempts = Attempts::default();
        while attempts.begin("ada", v4(1), START).is_ok() {}
        assert!(attempts.begin("ada", v4(8), START).is_ok());
    }

    #[test]
    fn s39_one_address_cannot_try_many_names() {
        let mut attempts = Attempts::default();
        let allowed = (0..1000)
            .filter(|n| attempts.begin(&format!("u{n}"), v4(1), START).is_ok())
            .count();
        assert_eq!(allowed, 30);
    }

    #[test]
    fn one_ipv6_network_is_one_peer() {
        let of = |text: &str| Network::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }

    #[test]
    fn tables_are_bounded() {
        let mut table = Table::default();
        for key in 0..(TABLE_MAX as i64 * 2) {
            table.charge(key, START.plus_seconds(key));
        }
        assert!(table.0.len() <= TABLE_MAX);
        assert!(
            table.0.contains_key(&(TABLE_MAX as i64 * 2 - 1)),
            "the newest stays"
        );
    }
}
