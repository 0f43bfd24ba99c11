//! Peers that are gone, silent or not honest.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::*;
use crate::wire::Frame;

async fn close_code(raw: &mut WebSocketStream<DuplexStream>) -> (CloseCode, String) {
    loop {
        match soon(raw.next()).await {
            Some(Ok(Message::Close(Some(frame)))) => {
                return (frame.code, frame.reason.to_string());
            }
            Some(Ok(_)) => {}
            other => panic!("a close frame: {other:?}"),
        }
    }
}

fn message(frames: &[Frame]) -> Message {
    let mut message = BytesMut::new();
    for frame in frames {
        frame.encode(&mut message);
    }
    Message::Binary(message.freeze())
}

/// What a server does with a message that breaks the protocol.
async fn refused(message: Message) -> (CloseCode, String) {
    let (server, mut raw) = server_and_raw_agent().await;
    raw.send(message).await.expect("the pipe has room");
    let code = close_code(&mut raw).await;
    assert!(matches!(
        soon(server.tunnel.closed()).await,
        Closed::Protocol(_)
    ));
    code
}

#[tokio::test(start_paused = true)]
async fn s37_a_text_message_is_a_protocol_error() {
    let (code, reason) = refused(Message::Text("hello".into())).await;
    assert_eq!(
        (code, reason.as_str()),
        (CloseCode::Protocol, "a text message")
    );
}

#[tokio::test(start_paused = true)]
async fn s37_what_is_no_frame_is_a_protocol_error_with_a_reason() {
    let (code, reason) = refused(Message::Binary(Bytes::from_static(b"\x40\0\0\0\0\0\0\0"))).await;
    assert_eq!(
        (code, reason.as_str()),
        (CloseCode::Protocol, "a frame has the unknown type 0x40")
    );
}

#[tokio::test(start_paused = true)]
async fn s37_a_message_beyond_64_kib_is_refused_by_its_length() {
    let (code, _) = refused(Message::Binary(vec![0; 65_537].into())).await;
    assert_eq!(code, CloseCode::Size);
}

#[tokio::test(start_paused = true)]
async fn s37_a_second_hello_is_a_protocol_error() {
    let hello = Frame::Hello(agent_hello().to_bytes().expect("a small HELLO"));
    assert_eq!(refused(message(&[hello])).await.0, CloseCode::Protocol);
}

#[tokio::test(start_paused = true)]
async fn s38_a_compressed_frame_is_refused() {
    let (server, mut raw) = server_and_raw_agent().await;
    // FIN, RSV1, binary; masked; 8 bytes: what permessage-deflate would send.
    let mut bytes = BytesMut::new();
    bytes.put_slice(&[0xc2, 0x88, 0, 0, 0, 0]);
    bytes.put_slice(&[0; 8]);
    raw.get_mut()
        .write_all(&bytes)
        .await
        .expect("the pipe has room");
    assert_eq!(close_code(&mut raw).await.0, CloseCode::Protocol);
    assert!(matches!(
        soon(server.tunnel.closed()).await,
        Closed::Protocol(_)
    ));
}

