//! S37: a device with a good key and bad intentions, byte by byte, at a real server. What it does
//! ends its own connection and nothing else.

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tunnel::wire::{Code, Frame, Target};

use crate::harness::{Behaviour, TestService, service, soon, spawn, until};
use crate::place::{Device, Place};
use crate::raw_agent::{BINARY, Ending, RawAgent, frame, hello, message};

const PROTOCOL: u16 = 1002;
const SIZE: u16 = 1009;

/// A server, and a device that minds its own business.
async fn scene() -> (Place, Device) {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let bystander = place.device(vec![service("echo", echo.port)]).await;
    place.access.assert_echo(bystander.id).await;
    (place, bystander)
}

/// Says it in a tunnel of its own, and how the server answers; the bystander must not notice.
async fn ending_of(place: &Place, bystander: &Device, bytes: &[u8]) -> Ending {
    let mut agent = RawAgent::connect(place).await;
    // The server may have ended it before it has taken all of it.
    let _ = agent.socket.write_all(bytes).await;
    let ending = agent.ending().await;
    drop(agent);
    until("the tunnel's end", async || {
        place.access.relay.tunnels() == 1
    })
    .await;
    place.access.assert_echo(bystander.id).await;
    ending
}

fn code(ending: &Ending) -> u16 {
    match ending {
        Ending::Close(code, _) => *code,
        Ending::Silent => 0,
    }
}

fn open(stream: u32) -> Frame {
    Frame::Open {
        stream,
        target: Target::Internal("device-api".into()).to_bytes().unwrap(),
    }
}

fn data(stream: u32, length: usize) -> Frame {
    Frame::Data {
        stream,
        bytes: vec![0; length].into(),
    }
}

fn reset(stream: u32) -> Frame {
    Frame::Reset {
        stream,
        code: Code::Cancelled,
        text: String::new(),
    }
}

#[tokio::test]
async fn s37_what_is_no_websocket_ends_that_connection() {
    let (place, bystander) = scene().await;
    let long_ping = frame(0x89, &[0; 126]);
    // A close frame with 1000 and what is no UTF-8.
    let bad_reason = frame(0x88, &[0x03, 0xe8, 0xff, 0xfe]);
    let unmasked = [&[BINARY, 8][..], &[0; 8]].concat();
    let fragmented_ping = frame(0x09, b"?");
    let continuation_of_nothing = frame(0x80, b"?");
    for (what, bytes) in [
        ("RSV1", frame(0xc2, b"?")),
        ("RSV2", frame(0xa2, b"?")),
        ("RSV3", frame(0x92, b"?")),
        ("opcode 3", frame(0x83, b"?")),
        ("opcode 11", frame(0x8b, b"?")),
        ("a fragmented ping", fragmented_ping),
        ("a ping of 126 bytes", long_ping),
        ("a continuation of nothing", continuation_of_nothing),
        ("a frame without mask", unmasked),
        ("a text", frame(0x81, b"hello")),
    ] {
        let ending = ending_of(&place, &bystander, &bytes).await;
        assert_eq!(code(&ending), PROTOCOL, "{what}: {ending:?}");
    }
    // RFC 6455 wants 1007; that it ends with a close or at once is enough.
    let ending = ending_of(&place, &bystander, &bad_reason).await;
    assert!(matches!(code(&ending), 0 | 1002 | 1007), "{ending:?}");
}

/// Of what is announced nothing is allocated.
#[tokio::test]
async fn s37_a_length_that_nobody_needs_is_refused_before_it_comes() {
    let (place, bystander) = scene().await;
    let resident = resident_bytes();
    for length in [1_u64 << 63, u64::MAX, 64 << 20, 65_537] {
        let mut bytes = vec![BINARY, 0x80 | 127];
        bytes.extend(length.to_be_bytes());
        bytes.extend([0; 4]);
        let ending = ending_of(&place, &bystander, &bytes).await;
        assert!(
            matches!(code(&ending), SIZE | PROTOCOL),
            "{length}: {ending:?}"
        );
    }
    // The same in fragments: each is small, the sum is not.
    let mut fragments = frame(0x02, &[0; 60_000]);
    fragments.extend(frame(0x00, &[0; 60_000]));
    let ending = ending_of(&place, &bystander, &fragments).await;
    assert_eq!(code(&ending), SIZE, "{ending:?}");
    let grown = resident_bytes().saturating_sub(resident);
    assert!(grown < 32 << 20, "{grown}");
}

fn resident_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    kib.unwrap().parse::<u64>().unwrap() << 10
}

