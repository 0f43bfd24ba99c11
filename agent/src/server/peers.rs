//! Which of a name's addresses to try first: not the ones that took a connection and then failed.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};

/// No name has more that are tried.
const MAX_FAILED: usize = 32;

/// What attempts have shown. TCP alone shows too little: a router on the way, or a machine whose
/// server hangs, takes connections and then says nothing, and would win every race.
#[derive(Default)]
pub(super) struct Peers {
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    current: Option<IpAddr>,
    /// The oldest failure first.
    failed: Vec<IpAddr>,
}

impl Peers {
    /// Puts those that failed last, the latest failure at the very end.
    pub(super) fn order(&self, mut addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
        self.with(|memory| {
            addresses.sort_by_key(|address| {
                let place = memory.failed.iter().position(|ip| *ip == address.ip());
                place.map_or(0, |place| place + 1)
            });
        });
        addresses
    }

    /// A connection to this one stands.
    pub(super) fn connected(&self, address: SocketAddr) {
        self.with(|memory| memory.current = Some(address.ip()));
    }

    /// An attempt begins: nothing is connected.
    pub(super) fn begin(&self) {
        self.with(|memory| memory.current = None);
    }

    /// The attempt succeeded: what was learnt before is old.
    pub(super) fn succeeded(&self) {
        self.with(|memory| memory.failed.clear());
    }

    /// The attempt failed after a connection stood.
    pub(super) fn failed(&self) {
        self.with(|memory| {
            let Some(current) = memory.current.take() else {
                return;
            };
            memory.failed.retain(|ip| *ip != current);
            if memory.failed.len() == MAX_FAILED {
                memory.failed.remove(0);
            }
            memory.failed.push(current);
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Memory) -> T) -> T {
        work(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_failure_is_tried_last() {
        let [a, b, c] = ["[::1]:1", "127.0.0.1:1", "127.0.0.2:1"]
            .map(|text| text.parse::<SocketAddr>().unwrap());
        let peers = Peers::default();
        let fail = |address| {
            peers.begin();
            peers.connected(address);
            peers.failed();
        };
        fail(a);
        assert_eq!(peers.order(vec![a, b, c]), [b, c, a]);
        fail(b);
        assert_eq!(peers.order(vec![a, b, c]), [c, a, b]);
        fail(a);
        assert_eq!(peers.order(vec![a, b, c]), [c, b, a]);
        // No connection stood: nobody is to blame.
        peers.begin();
        peers.failed();
        assert_eq!(peers.order(vec![a, b, c]), [c, b, a]);
        peers.succeeded();
        assert_eq!(peers.order(vec![a, b, c]), [a, b, c]);
    }

    #[test]
    fn the_memory_is_bounded() {
        let peers = Peers::default();
        for last in 0..100 {
            peers.connected(SocketAddr::from(([10, 0, 0, last], 1)));
            peers.failed();
        }
        assert_eq!(peers.with(|memory| memory.failed.len()), MAX_FAILED);
    }
}
