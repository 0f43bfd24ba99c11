//! What one end does and the other sees.

use std::time::Duration;

use super::pair::{AGENT, Pair, Path, SERVER};
use crate::mux::{Config, Event, Mux, OpenError, Role, StreamError, StreamId, Time};
use crate::wire::{Code, GoAway, GoAwayReason, Target, Windows};

const SECOND: Duration = Duration::from_secs(1);

fn pair() -> Pair {
    Pair::new(Path::new(10, 1_000_000))
}

fn few(max_streams: u32, max_pending: u32) -> Pair {
    let windows = Windows {
        max_streams,
        max_pending,
        ..Windows::default()
    };
    Pair::with(Path::new(10, 1_000_000), windows, 32 << 20)
}

fn web() -> Target {
    Target::Service("web".into())
}

#[test]
fn ids_of_the_ends_never_meet() {
    let mut pair = pair();
    for n in 0..3 {
        let (near, far) = pair.stream(SERVER);
        assert_eq!((near.0, far.0), (1 + 2 * n, 1 + 2 * n));
        let (near, far) = pair.stream(AGENT);
        assert_eq!((near.0, far.0), (2 + 2 * n, 2 + 2 * n));
    }
}

#[test]
fn each_direction_ends_by_itself() {
    let mut pair = pair();
    let (near, far) = pair.stream(SERVER);
    assert_eq!(pair.sides[SERVER].mux.write(near, b"up"), Ok(2));
    assert_eq!(pair.sides[SERVER].mux.finish(near), Ok(false));
    pair.run_for(SECOND);
    assert_eq!(pair.read(AGENT, far), (b"up".to_vec(), Some(Ok(()))));
    assert_eq!(
        pair.sides[SERVER].mux.write(near, b"more"),
        Err(StreamError::Finished)
    );
    assert_eq!(pair.sides[AGENT].mux.write(far, b"down"), Ok(4));
    pair.run_for(SECOND);
    assert_eq!(pair.read(SERVER, near), (b"down".to_vec(), None));
    assert_eq!(pair.sides[AGENT].mux.finish(far), Ok(false));
    pair.run_for(SECOND);
    assert_eq!(pair.read(SERVER, near), (Vec::new(), Some(Ok(()))));
    assert_eq!(
        [SERVER, AGENT].map(|side| pair.sides[side].mux.live_streams()),
        [0, 0]
    );
}

#[test]
fn a_reset_after_a_fin_still_delivers_what_came_before_the_fin() {
    let mut pair = pair();
    let (near, far) = pair.stream(SERVER);
    assert_eq!(pair.sides[SERVER].mux.write(near, b"whole"), Ok(5));
    assert_eq!(pair.sides[SERVER].mux.finish(near), Ok(false));
    pair.run_for(SECOND);
    pair.sides[SERVER].mux.reset(near, Code::Cancelled, "");
    pair.run_for(SECOND);
    assert_eq!(pair.read(AGENT, far), (b"whole".to_vec(), Some(Ok(()))));
    let cut = StreamError::Reset {
        code: Code::Cancelled,
        text: String::new(),
    };
    assert_eq!(pair.sides[AGENT].mux.write(far, b"x"), Err(cut));
}

#[test]
fn a_reset_without_a_fin_is_an_error_and_drops_what_was_unread() {
    let mut pair = pair();
    let (near, far) = pair.stream(SERVER);
    assert_eq!(pair.sides[SERVER].mux.write(near, b"half"), Ok(4));
    pair.run_for(SECOND);
    pair.sides[SERVER].mux.reset(near, Code::Broken, "so");
    pair.run_for(SECOND);
    let cut = StreamError::Reset {
        code: Code::Broken,
        text: "so".into(),
    };
    assert_eq!(pair.read(AGENT, far), (Vec::new(), Some(Err(cut))));
    assert_eq!(pair.sides[AGENT].mux.budget_used_bytes(), 0);
}

#[test]
fn a_reset_by_its_own_end_takes_back_even_what_ended_cleanly() {
    let mut pair = pair();
    let (near, far) = pair.stream(SERVER);
    assert_eq!(pair.sides[SERVER].mux.write(near, b"secret"), Ok(6));
    assert_eq!(pair.sides[SERVER].mux.finish(near), Ok(false));
    pair.run_for(SECOND);
    pair.sides[AGENT].mux.reset(far, Code::Revoked, "");
    let cut = StreamError::Reset {
        code: Code::Revoked,
        text: String::new(),
    };
    assert_eq!(pair.read(AGENT, far), (Vec::new(), Some(Err(cut))));
}

#[test]
fn more_than_the_peer_carries_is_not_opened() {
    let mut pair = few(3, 2);
    let now = pair.now;
    assert!(pair.sides[SERVER].mux.open(now, &web()).is_ok());
    assert!(pair.sides[SERVER].mux.open(now, &web()).is_ok());
    assert_eq!(
        pair.sides[SERVER].mux.open(now, &web()),
        Err(OpenError::Busy),
        "pending"
    );
    pair.run_for(SECOND);
    for _ in 0..2 {
        let id = pair.incoming(AGENT).expect("an OPEN came");
        pair.sides[AGENT].mux.accept(id);
    }
    pair.run_for(SECOND);
    let (near, far) = pair.stream(SERVER);
    let now = pair.now;
    assert_eq!(
        pair.sides[SERVER].mux.open(now, &web()),
        Err(OpenError::Busy),
        "streams"
    );
    pair.sides[SERVER].mux.release(near);
    pair.sides[AGENT].mux.release(far);
    assert!(pair.sides[SERVER].mux.open(now, &web()).is_ok());
}