#[tokio::test(start_paused = true)]
async fn s37_websocket_pings_are_answered_until_they_are_too_many() {
    let (_server, mut raw) = server_and_raw_agent().await;
    raw.send(Message::Ping(Bytes::from_static(b"?")))
        .await
        .expect("the pipe has room");
    let pong = Message::Pong(Bytes::from_static(b"?"));
    while soon(raw.next()).await.expect("open").expect("valid") != pong {}
    for _ in 0..200 {
        raw.feed(Message::Ping(Bytes::new()))
            .await
            .expect("the pipe has room");
    }
    raw.flush().await.expect("the pipe has room");
    assert_eq!(close_code(&mut raw).await.0, CloseCode::Protocol);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_is_found_dead_within_75_seconds() {
    let (server, raw) = server_and_raw_agent().await;
    let start = Instant::now();
    assert_eq!(soon(server.tunnel.closed()).await, Closed::Dead);
    assert!(
        start.elapsed() >= Duration::from_secs(70),
        "{:?}",
        start.elapsed()
    );
    assert!(
        start.elapsed() <= Duration::from_millis(75_100),
        "{:?}",
        start.elapsed()
    );
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn a_silent_peer_with_an_open_stream_is_found_dead_within_45_seconds() {
    let (server, raw) = server_and_raw_agent().await;
    let mut stream = server.tunnel.open(&web()).expect("room for a stream");
    let start = Instant::now();
    let error = soon(read_all(&mut stream))
        .await
        .expect_err("lost, not ended");
    assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    assert!(
        start.elapsed() <= Duration::from_millis(45_100),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(server.tunnel.closed().await, Closed::Dead);
    drop(raw);
}

#[tokio::test(start_paused = true)]
async fn two_idle_ends_keep_each_other_alive() {
    let (server, agent) = pair().await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert!(!server.driver.is_finished() && !agent.driver.is_finished());
    let stats = server.tunnel.stats();
    assert!(stats.rtt.is_some());
    // An hour of keepalives: at most 1 MB a day with all that lies below.
    assert!(
        stats.bytes_sent + stats.bytes_received < 10_000,
        "{stats:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_takes_nothing_ends_the_tunnel() {
    let (server, mut raw) = server_and_raw_agent().await;
    let open = Frame::Open {
        stream: 2,
        target: web().to_bytes().expect("a good target"),
    };
    let credit = Frame::Credit {
        stream: 2,
        limit: 1 << 30,
    };
    raw.send(message(&[open, credit]))
        .await
        .expect("the pipe has room");
    let mut incoming = server.incoming;
    let mut stream = soon(incoming.next()).await.expect("an OPEN").accept();
    let writer = spawn(async move { stream.write_all(&vec![0; 1 << 20]).await });
    // The peer goes on talking, so only the stuck write can tell.
    let talker = spawn(async move {
        loop {
            if raw
                .get_mut()
                .write_all(&[0x8a, 0x80, 0, 0, 0, 0])
                .await
                .is_err()
            {
                return raw;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    assert_eq!(soon(server.tunnel.closed()).await, Closed::Dead);
    assert!(soon(writer).await.expect("no panic").is_err());
    drop(soon(talker).await);
}

#[tokio::test(start_paused = true)]
async fn s35_an_agent_that_says_nothing_is_given_up() {
    let (server, agent) = duplex(1024);
    let start = Instant::now();
    let result = server_handshake(server).await;
    assert!(matches!(result, Err(HandshakeError::TimedOut)));
    assert!(start.elapsed() <= Duration::from_secs(11));
    drop(agent);
}

#[tokio::test(start_paused = true)]
async fn anything_before_hello_is_refused() {
    let (server, agent) = duplex(64 * 1024);
    let mut raw = WebSocketStream::from_raw_socket(agent, Role::Client, None).await;
    raw.send(message(&[Frame::Ping([0; 8])]))
        .await
        .expect("the pipe has room");
    let told = spawn(async move { close_code(&mut raw).await.0 });
    let result = soon(server_handshake(server)).await;
    assert!(matches!(result, Err(HandshakeError::Protocol(_))));
    assert_eq!(soon(told).await.expect("no panic"), CloseCode::Protocol);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_sent_away_learns_why() {
    let (server, agent) = duplex(64 * 1024);
    let agent = spawn(async move { agent_handshake(agent, agent_hello()).await.err() });
    let (_, pending) = server_handshake(server).await.expect("the agent's HELLO");
    let goaway = GoAway {
        reason: GoAwayReason::Disabled,
        reconnect_after: Duration::from_secs(60),
        url: None,
    };
    pending.send_away(goaway.clone()).await;
    match soon(agent).await.expect("no panic") {
        Some(HandshakeError::GoAway(received)) => assert_eq!(received, goaway),
        other => panic!("sent away: {other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_probe_finds_a_dead_peer_long_before_the_silence_does() {
    let (server, _raw) = server_and_raw_agent().await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    let start = Instant::now();
    server.tunnel.probe();
    server.tunnel.probe();
    let closed = tokio::time::timeout(Duration::from_secs(60), server.tunnel.closed()).await;
    assert_eq!(closed, Ok(Closed::Dead));
    assert!(
        start.elapsed() <= Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_probe_does_not_harm_a_living_peer() {
    let (server, agent) = pair().await;
    for _ in 0..100 {
        server.tunnel.probe();
        agent.tunnel.probe();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(!server.driver.is_finished() && !agent.driver.is_finished());
    let sent = server.tunnel.stats().bytes_sent;
    assert!((100 * 16..100 * 64).contains(&sent), "{sent}");
}
