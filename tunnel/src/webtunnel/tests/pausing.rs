//! Full queues: the socket is paused, and who holds others up is cut.

use super::Scene;
use crate::mux::{OpenError, StreamError};
use crate::webtunnel::{Fault, Message};
use crate::wire::{Code, Target};

const MIB: usize = 1 << 20;

#[test]
fn a_full_channel_pauses_the_socket_until_it_is_read() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.data(id, MIB - 1);
    assert!(!scene.mux.is_paused());
    scene.data(id, 1);
    assert!(scene.mux.is_paused() && !scene.mux.take_relieved());
    scene.read_bytes(stream, MIB / 4 - 1);
    assert!(scene.mux.is_paused() && !scene.mux.take_relieved());
    scene.read_bytes(stream, 1);
    assert!(!scene.mux.is_paused());
    assert!(scene.mux.take_relieved() && !scene.mux.take_relieved());
}

#[test]
fn alone_it_may_take_its_time_and_the_agent_is_kept_quiet() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.data(id, MIB);
    let mut pings = 0;
    for _ in 0..30 {
        scene.pass_ms(20_000);
        pings += scene.frames().len();
        assert!(scene.mux.is_paused() && !scene.mux.is_dead());
    }
    assert!((28..=31).contains(&pings), "{pings} in 600 s");
    scene.read_bytes(stream, MIB);
    scene.pass_ms(100_000);
    assert!(!scene.mux.is_dead(), "it is listened to anew");
    assert!(scene.frames().is_empty());
}

#[test]
fn who_holds_others_up_is_cut_after_10_s() {
    let mut scene = Scene::new();
    let (slow, id) = scene.opened();
    let (other, _) = scene.opened();
    scene.data(id, MIB);
    scene.pass_ms(5000);
    scene.read_bytes(slow, 60 << 10);
    scene.pass_ms(4900);
    assert!(!scene.mux.has_ended(slow));
    scene.pass_ms(200);
    assert_eq!(scene.sent(), [Message::Error(id, Fault::TimedOut)]);
    assert!(matches!(
        scene.read(slow),
        Err(StreamError::Reset {
            code: Code::TimedOut,
            ..
        })
    ));
    assert!(!scene.mux.is_paused() && !scene.mux.has_ended(other));
}

#[test]
fn who_drains_is_not_cut() {
    let mut scene = Scene::new();
    let (slow, id) = scene.opened();
    scene.opened();
    scene.data(id, MIB);
    for _ in 0..20 {
        scene.pass_ms(5000);
        scene.read_bytes(slow, 70 << 10);
        scene.data(id, 70 << 10);
    }
    assert!(!scene.mux.has_ended(slow));
}

#[test]
fn what_the_device_has_ended_holds_nobody_up() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.opened();
    scene.data(id, MIB);
    scene.hear(&Message::Close(id));
    assert!(!scene.mux.is_paused());
    scene.pass_ms(60_000);
    scene.read_bytes(stream, MIB);
}

#[test]
fn eight_mib_of_an_agent_are_the_end_of_new_channels() {
    let mut scene = Scene::new();
    let opened: Vec<_> = (0..10).map(|_| scene.opened()).collect();
    for (_, id) in &opened {
        scene.data(*id, 900 << 10);
    }
    assert!(scene.mux.is_paused());
    let target = Target::Tcp {
        host: "h".into(),
        port: 80,
    };
    let now = scene.now;
    assert_eq!(scene.mux.open(now, &target), Err(OpenError::Busy));
    // Nobody reads: one after the other goes, until the rest has room.
    scene.pass_ms(60_000);
    assert!(!scene.mux.is_paused());
    let living = opened
        .iter()
        .filter(|(stream, _)| !scene.mux.has_ended(*stream));
    assert_eq!(living.count(), 6);
    for (stream, _) in opened {
        scene.mux.release(stream);
    }
    assert_eq!(scene.mux.budget_used_bytes(), 0);
}
