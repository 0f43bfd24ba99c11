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
    let registry = Registry::<_>::new(now());
    let newer = registry.register(device(1), 6, ONE, "newer", now());
    assert_eq!(newer, Ok(Replaced::Nothing));
    let older = registry.register(device(1), 5, ONE, "older", now());
    assert_eq!(
        older,
        Err(Unregistered::Outdated("older")),
        "it goes, though it came last"
    );
    assert_eq!(registry.find(device(1), now()), Whereabouts::Here("newer"));
    let newest = registry.register(device(1), 7, ONE, "newest", now());
    assert_eq!(newest, Ok(Replaced::Own("newer")));
    let other = registry.register(device(1), 8, TWO, "other", now());
    assert_eq!(other, Ok(Replaced::Other("newest")));
}

#[test]
fn s28_the_end_of_an_old_tunnel_does_not_end_the_new_one() {
    let registry = Registry::<_>::new(now());
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
fn s28_two_processes_that_keep_swapping_are_quarantined() {
    let registry = Registry::<_>::new(now());
    let start = now();
    let after = |seconds| start + Duration::from_secs(seconds);
    assert!(registry.register(device(1), 1, ONE, 1, start).is_ok());
    for swap in 1..=5 {
        assert!(!registry.count_swap(device(1), after(swap)), "{swap}");
    }
    assert!(!registry.refuses(device(1), &TWO, after(6)));
    assert!(registry.count_swap(device(1), after(6)), "the sixth");
    assert!(registry.refuses(device(1), &TWO, after(7)));
    let other = registry.register(device(1), 2, TWO, 2, after(7));
    assert_eq!(other, Err(Unregistered::Quarantined(2)));
    assert!(!registry.refuses(device(1), &ONE, after(7)), "it holds");
    let own = registry.register(device(1), 3, ONE, 3, after(7));
    assert_eq!(own, Ok(Replaced::Own(1)));
    assert!(registry.remove(device(1), 3, after(8)));
    assert!(!registry.refuses(device(1), &TWO, after(8)), "nobody holds");
    let other = registry.register(device(1), 4, TWO, 4, after(8));
    assert_eq!(other, Ok(Replaced::Nothing));
    assert!(registry.refuses(device(1), &ONE, after(605)));
    assert!(!registry.refuses(device(1), &ONE, after(607)), "it is over");
    assert!(!registry.count_swap(device(1), after(607)), "counted anew");
}

#[test]
fn s28_swaps_far_apart_are_no_alarm() {
    let registry = Registry::<_>::new(now());
    let start = now();
    assert!(registry.register(device(1), 1, ONE, 1, start).is_ok());
    for swap in 0..50 {
        let at = start + Duration::from_secs(swap * 150);
        assert!(!registry.count_swap(device(1), at), "{swap}");
    }
}

#[test]
fn one_process_that_reconnects_is_no_swap() {
    let registry = Registry::<_>::new(now());
    for epoch in 1..=50 {
        let registered = registry.register(device(1), epoch, ONE, epoch, now());
        assert!(matches!(
            registered,
            Ok(Replaced::Nothing | Replaced::Own(_))
        ));
    }
}

#[test]
fn a_lost_device_is_expected_back_for_a_while() {
    let start = now();
    let registry = Registry::<_>::new(start);
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
    assert_eq!(registry.slots.turn(|slots| slots.remembered()), 0);
}

#[test]
fn a_device_taken_away_is_not_expected_back() {
    let start = now();
    let registry = Registry::<_>::new(start);
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
        let registry = Registry::<_>::new(now());
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

/// What one connection does, in this order.
#[derive(Clone, Copy, Debug)]
enum Step {
    TakeEpoch,
    Register,
    End,
}

const STEPS: [Step; 3] = [Step::TakeEpoch, Step::Register, Step::End];

/// Connections of a device that begin and end, and somebody who sends it away once.
struct Schedule {
    registry: Registry<usize>,
    last_epoch: u64,
    epochs: [u64; 3],
    /// The highest that was ever registered.
    newest: u64,
    /// How often each was told to go, or has ended while it held.
    ended: [u32; 3],
    now: Instant,
}

impl Schedule {
    /// The next step of a connection; the last of them is who sends the device away.
    fn step(&mut self, who: usize, step: usize) {
        let Some(instance) = [ONE, TWO, ONE].get(who) else {
            if let Some(taken) = self.registry.take(device(1), self.now) {
                self.ended[taken] += 1;
            }
            return;
        };
        match STEPS[step] {
            Step::TakeEpoch => {
                self.last_epoch += 1;
                self.epochs[who] = self.last_epoch;
            }
            Step::Register => {
                let epoch = self.epochs[who];
                let before = self.newest;
                let registered = self
                    .registry
                    .register(device(1), epoch, *instance, who, self.now);
                match registered {
                    Ok(replaced) => {
                        assert!(epoch > before, "an older one after a newer one");
                        self.newest = epoch;
                        if let Replaced::Own(old) | Replaced::Other(old) = replaced {
                            self.ended[old] += 1;
                        }
                    }
                    Err(Unregistered::Outdated(back)) => {
                        assert!(epoch < before && back == who);
                        self.ended[who] += 1;
                    }
                    Err(Unregistered::Quarantined(_)) => panic!("there was no swap"),
                }
            }
            Step::End => {
                if self.registry.remove(device(1), self.epochs[who], self.now) {
                    self.ended[who] += 1;
                }
            }
        }
        let owners = self.registry.all();
        assert!(owners.len() <= 1);
        for (_, epoch, owner) in owners {
            assert_eq!((epoch, self.epochs[owner]), (self.newest, self.newest));
            assert_eq!(self.ended[owner], 0, "it was told to go, and holds");
            assert!(self.registry.is_current(device(1), epoch));
        }
    }
}

/// Each operation is one turn of the one lock: what threads can do to each other is to bring them
/// into another order, and these are all orders of three connections and a removal.
#[test]
fn s28_no_order_of_operations_has_two_owners_or_forgets_one() {
    let mut order = Vec::new();
    let mut count = 0;
    every_order(&mut [3, 3, 3, 1], &mut order, &mut |order| {
        count += 1;
        let mut schedule = Schedule {
            registry: Registry::<_>::new(now()),
            last_epoch: 0,
            epochs: [0; 3],
            newest: 0,
            ended: [0; 3],
            now: now(),
        };
        let mut next = [0; 4];
        for &who in order {
            schedule.step(who, next[who]);
            next[who] += 1;
        }
        assert_eq!(schedule.ended, [1; 3], "each goes once: {order:?}");
        assert_eq!(schedule.registry.len(), 0);
    });
    assert_eq!(count, 16_800);
}

/// Calls `each` with every order in which these many steps of each can come.
fn every_order(left: &mut [usize; 4], order: &mut Vec<usize>, each: &mut impl FnMut(&[usize])) {
    if left.iter().all(|steps| *steps == 0) {
        return each(order);
    }
    for who in 0..left.len() {
        if left[who] > 0 {
            left[who] -= 1;
            order.push(who);
            every_order(left, order, each);
            order.pop();
            left[who] += 1;
        }
    }
}
