//! A peer that does not keep to the rules: each way ends in a clear error, or is refused.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use crate::mux::{Config, Event, Mux, ProtocolError, Role, Time};
use crate::wire::{Code, Frame, Target, Windows, WireError};

/// A server's end; the test is the agent.
struct Server(Mux);

impl Server {
    fn new() -> Self {
        let windows = Windows {
            max_streams: 100,
            max_pending: 100,
            ..Windows::default()
        };
        let config = Config {
            opens_per_second: 50,
            ..Config::default()
        };
        Self(Mux::new(
            Role::Odd,
            &config,
            windows,
            windows,
            Time::START,
            1,
        ))
    }

    fn feed(&mut self, frames: impl IntoIterator<Item = Frame>) -> Result<(), ProtocolError> {
        self.feed_at(Time::START, frames)
    }

    fn feed_at(
        &mut self,
        now: Time,
        frames: impl IntoIterator<Item = Frame>,
    ) -> Result<(), ProtocolError> {
        frames.into_iter().try_for_each(|frame| {
            let mut message = BytesMut::new();
            frame.encode(&mut message);
            self.0.handle_message(now, message.freeze())
        })
    }

    /// All that it has to say.
    fn said(&mut self) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(mut message) = self.0.poll_transmit(Time::START) {
            self.0.handle_sent(Time::START, message.len() as u64);
            while let Some(frame) = Frame::decode(&mut message).expect("its own frames") {
                frames.push(frame);
            }
        }
        frames
    }
}

fn open(stream: u32) -> Frame {
    let target = Target::Internal("device-api".into())
        .to_bytes()
        .expect("a good target");
    Frame::Open { stream, target }
}

fn data(stream: u32, bytes: usize) -> Frame {
    Frame::Data {
        stream,
        bytes: vec![0; bytes].into(),
    }
}

fn reset(stream: u32) -> Frame {
    Frame::Reset {
        stream,
        code: Code::Cancelled,
        text: String::new(),
    }
}

#[test]
fn s37_ids_must_rise_and_be_the_openers_own() {
    assert_eq!(Server::new().feed([open(2), open(4), open(8)]), Ok(()));
    for wrong in [
        [open(2), open(2)],
        [open(4), open(2)],
        [open(2), open(3)],
        [open(2), open(1)],
    ] {
        assert_eq!(Server::new().feed(wrong), Err(ProtocolError::OpenId));
    }
}

#[test]
fn s37_a_frame_for_a_stream_that_never_was_is_an_error() {
    for frame in [
        data(2, 1),
        data(1, 1),
        Frame::Fin { stream: 6 },
        Frame::Credit {
            stream: 7,
            limit: 1,
        },
        Frame::Accept { stream: 1 },
        reset(2),
    ] {
        assert_eq!(
            Server::new().feed([frame]),
            Err(ProtocolError::NoSuchStream)
        );
    }
}

#[test]
fn a_frame_for_an_ended_stream_is_dropped_in_silence() {
    let mut server = Server::new();
    assert_eq!(server.feed([open(2), reset(2)]), Ok(()));
    let late = [
        data(2, 1 << 15),
        Frame::Fin { stream: 2 },
        Frame::Credit {
            stream: 2,
            limit: 9,
        },
    ];
    assert_eq!(server.feed(late), Ok(()));
    assert_eq!(server.0.budget_used_bytes(), 0);
}

#[test]
fn s36_data_beyond_the_window_is_an_error() {
    let mut server = Server::new();
    assert_eq!(server.feed([open(2)]), Ok(()));
    assert_eq!(server.feed((0..8).map(|_| data(2, 1 << 15))), Ok(()));
    assert_eq!(server.feed([data(2, 1)]), Err(ProtocolError::BeyondWindow));
}

#[test]
fn s37_frames_after_fin_are_an_error() {
    for after in [data(2, 1), Frame::Fin { stream: 2 }] {
        let frames = [open(2), Frame::Fin { stream: 2 }, after];
        assert_eq!(Server::new().feed(frames), Err(ProtocolError::AfterFin));
    }
}

#[test]
fn s37_an_answer_nobody_waits_for_is_an_error() {
    let unexpected = Err(ProtocolError::UnexpectedAnswer);
    assert_eq!(
        Server::new().feed([open(2), Frame::Accept { stream: 2 }]),
        unexpected
    );
    let mut server = Server::new();
    let target = Target::Service("web".into());
    server
        .0
        .open(Time::START, &target)
        .expect("room for a stream");
    let accept = Frame::Accept { stream: 1 };
    assert_eq!(server.feed([accept.clone(), accept.clone()]), unexpected);
    let reject = Frame::Reject {
        stream: 1,
        code: Code::Busy,
        text: String::new(),
    };
    assert_eq!(server.feed([reject]), unexpected);
}

#[test]
fn s37_a_late_hello_is_an_error() {
    assert_eq!(
        Server::new().feed([Frame::Hello(Bytes::new())]),
        Err(ProtocolError::LateHello)
    );
}

