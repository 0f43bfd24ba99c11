//! A tunnel over more than one connection, with peers that are honest and that are not.

use std::time::Duration;

use bytes::BytesMut;

use super::pair::{AGENT, Pair, Path, SERVER};
use crate::mux::{
    Config, Event, Mux, OpenError, ProtocolError, Read, ResumeError, Role, StreamError, StreamId,
    Time,
};
use crate::wire::{Code, Frame, Target, Windows};

const REPLAY: u32 = 200 << 10;

fn pair(path: Path, replay: u32) -> Pair {
    let windows = Windows {
        max_pending: 256,
        replay,
        ..Windows::default()
    };
    Pair::with(path, windows, 32 << 20)
}

fn web() -> Target {
    Target::Service("web".into())
}

fn at(ms: u64) -> Time {
    Time::since_start(Duration::from_millis(ms))
}

/// A server's end; the test is the agent.
fn server(replay: u32) -> Mux {
    let windows = Windows {
        initial: 1 << 20,
        replay,
        ..Windows::default()
    };
    Mux::new(Role::Odd, &Config::default(), windows, windows, at(0), 1)
}

fn feed(mux: &mut Mux, now: Time, frames: &[Frame]) -> Result<(), ProtocolError> {
    let mut message = BytesMut::new();
    for frame in frames {
        frame.encode(&mut message);
    }
    mux.handle_message(now, message.freeze())
}

/// All that it has to say, over a path that takes everything.
fn said(mux: &mut Mux, now: Time) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let Some(mut message) = mux.poll_transmit(now) {
        mux.handle_sent(now, message.len() as u64);
        while let Some(frame) = Frame::decode(&mut message).expect("its own frames") {
            frames.push(frame);
        }
    }
    frames
}

/// An end that has said OPEN and three times DATA.
fn server_with_four_sent() -> (Mux, StreamId) {
    let mut mux = server(REPLAY);
    let id = mux.open(at(0), &web()).expect("room");
    said(&mut mux, at(0));
    for byte in 0..3 {
        mux.write(id, &[byte]).expect("it lives");
        said(&mut mux, at(0));
    }
    (mux, id)
}

fn data(frames: &[Frame]) -> Vec<u8> {
    let bytes = frames.iter().filter_map(|frame| match frame {
        Frame::Data { bytes, .. } => Some(bytes.to_vec()),
        _ => None,
    });
    bytes.flatten().collect()
}

#[test]
fn only_what_the_peer_missed_is_sent_again_and_then_what_was_written_meanwhile() {
    let (mut mux, id) = server_with_four_sent();
    mux.suspend(at(10));
    mux.write(id, &[3]).expect("it lives");
    assert!(!mux.wants_transmit() && mux.poll_transmit(at(11)).is_none());
    mux.resume(at(20), 2).expect("an honest peer");
    assert_eq!(data(&said(&mut mux, at(20))), [1, 2, 3]);
    mux.suspend(at(30));
    mux.resume(at(40), 5).expect("an honest peer");
    assert_eq!(data(&said(&mut mux, at(40))), [0_u8; 0]);
    assert_eq!(mux.replay_bytes(), 0);
}

#[test]
fn nothing_of_a_lost_connection_is_heard() {
    let (mut mux, id) = server_with_four_sent();
    mux.suspend(at(10));
    let late = [Frame::Accept { stream: 1 }, Frame::Fin { stream: 77 }];
    assert_eq!(feed(&mut mux, at(11), &late), Ok(()));
    assert_eq!((mux.received(), mux.accepted(id)), (0, None));
}

#[test]
fn s37_a_count_that_cannot_be_is_refused() {
    let (mut mux, _) = server_with_four_sent();
    assert_eq!(feed(&mut mux, at(1), &[Frame::Ack(3)]), Ok(()));
    mux.suspend(at(10));
    assert_eq!(mux.resume(at(20), 5), Err(ResumeError::AboveSent));
    assert_eq!(mux.resume(at(20), 2), Err(ResumeError::BelowAcknowledged));
    assert_eq!(mux.resume(at(20), 4), Ok(()));
    assert_eq!(mux.resume(at(20), 4), Err(ResumeError::Ended), "not lost");
    mux.close();
    assert_eq!(mux.check_resume(4), Err(ResumeError::Ended));
}