#[test]
fn s37_a_pending_connect_counts_until_it_really_ended_also_after_reset() {
    let mut pair = few(100, 2);
    let mut pending = Vec::new();
    for _ in 0..2 {
        let now = pair.now;
        let id = pair.sides[SERVER]
            .mux
            .open(now, &web())
            .expect("room at this end");
        pair.run_for(SECOND);
        pair.sides[SERVER].mux.release(id);
        pending.push(pair.incoming(AGENT).expect("an OPEN came"));
        pair.run_for(SECOND);
    }
    let now = pair.now;
    let id = pair.sides[SERVER]
        .mux
        .open(now, &web())
        .expect("room at this end");
    pair.run_for(SECOND);
    let refused = pair.sides[SERVER].mux.accepted(id);
    let busy = |answer| {
        matches!(
            answer,
            Some(Err(OpenError::Rejected {
                code: Code::Busy,
                ..
            }))
        )
    };
    assert!(
        busy(refused),
        "the connects of the streams before still run"
    );
    pair.sides[AGENT].mux.release(pending[0]);
    let id = pair.sides[SERVER]
        .mux
        .open(now, &web())
        .expect("room at this end");
    pair.run_for(SECOND);
    assert_eq!(
        pair.sides[SERVER].mux.accepted(id),
        None,
        "it waits for its answer"
    );
}

#[test]
fn s36_an_open_beyond_the_budget_is_refused_and_others_live_on() {
    let windows = Windows {
        initial: 64 << 10,
        ..Windows::default()
    };
    let mut pair = Pair::with(Path::new(10, 1_000_000), windows, 128 << 10);
    let (near, far) = pair.stream(SERVER);
    let _second = pair.stream(SERVER);
    let now = pair.now;
    assert_eq!(
        pair.sides[SERVER].mux.open(now, &web()),
        Err(OpenError::Busy)
    );
    assert_eq!(pair.sides[SERVER].mux.write(near, b"alive"), Ok(5));
    pair.run_for(SECOND);
    assert_eq!(pair.read(AGENT, far).0, b"alive");
}

#[test]
fn after_goaway_neither_end_opens_and_an_open_under_way_is_refused() {
    let mut pair = pair();
    let now = pair.now;
    let crossing = pair.sides[SERVER]
        .mux
        .open(now, &web())
        .expect("room for a stream");
    let goaway = GoAway {
        reason: GoAwayReason::Move,
        reconnect_after: SECOND,
        url: None,
    };
    pair.sides[AGENT].mux.go_away(goaway.clone());
    pair.run_for(SECOND);
    let refused = pair.sides[SERVER].mux.accepted(crossing);
    assert!(matches!(
        refused,
        Some(Err(OpenError::Rejected {
            code: Code::Draining,
            ..
        }))
    ));
    assert!(pair.sides[SERVER].events.contains(&Event::GoAway(goaway)));
    let now = pair.now;
    assert_eq!(
        pair.sides[SERVER].mux.open(now, &web()),
        Err(OpenError::Draining)
    );
    assert_eq!(
        pair.sides[AGENT].mux.open(now, &web()),
        Err(OpenError::Draining)
    );
}

#[test]
fn a_peer_that_falls_silent_is_found_dead() {
    for (open_stream, seconds) in [(false, 75), (true, 45)] {
        let mut pair = pair();
        pair.run_for(SECOND);
        if open_stream {
            pair.stream(SERVER);
        }
        pair.is_cut = true;
        pair.run_for(Duration::from_secs(seconds));
        assert!(pair.sides.iter().all(|side| side.mux.is_dead()));
    }
}

#[test]
fn a_quiet_tunnel_stays_alive_and_nearly_silent() {
    let mut pair = pair();
    pair.run_for(Duration::from_secs(24 * 3600));
    assert!(
        pair.sides
            .iter()
            .all(|side| !side.mux.is_dead() && side.error.is_none())
    );
    assert_eq!(
        pair.sides[SERVER].mux.rtt().map(|rtt| rtt.as_millis()),
        Some(20)
    );
}

/// What a desktop that nothing happens on costs its viewer upstream: less than 10 kB in ten minutes,
/// with what a WebSocket puts before each message.
#[test]
fn ten_idle_minutes_of_a_single_stream_cost_little() {
    const WEBSOCKET_HEADER_BYTES: usize = 6;
    let end = Time::START + Duration::from_secs(600);
    let (config, windows) = (Config::default(), Windows::default());
    let side = |role| Mux::for_stream(role, &config, windows, windows, Time::START, 3).unwrap();
    let mut sides = [side(Role::Odd), side(Role::Even)];
    sides[1].accept(StreamId::ONLY);
    let (mut now, mut sent_bytes, mut messages) = (Time::START, [0, 0], 0);
    while now <= end {
        for from in [0, 1] {
            while let Some(message) = sides[from].poll_transmit(now) {
                sent_bytes[from] += message.len() + WEBSOCKET_HEADER_BYTES;
                messages += 1;
                sides[from].handle_sent(now, message.len() as u64);
                sides[1 - from].handle_message(now, message).unwrap();
            }
            while sides[from].poll_event().is_some() {}
        }
        if !sides.iter().any(Mux::wants_transmit) {
            now = sides.iter().filter_map(Mux::next_timeout).min().unwrap();
            for side in &mut sides {
                side.handle_timeout(now);
            }
        }
    }
    assert!(!sides.iter().any(Mux::is_dead));
    assert!(messages > 10, "they ask each other whether they live");
    assert!(sent_bytes[0] < 10_000, "{sent_bytes:?}");
}
