//! Against another's WebSocket, and against bytes that are none.

use futures_util::{SinkExt, StreamExt};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role as OtherRole;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use super::*;

mod autobahn;

const MAX_BYTES: usize = 64 * 1024;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

async fn other(socket: DuplexStream, role: OtherRole) -> WebSocketStream<DuplexStream> {
    WebSocketStream::from_raw_socket(socket, role, None).await
}

async fn pair(
    role: Role,
    pipe_bytes: usize,
) -> (WebSocket<DuplexStream>, WebSocketStream<DuplexStream>) {
    let (near, far) = duplex(pipe_bytes);
    let far_role = match role {
        Role::Client => OtherRole::Server,
        Role::Server => OtherRole::Client,
    };
    (
        WebSocket::new(near, role, MAX_BYTES),
        other(far, far_role).await,
    )
}

async fn event(socket: &mut WebSocket<DuplexStream>) -> Result<Event, Error> {
    std::future::poll_fn(|cx| socket.poll_event(cx)).await
}

async fn send(socket: &mut WebSocket<DuplexStream>, message: Bytes) {
    std::future::poll_fn(|cx| socket.poll_ready(cx))
        .await
        .expect("room");
    socket.start_binary(message);
}

async fn flush(socket: &mut WebSocket<DuplexStream>) {
    std::future::poll_fn(|cx| socket.poll_flush(cx))
        .await
        .expect("a flush");
}

fn bytes_of(length: usize, seed: u8) -> Bytes {
    (0..length)
        .map(|n| (n as u8).wrapping_mul(31) ^ seed)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_arrive_whichever_end_and_however_small_the_pipe(
        lengths in proptest::collection::vec(
            prop_oneof![0_usize..200, 65_530_usize..=65_536, 0_usize..=65_536], 1..12),
        pipe_bytes in prop_oneof![1_usize..40, 1000_usize..200_000],
        is_client: bool,
    ) {
        // A byte at a time, large messages take too long.
        let lengths: Vec<usize> = lengths
            .into_iter()
            .map(|length| if pipe_bytes < 40 { length % 3000 } else { length })
            .collect();
        runtime().block_on(async {
            let role = if is_client { Role::Client } else { Role::Server };
            let (mut near, mut far) = pair(role, pipe_bytes).await;
            let all: Vec<Bytes> = lengths.iter().zip(0..).map(|(length, seed)| bytes_of(*length, seed)).collect();
            let sending = async {
                for message in &all {
                    send(&mut near, message.clone()).await;
                }
                flush(&mut near).await;
                for message in &all {
                    assert_eq!(event(&mut near).await, Ok(Event::Binary(message.clone())));
                }
            };
            let echoing = async {
                let mut heard = Vec::new();
                while heard.len() < all.len() {
                    match far.next().await.expect("more").expect("no error") {
                        Message::Binary(message) => heard.push(message),
                        other => panic!("{other:?}"),
                    }
                }
                for message in heard {
                    far.send(Message::Binary(message)).await.expect("it is heard");
                }
            };
            tokio::join!(sending, echoing);
        });
    }

    /// Whatever comes, it is judged and nothing panics; of what is held, no more than was allowed.
    #[test]
    fn bytes_that_are_no_websocket(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        is_client: bool,
    ) {
        runtime().block_on(async {
            let (near, mut far) = duplex(1000);
            let role = if is_client { Role::Client } else { Role::Server };
            let mut near = WebSocket::new(near, role, MAX_BYTES);
            far.write_all(&bytes).await.expect("it fits");
            drop(far);
            while event(&mut near).await.is_ok() {}
        });
    }
}

#[tokio::test]
async fn fragments_are_one_message_with_control_frames_between() {
    let (mut near, mut far) = pair(Role::Server, 10_000).await;
    let part = |bytes: &'static [u8], opcode, fin| {
        let header = FrameHeader {
            is_final: fin,
            opcode: OpCode::Data(opcode),
            mask: Some([1, 2, 3, 4]),
            ..FrameHeader::default()
        };
        Message::Frame(Frame::from_payload(header, bytes.into()))
    };
    far.send(part(b"one ", Data::Binary, false)).await.unwrap();
    far.send(Message::Ping("are you there?".into()))
        .await
        .unwrap();
    far.send(part(b"", Data::Continue, false)).await.unwrap();
    far.send(part(b"two", Data::Continue, true)).await.unwrap();
    assert_eq!(
        event(&mut near).await,
        Ok(Event::Ping("are you there?".into()))
    );
    assert_eq!(event(&mut near).await, Ok(Event::Binary("one two".into())));
    flush(&mut near).await;
    let answer = far.next().await.unwrap().unwrap();
    assert_eq!(answer, Message::Pong("are you there?".into()));
}

#[tokio::test]
async fn who_pings_faster_than_he_reads_gets_the_last_answer() {
    let (mut near, mut far) = pair(Role::Server, 100_000).await;
    for number in 0..1000 {
        far.send(Message::Ping(format!("{number}").into()))
            .await
            .unwrap();
    }
    for number in 0..1000 {
        assert_eq!(
            event(&mut near).await,
            Ok(Event::Ping(format!("{number}").into()))
        );
    }
    assert_eq!(near.writer.queued_bytes(), 0);
    flush(&mut near).await;
    assert_eq!(
        far.next().await.unwrap().unwrap(),
        Message::Pong("999".into())
    );
}

