//! How many connections there may be: in all, from one address, and upgraded.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::IpNet;

use crate::config::Limits;

/// Counts connections and refuses those beyond the limits.
///
/// Upgraded connections are counted apart: they belong to somebody who was authenticated, and a
/// flood of strangers must not take their places, nor a fleet behind one address its own.
pub(super) struct Caps {
    limits: Limits,
    exempt: Vec<IpNet>,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    connections: usize,
    upgraded: usize,
    by_source: HashMap<IpAddr, usize>,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    Everything,
    Source,
}

impl Caps {
    /// `exempt`: proxies, from whose few addresses everybody comes.
    pub(super) fn new(limits: Limits, exempt: Vec<IpNet>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            exempt,
            counts: Mutex::default(),
        })
    }

    /// A place for a connection from `address`, until the permit is dropped.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Permit, Full> {
        let address = address.to_canonical();
        let is_exempt = self.exempt.iter().any(|network| network.contains(&address));
        let source = (!is_exempt).then(|| source_of(address));
        let mut counts = self.counts();
        if counts.connections >= self.limits.connections {
            return Err(Full::Everything);
        }
        if let Some(source) = source {
            let count = counts.by_source.entry(source).or_default();
            if *count >= self.limits.connections_per_address {
                return Err(Full::Source);
            }
            *count += 1;
        }
        counts.connections += 1;
        Ok(Permit {
            caps: Arc::clone(self),
            source,
            upgraded: false,
        })
    }

    /// How many there are now, not upgraded and upgraded, each with its limit.
    pub(super) fn now(&self) -> [(usize, usize); 2] {
        let counts = self.counts();
        [
            (counts.connections, self.limits.connections),
            (counts.upgraded, self.limits.upgraded_connections),
        ]
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one connection.
pub(super) struct Permit {
    caps: Arc<Caps>,
    source: Option<IpAddr>,
    upgraded: bool,
}

impl Permit {
    /// Moves the connection to the upgraded ones; `false` when there are too many.
    pub(super) fn upgrade(&mut self) -> bool {
        let mut counts = self.caps.counts();
        if counts.upgraded >= self.caps.limits.upgraded_connections {
            return false;
        }
        counts.upgraded += 1;
        counts.leave(self.source);
        drop(counts);
        self.upgraded = true;
        true
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut counts = self.caps.counts();
        if self.upgraded {
            counts.upgraded -= 1;
        } else {
            counts.leave(self.source);
        }
    }
}

impl Counts {
    fn leave(&mut self, source: Option<IpAddr>) {
        self.connections -= 1;
        let Some(source) = source else { return };
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
    }
}

/// One subscriber has a whole IPv6 /64.
fn source_of(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(exempt: &[&str]) -> Arc<Caps> {
        let limits = Limits {
            connections: 3,
            connections_per_address: 2,
            upgraded_connections: 1,
            ..Limits::default()
        };
        Caps::new(
            limits,
            exempt
                .iter()
                .map(|network| network.parse().unwrap())
                .collect(),
        )
    }

    fn admit(caps: &Arc<Caps>, address: &str) -> Result<Permit, Full> {
        caps.admit(address.parse().unwrap())
    }

    #[test]
    fn s35_places_are_limited_and_given_back() {
        let caps = caps(&[]);
        let one = admit(&caps, "10.0.0.1").unwrap();
        let _two = admit(&caps, "::ffff:10.0.0.1").unwrap();
        assert_eq!(admit(&caps, "10.0.0.1").err(), Some(Full::Source));
        let _three = admit(&caps, "2001:db8::1").unwrap();
        assert_eq!(admit(&caps, "10.0.0.2").err(), Some(Full::Everything));
        drop(one);
        assert!(admit(&caps, "10.0.0.1").is_ok());
        assert_eq!(caps.counts().by_source.len(), 2);
    }

    #[test]
    fn s35_an_ipv6_network_is_one_source() {
        let caps = caps(&[]);
        let _one = admit(&caps, "2001:db8::1").unwrap();
        let _two = admit(&caps, "2001:db8::ffff:2").unwrap();
        assert_eq!(admit(&caps, "2001:db8::3").err(), Some(Full::Source));
        assert!(admit(&caps, "2001:db8:0:1::3").is_ok());
    }

    #[test]
    fn a_proxy_is_exempt_from_the_limit_per_source_only() {
        let caps = caps(&["10.0.0.0/8"]);
        let _held: Vec<Permit> = (0..3).map(|_| admit(&caps, "10.0.0.1").unwrap()).collect();
        assert_eq!(admit(&caps, "10.0.0.1").err(), Some(Full::Everything));
    }

    #[test]
    fn s35_upgraded_connections_have_a_budget_of_their_own() {
        let caps = caps(&[]);
        let mut one = admit(&caps, "10.0.0.1").unwrap();
        assert!(one.upgrade());
        let mut two = admit(&caps, "10.0.0.1").unwrap();
        assert!(!two.upgrade());
        let _three = admit(&caps, "10.0.0.1").unwrap();
        assert_eq!(admit(&caps, "10.0.0.1").err(), Some(Full::Source));
        drop(one);
        assert!(two.upgrade());
        drop(two);
        let counts = caps.counts();
        assert_eq!((counts.connections, counts.upgraded), (1, 0));
    }
}
