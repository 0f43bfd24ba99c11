//! `adit.stream.v1`: one stream, opened by the upgrade.

use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

use super::*;
use crate::wire::{Code, Frame, StreamHello};

struct Client {
    stream: Stream,
    tunnel: Tunnel,
    driver: JoinHandle<Closed>,
}

struct Server {
    stream: IncomingStream,
    tunnel: Tunnel,
    driver: JoinHandle<Closed>,
}

async fn asked(socket: DuplexStream) -> Server {
    let (_, pending) = stream_asked(socket, Config::default())
        .await
        .expect("the client's HELLO");
    let asked = pending
        .answer(server_hello(), web())
        .await
        .expect("the client listens");
    Server {
        stream: asked.stream,
        tunnel: asked.tunnel,
        driver: spawn(asked.driver.run()),
    }
}

async fn single() -> (Client, Server) {
    let (server, client) = duplex(64 * 1024);
    let client = spawn(async move {
        let opened = stream_handshake(client, StreamHello::default(), Config::default())
            .await
            .expect("the server answers")
            .1;
        Client {
            stream: opened.stream,
            tunnel: opened.tunnel,
            driver: spawn(opened.driver.run()),
        }
    });
    let server = asked(server).await;
    (client.await.expect("no panic"), server)
}

#[tokio::test(start_paused = true)]
async fn an_accepted_stream_carries_bytes_and_both_ends() {
    let (mut client, server) = single().await;
    assert_eq!(server.stream.target(), &web());
    let sent = vec![7; 3 << 20];
    // Before the answer: bytes may be on their way.
    client.stream.write_all(b"early").await.expect("room");
    let mut served = server.stream.accept();
    soon(client.stream.accepted()).await.expect("accepted");
    let back = sent.clone();
    let echo = spawn(async move {
        let received = read_all(&mut served).await.expect("a clean end");
        write_all_and_finish(&mut served, &back)
            .await
            .expect("room");
        received
    });
    write_all_and_finish(&mut client.stream, &sent)
        .await
        .expect("room");
    let received = soon(read_all(&mut client.stream))
        .await
        .expect("a clean end");
    assert!(received == sent, "what came back is what was sent");
    let echoed = soon(echo).await.expect("no panic");
    assert_eq!(echoed.len(), sent.len() + 5);
    server.tunnel.close();
    assert_eq!(
        soon(client.driver).await.expect("no panic"),
        Closed::Peer,
        "in order"
    );
    soon(server.driver).await.expect("no panic");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_tells_why() {
    let (mut client, server) = single().await;
    server.stream.reject(Code::Offline, "since noon");
    server.tunnel.close();
    let refused = soon(client.stream.accepted()).await;
    assert_eq!(
        refused,
        Err(OpenError::Rejected {
            code: Code::Offline,
            text: "since noon".into()
        })
    );
}

#[tokio::test(start_paused = true)]
async fn a_cut_is_never_an_end() {
    let (mut client, server) = single().await;
    let served = server.stream.accept();
    served.control().reset(Code::Revoked, "signed out");
    let error = soon(read_all(&mut client.stream))
        .await
        .expect_err("no end");
    assert!(matches!(
        inner(&error),
        Some(StreamError::Reset {
            code: Code::Revoked,
            ..
        })
    ));
    let (mut client, server) = single().await;
    let served = server.stream.accept();
    soon(client.stream.accepted()).await.expect("accepted");
    server.driver.abort();
    let error = soon(read_all(&mut client.stream))
        .await
        .expect_err("no end");
    assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    drop((served, client.tunnel));
}

#[tokio::test(start_paused = true)]
async fn neither_end_can_open_another() {
    let (client, server) = single().await;
    assert_eq!(client.tunnel.open(&web()).err(), Some(OpenError::Busy));
    assert_eq!(server.tunnel.open(&web()).err(), Some(OpenError::Busy));

    // One that tries all the same is refused, and its stream lives on.
    let (server, raw) = duplex(64 * 1024);
    let mut raw = WebSocketStream::from_raw_socket(raw, Role::Client, None).await;
    let hello = StreamHello::default().to_bytes().expect("a small HELLO");
    raw.send(frames(&[Frame::Hello(hello)]))
        .await
        .expect("room");
    let server = asked(server).await;
    raw.send(frames(&[Frame::Open {
        stream: 3,
        target: web().to_bytes().expect("a good target"),
    }]))
    .await
    .expect("room");
    let rejected = soon(async {
        loop {
            let message = raw.next().await.expect("open").expect("valid");
            let mut bytes = message.into_data();
            while let Ok(Some(frame)) = Frame::decode(&mut bytes) {
                if let Frame::Reject { stream, code, .. } = frame {
                    return (stream, code);
                }
            }
        }
    });
    assert_eq!(rejected.await, (3, Code::Busy));
    assert!(server.tunnel.stats().streams == 1);
}

#[tokio::test(start_paused = true)]
async fn s35_a_client_that_says_nothing_is_given_up() {
    let (server, client) = duplex(1024);
    let result = soon(stream_asked(server, Config::default())).await;
    assert!(matches!(result, Err(HandshakeError::TimedOut)));
    drop(client);
}

#[tokio::test(start_paused = true)]
async fn s36_a_client_that_does_not_read_stops_the_writer() {
    let (client, server) = single().await;
    let mut served = server.stream.accept();
    let written = tokio::time::timeout(Duration::from_secs(5), async {
        let mut written = 0_u64;
        loop {
            served
                .write_all(&[0; 16 * 1024])
                .await
                .expect("a live stream");
            written += 16 * 1024;
            assert!(written < 2 << 20, "nothing stops it");
        }
    });
    assert!(written.await.is_err());
    drop(client);
}

fn frames(frames: &[Frame]) -> Message {
    let mut message = bytes::BytesMut::new();
    for frame in frames {
        frame.encode(&mut message);
    }
    Message::Binary(message.freeze())
}