#[tokio::test]
async fn a_close_is_answered_and_nothing_is_sent_after_it() {
    let (mut near, mut far) = pair(Role::Client, 10_000).await;
    far.close(None).await.unwrap();
    assert_eq!(event(&mut near).await, Ok(Event::Close(None)));
    near.start_binary("late".into());
    flush(&mut near).await;
    assert_eq!(far.next().await.unwrap().unwrap(), Message::Close(None));
    assert!(far.next().await.is_none());
}

#[tokio::test]
async fn a_reason_arrives() {
    let (mut near, mut far) = pair(Role::Server, 10_000).await;
    near.start_close(Some(CloseFrame {
        code: code::PROTOCOL,
        reason: "ü".repeat(100),
    }));
    flush(&mut near).await;
    let Message::Close(Some(frame)) = far.next().await.unwrap().unwrap() else {
        panic!("a close");
    };
    assert_eq!(frame.code, CloseCode::Protocol);
    assert_eq!(
        frame.reason.as_str(),
        "ü".repeat(61),
        "as much as fits, cut between letters"
    );
}

/// What each of them is answered with, byte by byte, by a server.
#[tokio::test]
async fn s37_what_breaks_the_protocol() {
    let too_large = Error::TooLarge;
    let broken = |error: &Error| matches!(error, Error::Protocol(_));
    for (what, bytes, is_right) in [
        (
            "a reserved bit",
            vec![0xc2, 0x80, 0, 0, 0, 0],
            &broken as &dyn Fn(&Error) -> bool,
        ),
        ("an opcode", vec![0x83, 0x80, 0, 0, 0, 0], &broken),
        ("not masked", vec![0x82, 0x01, 9], &broken),
        ("a ping in parts", vec![0x09, 0x80, 0, 0, 0, 0], &broken),
        ("a large ping", vec![0x89, 0xfe, 0, 126], &broken),
        ("a part of nothing", vec![0x80, 0x80, 0, 0, 0, 0], &broken),
        (
            "a message in a message",
            [0x02, 0x80, 0, 0, 0, 0].repeat(2),
            &broken,
        ),
        ("half a code", vec![0x88, 0x81, 0, 0, 0, 0, 3], &broken),
        (
            "a code of nobody",
            vec![0x88, 0x82, 0, 0, 0, 0, 3, 237],
            &broken,
        ),
        (
            "a length of 2^63",
            vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
            &broken,
        ),
        (
            "a reason of no letters",
            vec![0x88, 0x83, 0, 0, 0, 0, 3, 232, 0xff],
            &|error| *error == Error::NotUtf8,
        ),
        (
            "a text of no letters",
            vec![0x81, 0x81, 0, 0, 0, 0, 0xff],
            &|error| *error == Error::NotUtf8,
        ),
        (
            "64 MiB",
            vec![0x82, 0xff, 0, 0, 0, 0, 4, 0, 0, 0, 1, 2, 3, 4],
            &|error| *error == too_large,
        ),
        (
            "a byte too many",
            vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 1, 2, 3, 4],
            &|error| *error == too_large,
        ),
    ] {
        let (near, mut far) = duplex(1000);
        let mut near = WebSocket::new(near, Role::Server, MAX_BYTES);
        far.write_all(&bytes).await.unwrap();
        let error = event(&mut near).await.expect_err(what);
        assert!(is_right(&error), "{what}: {error}");
    }
}

#[tokio::test]
async fn s37_empty_fragments_end() {
    let (near, mut far) = duplex(4 * MAX_BYTES);
    let mut near = WebSocket::new(near, Role::Server, MAX_BYTES);
    far.write_all(&[0x02, 0x80, 0, 0, 0, 0]).await.unwrap();
    far.write_all(&[0x00, 0x80, 0, 0, 0, 0].repeat(30_000))
        .await
        .unwrap();
    let error = event(&mut near).await.unwrap_err();
    assert_eq!(error, Error::Protocol("too many fragments"));
}

/// Whatever has come: a connection on which nothing comes now holds nothing.
#[tokio::test]
async fn at_rest_it_holds_nothing() {
    let (mut near, mut far) = pair(Role::Server, 1 << 20).await;
    for length in [5, MAX_BYTES, 4096, 5, 4097] {
        let message = bytes_of(length, 1);
        far.send(Message::Binary(message.clone())).await.unwrap();
        assert_eq!(event(&mut near).await, Ok(Event::Binary(message)));
        let waits = tokio::time::timeout(std::time::Duration::from_millis(1), event(&mut near));
        waits.await.unwrap_err();
        assert_eq!(near.reader.held_bytes(), 0);
    }
}

/// A connection that takes one buffer at a time gets whole frames all the same.
#[tokio::test]
async fn a_header_is_not_written_by_itself() {
    let (near, mut far) = duplex(10_000);
    let mut near = WebSocket::new(near, Role::Server, MAX_BYTES);
    near.start_binary("one".into());
    near.start_binary("two".into());
    flush(&mut near).await;
    let mut all = vec![0; 100];
    let length = far.read(&mut all).await.unwrap();
    assert_eq!(&all[..length], b"\x82\x03one\x82\x03two");
}