#[test]
fn s37_an_ack_that_cannot_be_ends_the_tunnel() {
    for (first, second) in [(5, 5), (u64::MAX, 0), (3, 2), (4, 0)] {
        let (mut mux, _) = server_with_four_sent();
        let acks = [Frame::Ack(first), Frame::Ack(second)];
        assert_eq!(
            feed(&mut mux, at(1), &acks),
            Err(ProtocolError::Acknowledged)
        );
    }
}

#[test]
fn s37_acks_that_say_nothing_are_capped() {
    let (mut mux, _) = server_with_four_sent();
    let mut acks = vec![Frame::Ack(4); 50];
    assert_eq!(feed(&mut mux, at(1), &acks), Ok(()));
    acks.resize(500, Frame::Ack(4));
    let flood = feed(&mut mux, at(2), &acks);
    assert_eq!(flood, Err(ProtocolError::Flood("ACK")));
}

#[test]
fn acks_follow_the_bytes_or_the_clock_and_count_what_was_skipped() {
    let mut mux = server(4000);
    said(&mut mux, at(0));
    let target = web().to_bytes().expect("a good target");
    let open = Frame::Open { stream: 2, target };
    feed(&mut mux, at(0), &[open]).expect("honest");
    mux.handle_message(at(5), b"\x1f\x80\0\0\0\0\0\x02"[..].into())
        .expect("it may be skipped");
    assert!(said(&mut mux, at(50)).is_empty());
    assert_eq!(mux.next_timeout(), Some(at(100)));
    mux.handle_timeout(at(100));
    assert_eq!(said(&mut mux, at(100)), [Frame::Ack(2)]);
    let bytes = vec![0; 992].into();
    feed(&mut mux, at(110), &[Frame::Data { stream: 2, bytes }]).expect("honest");
    let frames = said(&mut mux, at(110));
    assert!(frames.contains(&Frame::Ack(3)), "{frames:?}");
}

#[test]
fn whoever_does_not_resume_is_as_before() {
    let mut mux = server(0);
    said(&mut mux, at(0));
    let target = web().to_bytes().expect("a good target");
    feed(&mut mux, at(0), &[Frame::Open { stream: 2, target }]).expect("honest");
    mux.handle_timeout(at(5000));
    assert!(said(&mut mux, at(5000)).is_empty(), "no ACK");
    let id = mux.open(at(0), &web()).expect("room");
    mux.write(id, &[1; 5000]).expect("it lives");
    assert_eq!(said(&mut mux, at(5000)).len(), 3);
    assert_eq!(mux.replay_bytes(), 0);
    assert!(!mux.is_resumable());
    mux.suspend(at(6000));
    assert_eq!(mux.resume(at(6001), 0), Err(ResumeError::Ended));
}

#[test]
fn s36_without_acks_data_stops_at_the_budget_and_control_goes_on() {
    let mut mux = server(REPLAY);
    let id = mux.open(at(0), &web()).expect("room");
    let cut = mux.open(at(0), &web()).expect("room");
    let ending = mux.open(at(0), &web()).expect("room");
    while mux.write(id, &[7; 64 << 10]).expect("it lives") > 0 {
        said(&mut mux, at(0));
    }
    let kept = mux.replay_bytes();
    assert!(
        (u64::from(REPLAY) - 1024..240 << 10).contains(&kept),
        "{kept}"
    );
    assert_eq!(mux.budget_used_bytes(), 3 * (1 << 20) + kept);
    assert!(!mux.wants_transmit(), "it would spin");

    let late = mux.open(at(1), &web()).expect("room");
    mux.finish(late).expect("it lives");
    mux.write(ending, b"x").expect("it lives");
    assert!(
        said(&mut mux, at(1)).is_empty(),
        "OPEN and DATA are held back"
    );
    mux.reset(cut, Code::Cancelled, "");
    let frames = said(&mut mux, at(1));
    assert!(matches!(frames[..], [Frame::Reset { stream: 3, .. }]));

    let (mut fin, fin_id) = (server(REPLAY), StreamId::ONLY);
    fin.open(at(0), &web()).expect("room");
    let other = fin.open(at(0), &web()).expect("room");
    while fin.write(other, &[7; 64 << 10]).expect("it lives") > 0 {
        said(&mut fin, at(0));
    }
    fin.finish(fin_id).expect("it lives");
    assert_eq!(said(&mut fin, at(1)), [Frame::Fin { stream: 1 }]);

    // An ACK makes room again.
    feed(&mut mux, at(2), &[Frame::Ack(4)]).expect("honest");
    let frames = said(&mut mux, at(2));
    assert!(
        frames
            .iter()
            .any(|frame| matches!(frame, Frame::Open { stream: 7, .. }))
    );
    assert!(frames.contains(&Frame::Fin { stream: 7 }), "after its OPEN");
    mux.close();
    assert_eq!(mux.replay_bytes(), 0);
}

