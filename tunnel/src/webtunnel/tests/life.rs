//! How channels open, carry and end.

use std::time::Duration;

use super::Scene;
use crate::mux::{OpenError, Read, StreamError};
use crate::webtunnel::{Fault, Message, Outgoing, Property};
use crate::wire::{Code, Target};

#[test]
fn a_channel_opens_carries_and_ends() {
    let mut scene = Scene::new();
    let stream = scene.open(8080);
    assert_eq!(scene.mux.write(stream, b"GET"), Ok(3));
    assert_eq!(scene.sent(), [Message::OpenRequest(1, 8080)]);
    assert_eq!(scene.mux.accepted(stream), None);
    assert!(scene.sent().is_empty(), "no DATA before the answer");
    scene.hear(&Message::OpenConfirm(1));
    assert_eq!(scene.sent(), [Message::Data(1, "GET".into())]);
    scene.hear(&Message::Data(1, "200".into()));
    assert_eq!(scene.read(stream), Ok(Read::Bytes("200".into())));
    assert_eq!(scene.read(stream), Ok(Read::Blocked));
    assert_eq!(scene.mux.finish(stream), Ok(false));
    assert_eq!(scene.sent(), [Message::Close(1)]);
    assert_eq!(scene.mux.finish(stream), Ok(true));
    scene.hear(&Message::Data(1, " OK".into()));
    scene.hear(&Message::Close(1));
    assert_eq!(scene.read(stream), Ok(Read::Bytes(" OK".into())));
    assert_eq!(scene.read(stream), Ok(Read::End));
    assert!(scene.mux.has_ended(stream));
    assert_eq!(scene.mux.cut_reason(stream), None);
    scene.mux.release(stream);
    assert!(scene.sent().is_empty(), "both knew already");
    assert_eq!(scene.mux.budget_used_bytes(), 0);
    assert_eq!(scene.mux.live_streams(), 0);
}

#[test]
fn data_is_as_good_as_a_confirmation() {
    let mut scene = Scene::new();
    let stream = scene.open(22);
    let id = scene.open_request();
    scene.hear(&Message::Data(id, "SSH-2.0".into()));
    assert_eq!(scene.mux.accepted(stream), Some(Ok(())));
    scene.hear(&Message::OpenConfirm(id));
    assert_eq!(scene.read(stream), Ok(Read::Bytes("SSH-2.0".into())));
}

#[test]
fn faults_have_their_codes() {
    for (fault, code) in [
        (Fault::NotForwarded, Code::NotOffered),
        (Fault::Refused, Code::Refused),
        (Fault::TimedOut, Code::TimedOut),
        (Fault::Socket, Code::Unreachable),
        (Fault::Other(99), Code::Internal),
    ] {
        let mut scene = Scene::new();
        let stream = scene.open(22);
        let id = scene.open_request();
        scene.hear(&Message::OpenFault(id, fault));
        match scene.mux.accepted(stream) {
            Some(Err(OpenError::Rejected { code: told, .. })) => assert_eq!(told, code),
            other => panic!("{other:?}"),
        }
        assert!(scene.mux.has_ended(stream) && scene.sent().is_empty());
    }
}

#[test]
fn a_fault_of_a_second_open_does_not_end_the_first() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.hear(&Message::OpenFault(id, Fault::ChannelInUse));
    assert!(!scene.mux.has_ended(stream));
}

#[test]
fn an_id_that_is_in_use_there_is_left_for_another() {
    let mut scene = Scene::new();
    let stream = scene.open(80);
    let id = scene.open_request();
    scene.hear(&Message::OpenFault(id, Fault::ChannelInUse));
    let other = scene.open_request();
    assert_ne!(id, other);
    scene.hear(&Message::Data(id, "of the older one".into()));
    assert_eq!(scene.mux.accepted(stream), None);
    scene.hear(&Message::OpenConfirm(other));
    assert_eq!(scene.mux.accepted(stream), Some(Ok(())));
    assert_eq!(scene.read(stream), Ok(Read::Blocked));
}

