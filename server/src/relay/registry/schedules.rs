//! Threads that meet at the registry, run by shuttle in any order it can think of (decision 0020).
//!
//! The registry, its turnover and what cuts a stream are the server's own code; the tunnel is a
//! model of one. What nobody ends is a thread that waits for ever: shuttle calls that a deadlock.
//! Locks of the model's own are none of shuttle's: they would only multiply the schedules.

use shuttle::scheduler::DfsScheduler;
use shuttle::{Config, Runner};
use tunnel::driver::GoAwayReason;

use self::model::Server;
use super::Occupant;

mod model;

const ONE: [u8; 16] = [1; 16];
const TWO: [u8; 16] = [2; 16];
/// Another one tries other schedules. A schedule that fails is printed by shuttle, for `replay`.
const SEED: u64 = 0x00ad_1700;
const ITERATIONS: usize = 4000;

/// Every schedule there is. Only for what two threads do in a few turns.
fn every(scenario: impl Fn() + Send + Sync + 'static) {
    let scheduler = DfsScheduler::new(None, false);
    let schedules = Runner::new(scheduler, Config::new()).run(scenario);
    assert!(schedules > 50, "only {schedules} schedules");
}

fn random(scenario: impl Fn() + Send + Sync + 'static) {
    shuttle::check_random_with_seed(scenario, SEED, ITERATIONS);
}

#[test]
fn s28_threads_of_two_that_connect_one_holds() {
    random(|| {
        let server = Server::new();
        let agents = [ONE, TWO, ONE].map(|instance| {
            server.spawn(move |server| {
                server.connect_and_probe(instance);
            })
        });
        agents.into_iter().for_each(|agent| agent.join().unwrap());
        let newest = server.holder().expect("one holds");
        assert!(newest.state().told.is_empty());
        for wire in &*server.wires.lock().unwrap() {
            if !wire.is_same(&newest) {
                wire.closed();
                assert_eq!(wire.state().told.len(), 1, "told once");
            }
        }
        server.assert_settled();
        server.end();
    });
}

#[test]
fn s28_threads_where_the_old_ones_end_leaves_the_new_one_alone() {
    every(|| {
        let server = Server::new();
        let (old, _) = server.connect(ONE);
        let ends = server.spawn(move |server| {
            old.wire.close(None);
            server.serve(&old);
        });
        let (new, _) = server.connect(ONE);
        ends.join().unwrap();
        assert!(server.holder().is_some_and(|it| it.is_same(&new.wire)));
        server.assert_settled();
    });
}

#[test]
fn threads_of_a_drain_forget_nobody_who_connects() {
    every(|| {
        let server = Server::new();
        let agent = server.spawn(|server| {
            let (seated, _) = server.connect(ONE);
            server.serve(&seated);
        });
        server.drain();
        agent.join().unwrap();
        server.assert_settled();
        assert!(server.holder().is_none());
    });
}

#[test]
fn threads_of_a_disabled_device_leave_no_tunnel() {
    every(|| {
        let server = Server::new();
        let agent = server.spawn(|server| {
            let (seated, _) = server.connect(ONE);
            server.serve(&seated);
        });
        server.disable();
        agent.join().unwrap();
        server.assert_settled();
        assert!(server.holder().is_none());
    });
}

#[test]
fn s28_threads_of_two_that_connect_in_every_schedule() {
    every(|| {
        let server = Server::new();
        let other = server.spawn(|server| server.connect(TWO).1);
        let (_, old) = server.connect(ONE);
        let olds = [old, other.join().unwrap()];
        // Of those that are refused nobody is asked whether they live.
        for old in olds.into_iter().flatten() {
            assert!(!old.is_closed() && old.0.retired.is_cancelled());
            old.send_away(GoAwayReason::Replaced);
        }
        server.assert_settled();
        assert!(server.holder().is_some());
    });
}

/// The old tunnel is not closed before its streams are gone: retiring it has to cut them.
#[test]
fn s28_threads_that_open_on_a_replaced_tunnel_are_cut() {
    random(|| {
        let server = Server::new();
        let (first, _) = server.connect_and_serve(ONE);
        let opens = [(); 3].map(|()| server.spawn(|server| server.open()));
        let replaces = server.spawn(|server| {
            let (new, old) = server.connect_and_serve(TWO);
            assert!(old.is_some(), "of another process");
            new.close(None);
        });
        replaces.join().unwrap();
        opens.into_iter().for_each(|opened| opened.join().unwrap());
        assert!(!first.is_closed(), "asked whether it lives");
        first.send_away(GoAwayReason::Replaced);
        server.end();
    });
}

#[test]
fn threads_that_resume_keep_nothing_that_had_to_go() {
    for ends in [Server::drain, Server::disable] {
        random(move || {
            let server = Server::new();
            let (lost, _) = server.connect_and_serve(ONE);
            lost.state().is_connected = false;
            let resumes = server.spawn(|server| server.resume(ONE));
            // The agent may have given the tunnel up for a new one already.
            let connects = server.spawn(|server| {
                server.connect_and_serve(ONE);
            });
            ends(&server);
            resumes.join().unwrap();
            connects.join().unwrap();
            server.join();
            assert!(server.holder().is_none());
            server.assert_settled();
        });
    }
}

#[test]
fn s28_threads_of_everything_at_once() {
    random(|| {
        let server = Server::new();
        for instance in [ONE, TWO, ONE] {
            server.beside(move |server| {
                server.connect_and_probe(instance);
            });
        }
        server.beside(|server| {
            server.connect_and_probe(TWO).close(None);
        });
        server.beside(|server| server.resume(ONE));
        server.beside(|server| server.open());
        server.beside(|server| server.open());
        let revokes = server.spawn(|server| server.lease.cancel());
        let drains = server.spawn(|server| server.drain());
        // Meanwhile: one at most, and never an older one after a newer one.
        let mut newest = 0;
        for _ in 0..4 {
            let all = server.registry.all();
            assert!(all.len() <= 1);
            for (_, epoch, _) in all {
                assert!(epoch >= newest, "an older one after a newer one");
                newest = epoch;
            }
        }
        revokes.join().unwrap();
        drains.join().unwrap();
        server.join();
        server.assert_settled();
        server.end();
    });
}

/// They take turns until that is quarantined; still one holds, and it is the newest.
#[test]
fn s28_threads_that_keep_swapping_leave_one() {
    random(|| {
        let server = Server::new();
        let agents = [ONE, TWO].map(|instance| {
            server.spawn(move |server| {
                for _ in 0..6 {
                    server.connect_and_probe(instance);
                }
            })
        });
        agents.into_iter().for_each(|agent| agent.join().unwrap());
        let holder = server.holder().expect("one holds");
        assert!(holder.state().told.is_empty());
        for wire in &*server.wires.lock().unwrap() {
            if !wire.is_same(&holder) {
                wire.closed();
            }
        }
        server.assert_settled();
        server.end();
    });
}