#[test]
fn s37_an_unknown_frame_is_an_error_unless_it_may_be_skipped() {
    let unknown = |flags| Bytes::copy_from_slice(&[0x1e, flags, 0, 0, 0, 0, 0, 2]);
    let error = ProtocolError::Wire(WireError::UnknownType(0x1e));
    assert_eq!(
        Server::new().0.handle_message(Time::START, unknown(0)),
        Err(error)
    );
    assert_eq!(
        Server::new().0.handle_message(Time::START, unknown(0x80)),
        Ok(())
    );
}

#[test]
fn s37_a_target_nobody_understands_costs_a_refusal_and_no_more() {
    let mut server = Server::new();
    let target = Bytes::from_static(b"\xa1\x65later\x01");
    assert_eq!(
        server.feed([Frame::Open { stream: 2, target }, open(4)]),
        Ok(())
    );
    assert!(server.said().iter().any(|frame| {
        matches!(
            frame,
            Frame::Reject {
                stream: 2,
                code: Code::NotOffered,
                ..
            }
        )
    }));
    assert!(matches!(server.0.poll_event(), Some(Event::Incoming(id, _)) if id.0 == 4));
}

#[test]
fn s37_an_open_flood_is_refused_and_then_ends_the_tunnel() {
    let mut server = Server::new();
    let mut opened = 0;
    let flood = (1..).try_for_each(|n| {
        opened += 1;
        server.feed([open(2 * n)])
    });
    assert_eq!(flood, Err(ProtocolError::Flood("OPEN")));
    assert!(opened < 1000, "{opened}");
    let frames = server.said();
    let rejects = frames
        .iter()
        .filter(|frame| matches!(frame, Frame::Reject { .. }))
        .count();
    assert!(rejects >= 50, "{rejects}");
}

#[test]
fn s37_opening_and_cutting_at_once_ends_the_tunnel() {
    let mut server = Server::new();
    let mut opened = 0;
    let flood = (1..).try_for_each(|n| {
        opened += 1;
        let result = server.feed([open(2 * n), reset(2 * n)]);
        while let Some(event) = server.0.poll_event() {
            if let Event::Incoming(id, _) = event {
                server.0.release(id);
            }
        }
        result
    });
    assert!(matches!(flood, Err(ProtocolError::Flood(_))));
    assert!(opened < 1000, "{opened}");
    assert_eq!(server.0.budget_used_bytes(), 0);
}

#[test]
fn s37_floods_of_what_costs_the_sender_nothing_end_the_tunnel() {
    let mut server = Server::new();
    assert_eq!(server.feed([open(2)]), Ok(()));
    let credit = Frame::Credit {
        stream: 2,
        limit: 0,
    };
    for (frame, name) in [
        (Frame::Ping([0; 8]), "PING"),
        (Frame::Pong([0; 8]), "PING"),
        (data(2, 0), "empty DATA"),
        (credit, "CREDIT"),
    ] {
        let flood = (0..5000).try_for_each(|_| server.feed([frame.clone()]));
        assert_eq!(flood, Err(ProtocolError::Flood(name)));
    }
}

#[test]
fn pings_at_an_honest_rate_are_answered() {
    let mut server = Server::new();
    for second in 0..1000 {
        let now = Time::since_start(Duration::from_secs(second));
        assert_eq!(
            server.feed_at(now, [Frame::Ping([second as u8; 8])]),
            Ok(())
        );
        assert!(server.said().contains(&Frame::Pong([second as u8; 8])));
    }
}

#[test]
fn a_lower_credit_than_before_is_ignored() {
    let mut server = Server::new();
    let target = Target::Service("web".into());
    let id = server
        .0
        .open(Time::START, &target)
        .expect("room for a stream");
    let credits = [300 << 10, 1].map(|limit| Frame::Credit { stream: 1, limit });
    assert_eq!(server.feed(credits), Ok(()));
    let mut sent = 0;
    while let Ok(1..) = server.0.write(id, &[0; 1 << 16]) {
        for frame in server.said() {
            if let Frame::Data { bytes, .. } = frame {
                sent += bytes.len();
            }
        }
    }
    assert_eq!(sent, 300 << 10);
}

proptest! {
    #[test]
    fn s37_random_messages_never_panic(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..8),
    ) {
        let mut server = Server::new();
        for message in messages {
            let _ = server.0.handle_message(Time::START, message.into());
            server.said();
        }
    }

    /// Valid frames in any order: no panic, and never more memory than the budget.
    #[test]
    fn s37_random_frames_never_panic(
        frames in proptest::collection::vec((0..9_u8, 1..8_u32, 0..40_000_u64), 1..60),
    ) {
        let mut server = Server::new();
        for (kind, stream, number) in frames {
            let text = String::new();
            let frame = match kind {
                0 | 1 => open(stream),
                2 | 3 => data(stream, number.min(1 << 15) as usize),
                4 => Frame::Credit { stream, limit: number },
                5 => Frame::Fin { stream },
                6 => reset(stream),
                7 => Frame::Accept { stream },
                _ => Frame::Reject { stream, code: Code::Busy, text },
            };
            if server.feed([frame]).is_err() {
                break;
            }
            server.said();
            while let Some(event) = server.0.poll_event() {
                if let Event::Incoming(id, _) = event {
                    if number % 2 == 0 { server.0.accept(id) } else { server.0.release(id) }
                }
            }
            prop_assert!(server.0.budget_used_bytes() <= 32 << 20);
        }
    }
}