#[test]
fn an_open_that_nobody_answers_is_given_up() {
    let mut scene = Scene::new();
    let stream = scene.open(80);
    let id = scene.open_request();
    scene.pass_ms(14_900);
    assert_eq!(scene.mux.accepted(stream), None);
    scene.pass_ms(200);
    assert!(matches!(
        scene.mux.accepted(stream),
        Some(Err(OpenError::Rejected {
            code: Code::TimedOut,
            ..
        }))
    ));
    assert_eq!(scene.sent(), [Message::Error(id, Fault::TimedOut)]);
}

#[test]
fn an_open_that_nobody_wants_any_more_never_goes_out() {
    let mut scene = Scene::new();
    let stream = scene.open(80);
    scene.mux.release(stream);
    assert!(scene.sent().is_empty());
    assert_eq!(scene.mux.budget_used_bytes(), 0);
}

/// The agent forgets a channel 2 s after its device's end, without a word.
#[test]
fn after_the_devices_end_ours_comes_in_time() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.data(id, 10);
    scene.hear(&Message::Close(id));
    scene.pass_ms(1000);
    assert_eq!(scene.mux.write(stream, b"late"), Ok(4));
    assert_eq!(scene.sent(), [Message::Data(id, "late".into())]);
    scene.pass_ms(600);
    assert_eq!(scene.sent(), [Message::Close(id)]);
    assert!(scene.mux.has_ended(stream));
    assert!(matches!(
        scene.mux.write(stream, b"too late"),
        Err(StreamError::Reset {
            code: Code::Broken,
            ..
        })
    ));
    assert_eq!(scene.mux.finish(stream), Ok(true));
    scene.read_bytes(stream, 10);
    assert_eq!(scene.read(stream), Ok(Read::End));
    assert_eq!(scene.mux.cut_reason(stream), None);
}

#[test]
fn an_id_rests_until_both_sides_are_done() {
    let mut scene = Scene::new();
    let (stream, first) = scene.opened();
    scene.mux.finish(stream).unwrap();
    scene.sent();
    scene.hear(&Message::Close(first));
    scene.mux.release(stream);
    let (stream, second) = scene.opened();
    assert_ne!(first, second);
    // Dropped by this end alone: what the agent has sent may still come.
    scene.mux.release(stream);
    assert_eq!(scene.sent(), [Message::Error(second, Fault::Socket)]);
    scene.data(second, 100);
    scene.hear(&Message::Close(second));
    assert!(scene.sent().is_empty());
}

#[test]
fn an_error_ends_a_channel_after_what_came() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.data(id, 3000);
    scene.hear(&Message::Error(id, Fault::Socket));
    assert!(scene.mux.has_ended(stream));
    scene.read_bytes(stream, 3000);
    assert!(matches!(
        scene.read(stream),
        Err(StreamError::Reset {
            code: Code::Broken,
            ..
        })
    ));
    assert!(scene.sent().is_empty());
}

#[test]
fn a_cut_by_this_end_loses_what_was_not_read() {
    let mut scene = Scene::new();
    let (stream, id) = scene.opened();
    scene.data(id, 3000);
    scene.mux.reset(stream, Code::Revoked, "signed out");
    assert_eq!(scene.sent(), [Message::Error(id, Fault::Socket)]);
    let revoked = StreamError::Reset {
        code: Code::Revoked,
        text: "signed out".into(),
    };
    assert_eq!(scene.read(stream), Err(revoked.clone()));
    assert_eq!(scene.mux.cut_reason(stream), Some(revoked));
}

