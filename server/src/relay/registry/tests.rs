use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const ONE: [u8; 16] = [1; 16];
const TWO: [u8; 16] = [2; 16];

fn device(number: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(number))
}

fn now() -> Instant {
    Instant::now()
}

#[test]
fn s28_the_newest_wins_whatever_the_order() {
    let registry = Registry::new(now());
    let newer = registry.register(device(1), 6, ONE, "newer", now());
    assert!(newer.is_ok_and(|registered| registered.replaced.is_none()));
    let older = registry.register(device(1), 5, ONE, "older", now());
    assert_eq!(older.err(), Some("older"), "it goes, though it came last");
    assert_eq!(registry.find(device(1), now()), Whereabouts::Here("newer"));
    let newest = registry.register(device(1), 7, ONE, "newest", now()).ok();
    assert_eq!(
        newest.and_then(|registered| registered.replaced),
        Some("newer")
    );
}

#[test]
fn s28_the_end_of_an_old_tunnel_does_not_end_the_new_one() {
    let registry = Registry::new(now());
    assert!(registry.register(device(1), 1, ONE, "old", now()).is_ok());
    assert!(registry.register(device(1), 2, ONE, "new", now()).is_ok());
    assert!(!registry.remove(device(1), 1, now()));
    assert_eq!(registry.find(device(1), now()), Whereabouts::Here("new"));
    assert!(registry.remove(device(1), 2, now()));
    assert!(!registry.remove(device(1), 2, now()), "once");
    assert!(
        registry.register(device(1), 1, ONE, "late", now()).is_err(),
        "fenced for good"
    );
}

#[test]
fn s28_two_processes_that_keep_swapping_are_noticed() {
    let registry = Registry::new(now());
    let start = now();
    let swap = |epoch: u64, instance, at| {
        registry
            .register(device(1), epoch, instance, epoch, at)
            .is_ok_and(|it| it.flapping)
    };
    for epoch in 1..=6 {
        assert!(
            !swap(epoch, if epoch % 2 == 0 { ONE } else { TWO }, start),
            "{epoch}"
        );
    }
    assert!(
        swap(7, TWO, start + Duration::from_secs(1)),
        "the sixth swap"
    );
    let later = start + SWAP_WINDOW + Duration::from_secs(1);
    assert!(!swap(8, ONE, later), "a new window");
}

#[test]
fn one_process_that_reconnects_is_no_swap() {
    let registry = Registry::new(now());
    for epoch in 1..=50 {
        let registered = registry.register(device(1), epoch, ONE, epoch, now());
        assert!(registered.is_ok_and(|registered| !registered.flapping));
    }
}

#[test]
fn a_lost_device_is_expected_back_for_a_while() {
    let start = now();
    let registry = Registry::new(start);
    let after = |seconds| start + Duration::from_secs(seconds);
    assert_eq!(
        registry.find(device(1), after(1)),
        Whereabouts::ExpectedBack,
        "just started"
    );
    assert_eq!(registry.find(device(1), after(61)), Whereabouts::Away);
    assert!(
        registry
            .register(device(1), 1, ONE, "it", after(100))
            .is_ok()
    );
    registry.remove(device(1), 1, after(200));
    assert_eq!(
        registry.find(device(1), after(219)),
        Whereabouts::ExpectedBack
    );
    assert_eq!(registry.find(device(1), after(221)), Whereabouts::Away);
    registry.forget_lost(after(2000));
    assert_eq!(registry.devices.lock().unwrap().len(), 0);
}

#[test]
fn a_device_taken_away_is_not_expected_back() {
    let start = now();
    let registry = Registry::new(start);
    assert!(registry.register(device(1), 1, ONE, "it", start).is_ok());
    assert_eq!(registry.take(device(1), start), Some("it"));
    assert_eq!(registry.find(device(1), start), Whereabouts::Away);
    assert_eq!(registry.take(device(2), start), None);
    assert!(
        registry.register(device(1), 2, ONE, "again", start).is_ok(),
        "enabled again"
    );
    assert!(registry.remove(device(1), 2, start));
    assert_eq!(registry.find(device(1), start), Whereabouts::ExpectedBack);
}

proptest! {
    /// Connects and disconnects of one device in any order: the newest that has registered and
    /// not ended is the device's, and no other ever.
    #[test]
    fn s28_no_interleaving_loses_the_newest(
        steps in prop::collection::vec((any::<bool>(), 1_u64..20), 0..100),
    ) {
        let registry = Registry::new(now());
        let mut expected: Option<u64> = None;
        let mut highest = 0;
        for (connects, epoch) in steps {
            if connects {
                let accepted = registry.register(device(1), epoch, ONE, epoch, now()).is_ok();
                prop_assert_eq!(accepted, epoch > highest);
                if accepted {
                    highest = epoch;
                    expected = Some(epoch);
                }
            } else {
                let was_current = registry.remove(device(1), epoch, now());
                prop_assert_eq!(was_current, expected == Some(epoch));
                if was_current {
                    expected = None;
                }
            }
            match registry.find(device(1), now()) {
                Whereabouts::Here(tunnel) => prop_assert_eq!(Some(tunnel), expected),
                _ => prop_assert_eq!(None, expected),
            }
        }
    }
}