/// They cost the sender 6 bytes each, make no message, and do not go on for ever.
#[tokio::test]
async fn s37_a_million_empty_fragments_end_the_tunnel() {
    let (place, bystander) = scene().await;
    let mut fragments = frame(0x02, b"");
    fragments.extend(frame(0x00, b"").repeat(1_000_000));
    let began = Instant::now();
    let ending = ending_of(&place, &bystander, &fragments).await;
    // A reason that was sent may be lost to what we still wrote.
    assert!(matches!(code(&ending), PROTOCOL | 0), "{ending:?}");
    // Before silence would have ended it.
    assert!(began.elapsed() < Duration::from_secs(40));
}

#[tokio::test]
async fn s37_frames_that_may_not_be_end_the_tunnel_with_a_reason() {
    let (place, bystander) = scene().await;
    let hello = Frame::Hello(hello().to_bytes().unwrap());
    let credit = Frame::Credit {
        stream: 1,
        limit: 1,
    };
    for (what, frames) in [
        ("data for a stream that never was", vec![data(2, 1)]),
        (
            "data for one of the server's that never was",
            vec![data(1, 1)],
        ),
        ("credit for one of another's", vec![credit]),
        ("FIN for one that never was", vec![Frame::Fin { stream: 8 }]),
        ("RESET for one that never was", vec![reset(4)]),
        ("an id of the server's", vec![open(3)]),
        ("the same id twice", vec![open(2), open(2)]),
        ("a lower id", vec![open(4), open(2)]),
        ("a second HELLO", vec![hello]),
    ] {
        let ending = ending_of(&place, &bystander, &message(&frames)).await;
        assert_eq!(code(&ending), PROTOCOL, "{what}: {ending:?}");
        assert!(
            !matches!(&ending, Ending::Close(_, reason) if reason.is_empty()),
            "{what}"
        );
    }
    for (what, bytes) in [
        ("an unknown type", &[0x1e, 0, 0, 0, 0, 0, 0, 2][..]),
        ("a type below all", &[0x00, 0, 0, 0, 0, 0, 0, 0]),
        (
            "a length beyond the message",
            &[0x13, 0, 0x10, 0, 0, 0, 0, 2],
        ),
        ("a payload above 32 KiB", &[0x13, 0, 0xff, 0xff, 0, 0, 0, 2]),
        ("half a header", &[0x02, 0, 0]),
        (
            "a PING on a stream",
            &[0x02, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ),
    ] {
        let ending = ending_of(&place, &bystander, &frame(BINARY, bytes)).await;
        assert_eq!(code(&ending), PROTOCOL, "{what}: {ending:?}");
    }
}

/// The peer may be newer, and say so; and what was said of a stream that has just ended is late
/// and not wrong.
#[tokio::test]
async fn s37_what_may_be_skipped_is_skipped() {
    let (place, _bystander) = scene().await;
    let mut agent = RawAgent::connect(&place).await;
    let unknown = frame(BINARY, &[0x7e, 0x80, 0, 1, 0, 0, 0, 0, 9]);
    agent.socket.write_all(&unknown).await.unwrap();
    // Refused, as the server offers nothing of that name; so it has ended.
    agent.socket.write_all(&message(&[open(2)])).await.unwrap();
    let rejected = agent
        .frame_where(|frame| matches!(frame, Frame::Reject { .. }))
        .await;
    assert!(matches!(rejected, Frame::Reject { stream: 2, .. }));
    let late = [data(2, 1 << 15), Frame::Fin { stream: 2 }, reset(2)];
    agent.socket.write_all(&message(&late)).await.unwrap();
    let ping = Frame::Ping(*b"still on");
    agent.socket.write_all(&message(&[ping])).await.unwrap();
    agent
        .frame_where(|frame| matches!(frame, Frame::Pong(echo) if echo == b"still on"))
        .await;
}

/// Whatever an agent asks for at the server's own side, it reaches nothing.
#[tokio::test]
async fn s37_an_agent_opens_nothing_at_the_server() {
    let (place, bystander) = scene().await;
    let mut agent = RawAgent::connect(&place).await;
    let targets = [
        Target::Service("echo".into()),
        Target::Tcp {
            host: "127.0.0.1".into(),
            port: place.port,
        },
        Target::Internal("agent".into()),
        Target::Internal("admin".into()),
    ];
    for (number, target) in targets.into_iter().enumerate() {
        let stream = 2 * (number as u32 + 1);
        let target = target.to_bytes().unwrap();
        let open = Frame::Open { stream, target };
        agent.socket.write_all(&message(&[open])).await.unwrap();
        let answer = agent
            .frame_where(|frame| matches!(frame, Frame::Reject { .. } | Frame::Accept { .. }))
            .await;
        assert!(
            matches!(answer, Frame::Reject { stream: rejected, .. } if rejected == stream),
            "{answer:?}"
        );
    }
    place.access.assert_echo(bystander.id).await;
}

/// More than the window, at once, on a stream that the server opened.
#[tokio::test]
async fn s36_more_than_the_window_ends_the_tunnel() {
    let (place, bystander) = scene().await;
    let mut agent = RawAgent::connect(&place).await;
    let (access, device) = (place.access.relay.clone(), agent.device);
    let lease = place.access.lease(device);
    let opening = spawn(async move {
        let target = Target::Service("any".into());
        access.open(device, target, lease).await
    });
    let asked = agent
        .frame_where(|frame| matches!(frame, Frame::Open { .. }))
        .await;
    let Frame::Open { stream, .. } = asked else {
        unreachable!()
    };
    let accept = message(&[Frame::Accept { stream }]);
    agent.socket.write_all(&accept).await.unwrap();
    // Nobody reads it.
    let _stream = soon("the stream", opening).await.unwrap().unwrap();
    for _ in 0..64 {
        let full = message(&[data(stream, 32 << 10)]);
        if agent.socket.write_all(&full).await.is_err() {
            break;
        }
    }
    let ending = agent.ending().await;
    assert!(matches!(code(&ending), PROTOCOL | 0), "{ending:?}");
    until("the tunnel's end", async || {
        place.access.relay.tunnels() == 1
    })
    .await;
    place.access.assert_echo(bystander.id).await;
}

/// Each of these costs the sender nothing, and does not go on for ever.
#[tokio::test]
async fn s37_floods_end_the_tunnel() {
    let (place, bystander) = scene().await;
    let ping = frame(0x89, b"?").repeat(10_000);
    let tunnel_ping = message(&[Frame::Ping([0; 8])]).repeat(10_000);
    let opens: Vec<u8> = (1..=20_000).flat_map(|n| message(&[open(2 * n)])).collect();
    let rapid: Vec<u8> = (1..=20_000)
        .flat_map(|n| message(&[open(2 * n), reset(2 * n)]))
        .collect();
    let unknown_target = Frame::Open {
        stream: 2,
        target: Bytes::from_static(b"\xa1\x65later\x01"),
    };
    let mut bad_opens = message(&[unknown_target]);
    bad_opens.extend(&opens);
    for (what, bytes) in [
        ("10 000 pings of the WebSocket", ping),
        ("10 000 PINGs", tunnel_ping),
        ("20 000 OPENs", opens),
        ("20 000 OPENs and RESETs", rapid),
        ("20 000 OPENs after one that nobody understands", bad_opens),
    ] {
        let counted = place.tunnels_ended_by_protocol().await;
        let ending = ending_of(&place, &bystander, &bytes).await;
        // A reason that was sent may be lost to what we still wrote.
        assert!(matches!(code(&ending), PROTOCOL | 0), "{what}: {ending:?}");
        let counted = place.tunnels_ended_by_protocol().await - counted;
        assert_eq!(counted, 1.0, "{what}");
    }
}

#[tokio::test]
async fn s37_a_flood_on_a_living_stream_ends_the_tunnel() {
    let (place, bystander) = scene().await;
    for what in ["CREDIT of nothing", "empty DATA"] {
        let mut agent = RawAgent::connect(&place).await;
        let relay = place.access.relay.clone();
        let (device, lease) = (agent.device, place.access.lease(agent.device));
        let opening = spawn(async move {
            let target = Target::Service("any".into());
            relay.open(device, target, lease).await
        });
        let asked = agent
            .frame_where(|frame| matches!(frame, Frame::Open { .. }))
            .await;
        let Frame::Open { stream, .. } = asked else {
            unreachable!()
        };
        let accept = message(&[Frame::Accept { stream }]);
        agent.socket.write_all(&accept).await.unwrap();
        let stream_here = soon("the stream", opening).await.unwrap().unwrap();
        let each = match what {
            "empty DATA" => data(stream, 0),
            _ => Frame::Credit { stream, limit: 0 },
        };
        let _ = agent
            .socket
            .write_all(&message(&[each]).repeat(20_000))
            .await;
        let ending = agent.ending().await;
        assert!(matches!(code(&ending), PROTOCOL | 0), "{what}: {ending:?}");
        drop((stream_here, agent));
        until("the tunnel's end", async || {
            place.access.relay.tunnels() == 1
        })
        .await;
    }
    place.access.assert_echo(bystander.id).await;
}

/// The proof said who it is: HELLO cannot say anything else.
#[tokio::test]
async fn s28_an_instance_that_did_not_prove_itself_gets_no_tunnel() {
    let (place, bystander) = scene().await;
    let mut agent = RawAgent::upgrade(&place).await;
    let mut other = hello();
    other.instance = [6; 16];
    let hello = Frame::Hello(other.to_bytes().unwrap());
    agent.socket.write_all(&message(&[hello])).await.unwrap();
    let ending = agent.ending().await;
    assert!(matches!(code(&ending), PROTOCOL | 0), "{ending:?}");
    assert_eq!(place.access.relay.tunnels(), 1);
    place.access.assert_echo(bystander.id).await;
}