#[test]
fn s37_a_peer_that_has_much_sent_and_acknowledges_nothing_is_given_up() {
    let mut mux = server(1);
    let mut result = Ok(());
    let mut stream = 2;
    for second in 0..2000 {
        let target = vec![0; 4].into();
        let opens: Vec<_> = (0..200)
            .map(|n| Frame::Open {
                stream: stream + 2 * n,
                target: bytes::Bytes::clone(&target),
            })
            .collect();
        stream += 400;
        result = feed(&mut mux, at(second * 1000), &opens);
        said(&mut mux, at(second * 1000));
        if result.is_err() {
            break;
        }
    }
    assert_eq!(result, Err(ProtocolError::Unacknowledged));
    assert!(mux.replay_bytes() < 2 << 20);
}

#[test]
fn sixty_four_opens_wait_for_a_lost_connection_10_s_each() {
    let mut pair = pair(Path::new(10, 1_000_000), REPLAY);
    pair.run_for(Duration::from_secs(1));
    pair.lose([0, 0]);
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let now = pair.now;
        waiting.push(pair.sides[SERVER].mux.open(now, &web()).expect("room"));
    }
    let now = pair.now;
    let refused = pair.sides[SERVER].mux.open(now, &web());
    assert!(
        matches!(
            refused,
            Err(OpenError::Rejected {
                code: Code::Reconnecting,
                ..
            })
        ),
        "{refused:?}"
    );
    pair.run_for(Duration::from_secs(9));
    let mux = &mut pair.sides[SERVER].mux;
    assert!(waiting.iter().all(|id| mux.accepted(*id).is_none()));
    // One is taken back: there is room for another, which has its own 10 s.
    mux.release(waiting.remove(0));
    let now = pair.now;
    let late = pair.sides[SERVER].mux.open(now, &web()).expect("room");
    pair.run_for(Duration::from_secs(2));
    for id in &waiting {
        let answer = pair.sides[SERVER].mux.accepted(*id);
        let code = Code::Reconnecting;
        assert!(matches!(answer, Some(Err(OpenError::Rejected { code: c, .. })) if c == code));
        let (_, end) = pair.read(SERVER, *id);
        assert!(
            matches!(end, Some(Err(StreamError::Open(_)))),
            "never an end"
        );
    }
    pair.rejoin();
    pair.run_for(Duration::from_secs(1));
    let far = pair.incoming(AGENT).expect("the one that still waited");
    pair.sides[AGENT].mux.accept(far);
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.sides[SERVER].mux.accepted(late), Some(Ok(())));
    assert_eq!(pair.incoming(AGENT), None);
}

#[test]
fn a_suspended_tunnel_is_not_dead_and_asks_for_nothing() {
    let mut pair = pair(Path::new(10, 1_000_000), REPLAY);
    let (near, far) = pair.stream(SERVER);
    pair.lose([0, 0]);
    pair.run_for(Duration::from_secs(3600));
    assert!(!pair.sides[SERVER].mux.is_dead());
    assert_eq!(pair.sides[SERVER].mux.next_timeout(), None);
    pair.rejoin();
    let timeout = pair.sides[SERVER].mux.next_timeout().expect("it lives");
    assert!(timeout > pair.now, "liveness begins anew");
    pair.sides[SERVER].mux.write(near, b"on").expect("it lives");
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.read(AGENT, far).0, b"on");
}