#[test]
fn channels_take_turns_and_messages_are_2052_bytes_at_most() {
    let mut scene = Scene::new();
    let (one, first) = scene.opened();
    let (two, second) = scene.opened();
    assert_eq!(scene.mux.write(one, &[1; 6000]), Ok(6000));
    assert_eq!(scene.mux.write(two, &[2; 6000]), Ok(6000));
    let turns: Vec<_> = scene
        .sent()
        .into_iter()
        .map(|message| match message {
            Message::Data(id, data) => (id, data.len()),
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [2048, 2048, 1904].map(|bytes| [(first, bytes), (second, bytes)]);
    assert_eq!(turns, expected.concat());
}

#[test]
fn no_more_than_256_kib_of_a_channel_are_under_way() {
    let mut scene = Scene::new();
    let (stream, _) = scene.opened();
    let many = vec![0; 300 << 10];
    assert_eq!(scene.mux.write(stream, &many), Ok(256 << 10));
    assert_eq!(scene.mux.write(stream, &many), Ok(0));
    scene.sent();
    assert_eq!(scene.mux.write(stream, &many), Ok(256 << 10));
    assert_eq!(
        scene.mux.budget_used_bytes(),
        (256 << 10) + 1024,
        "and it is accounted for"
    );
}

#[test]
fn the_first_frame_waits_and_the_agent_is_roused() {
    let config = crate::webtunnel::Config::new(super::KEEP_ALIVE, crate::mux::Budget::new(1 << 20));
    let start = crate::Time::START;
    let mut scene = Scene {
        mux: crate::webtunnel::Mux::new(&config, start),
        now: start,
    };
    scene.open(80);
    assert!(scene.frames().is_empty(), "right after the 101");
    scene.pass_ms(20);
    assert!(matches!(
        scene.frames()[..],
        [Outgoing::Message(_), Outgoing::Ping(_)]
    ));
    scene.pass_ms(250);
    assert!(matches!(scene.frames()[..], [Outgoing::Ping(_)]));
    scene.hear(&Message::OpenConfirm(1));
    scene.pass_ms(5000);
    assert!(scene.frames().is_empty(), "it is awake");
}

#[test]
fn an_agent_is_dead_after_twice_its_keep_alive_and_never_pinged() {
    let mut scene = Scene::new();
    scene.opened();
    scene.frames();
    for _ in 0..10 {
        scene.pass(Duration::from_secs(100));
        scene.mux.handle_socket_control(scene.now);
        assert!(!scene.mux.is_dead() && scene.frames().is_empty());
    }
    scene.pass(Duration::from_secs(129));
    assert!(!scene.mux.is_dead());
    scene.pass(Duration::from_secs(2));
    assert!(scene.mux.is_dead());
}

#[test]
fn the_newest_properties_are_told() {
    let mut scene = Scene::new();
    for value in ["1", "2"] {
        let property = Property {
            name: "n".into(),
            value: value.into(),
        };
        let body = Property::write_all(&[property]);
        scene.hear(&Message::PropUpdate(body.into()));
    }
    let told = scene.mux.poll_properties().unwrap();
    assert_eq!((told.len(), told[0].value.as_str()), (1, "2"));
    assert_eq!(scene.mux.poll_properties(), None);
}

#[test]
fn only_ports_can_be_asked_for_and_nothing_once_it_leaves() {
    let mut scene = Scene::new();
    let port = |port| Target::Tcp {
        host: "h".into(),
        port,
    };
    let now = scene.now;
    for target in [Target::Service("web".into()), port(0)] {
        assert_eq!(scene.mux.open(now, &target), Err(OpenError::BadTarget));
    }
    let (stream, _) = scene.opened();
    scene.mux.go_away();
    assert_eq!(scene.mux.open(now, &port(80)), Err(OpenError::Draining));
    assert!(!scene.mux.has_ended(stream));
    scene.mux.close();
    assert_eq!(scene.read(stream), Err(StreamError::TunnelLost));
    assert_eq!(scene.mux.open(now, &port(80)), Err(OpenError::Closed));
}