#[test]
fn a_dead_connection_may_be_followed_by_another() {
    let mut pair = pair(Path::new(10, 1_000_000), REPLAY);
    let (near, far) = pair.stream(SERVER);
    pair.sides[SERVER]
        .mux
        .write(near, b"before")
        .expect("it lives");
    pair.is_cut = true;
    pair.run_for(Duration::from_secs(60));
    assert!(pair.sides[SERVER].mux.is_dead() && pair.sides[SERVER].mux.is_resumable());
    pair.is_cut = false;
    pair.rejoin();
    pair.run_for(Duration::from_secs(1));
    assert_eq!(pair.read(AGENT, far).0, b"before");
    assert!(!pair.sides[SERVER].mux.is_dead());
}

#[test]
fn what_is_not_acknowledged_for_5_s_is_asked_after() {
    let mut mux = server(REPLAY);
    said(&mut mux, at(0));
    let id = mux.open(at(1000), &web()).expect("room");
    mux.write(id, b"x").expect("it lives");
    said(&mut mux, at(1000));
    feed(&mut mux, at(3000), &[Frame::Pong([0; 8])]).expect("honest");
    assert_eq!(mux.next_timeout(), Some(at(6000)));
    mux.handle_timeout(at(6000));
    assert!(matches!(said(&mut mux, at(6000))[..], [Frame::Ping(_)]));
}

#[test]
fn credits_that_fell_due_meanwhile_are_one() {
    let mut pair = pair(Path::new(10, 10_000_000), REPLAY);
    let (near, far) = pair.stream(SERVER);
    for _ in 0..4 {
        pair.sides[SERVER]
            .mux
            .write(near, &[1; 60_000])
            .expect("it lives");
        pair.run_for(Duration::from_secs(1));
    }
    pair.lose([0, 0]);
    let now = pair.now;
    let mux = &mut pair.sides[AGENT].mux;
    let mut read = 0;
    while let Ok(Read::Bytes(bytes)) = mux.read(now, far, 10_000) {
        read += bytes.len();
    }
    assert_eq!(read, 240_000);
    let server_received = pair.sides[SERVER].mux.received();
    let mux = &mut pair.sides[AGENT].mux;
    mux.resume(now, server_received).expect("honest");
    let credits = said(mux, now)
        .into_iter()
        .filter(|frame| matches!(frame, Frame::Credit { .. }));
    assert_eq!(credits.count(), 1);
}

#[test]
fn a_tunnel_at_rest_keeps_nothing_for_sending_again() {
    let mut pair = pair(Path::new(10, 100_000_000), 8 << 20);
    let (near, far) = pair.stream(SERVER);
    let mut left = 4 << 20;
    while left > 0 {
        left -= pair.sides[SERVER]
            .mux
            .write(near, &vec![0; left])
            .expect("it lives");
        pair.run_for(Duration::from_millis(5));
        pair.read(AGENT, far);
    }
    pair.run_for(Duration::from_secs(2));
    for side in &mut pair.sides {
        side.mux.shrink();
        assert_eq!(side.mux.replay_bytes(), 0);
        assert_eq!(side.mux.replay_capacity(), 0);
    }
}

#[test]
fn the_single_stream_goes_on_too() {
    let windows = Windows {
        replay: REPLAY,
        ..Windows::default()
    };
    let new = |role| Mux::for_stream(role, &Config::default(), windows, windows, at(0), 1);
    let mut client = new(Role::Odd).expect("room");
    let mut server = new(Role::Even).expect("room");
    client.write(StreamId::ONLY, b"lost").expect("it lives");
    said(&mut client, at(0));
    for mux in [&mut client, &mut server] {
        mux.suspend(at(1));
        assert!(mux.is_resumable());
    }
    server.accept(StreamId::ONLY);
    client.resume(at(2), server.received()).expect("honest");
    server.resume(at(2), client.received()).expect("honest");
    assert_eq!(data(&said(&mut client, at(2))), b"lost");
    assert!(said(&mut server, at(2)).contains(&Frame::Accept { stream: 1 }));
    while let Some(event) = server.poll_event() {
        assert!(!matches!(event, Event::Ended(_)));
    }
}
