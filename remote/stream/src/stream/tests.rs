//! The stream against a multiplexer as the server's end, without a WebSocket between.

#![expect(clippy::disallowed_methods, reason = "a test owns its tasks")]

use std::sync::Mutex;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use tunnel::Time;
use tunnel::mux::{Config, Mux, Role};
use tunnel::wire::{Code, Frame, ServerHello, StreamHello, Windows};

use super::*;

/// The server's end and the wire between.
struct Server {
    mux: Mux,
    link: Arc<Link>,
    now: Arc<Mutex<Time>>,
}

/// A stream that the server was asked for and has not answered.
fn asked() -> (Stream, Server) {
    asked_of(0)
}

/// The same of a server that keeps so much.
fn asked_of(replay: u32) -> (Stream, Server) {
    let now = Arc::new(Mutex::new(Time::START));
    let clock = {
        let now = Arc::clone(&now);
        move || *now.lock().unwrap()
    };
    let link = Arc::new(Link::new(Arc::new(clock), 7));
    let stream = Stream::new(Arc::clone(&link));

    let mut said = link.hello().expect("it is small");
    let Ok(Some(Frame::Hello(cbor))) = Frame::decode(&mut said) else {
        panic!("the first frame is a HELLO");
    };
    let asked = StreamHello::from_bytes(&cbor).expect("it is valid");
    let answer = ServerHello {
        tunnel: [1; 16],
        epoch: 1,
        resumed: false,
        received: None,
        features: vec![],
        windows: Windows {
            replay,
            ..Windows::default()
        },
        keepalive_s: 20,
    };
    let mut message = BytesMut::new();
    Frame::Hello(answer.to_bytes().unwrap()).encode(&mut message);
    link.receive(message.freeze());
    let mux = Mux::for_stream(
        Role::Even,
        &Config::default(),
        answer.windows,
        asked.windows,
        Time::START,
        9,
    );
    let mux = mux.expect("the budget is unused");
    (stream, Server { mux, link, now })
}

impl Server {
    /// Carries all there is to carry, both ways.
    fn exchange(&mut self) {
        let now = *self.now.lock().unwrap();
        loop {
            let up = self.link.transmit();
            let down = self.mux.poll_transmit(now);
            if up.is_none() && down.is_none() {
                return;
            }
            if let Some(up) = up {
                self.link.sent(up.len() as u64);
                self.mux.handle_message(now, up).expect("the client errs");
            }
            if let Some(down) = down {
                self.mux.handle_sent(now, down.len() as u64);
                self.link.receive(down);
            }
        }
    }

    fn read(&mut self) -> Vec<u8> {
        let now = *self.now.lock().unwrap();
        let mut all = Vec::new();
        while let Ok(Read::Bytes(bytes)) = self.mux.read(now, StreamId::ONLY, usize::MAX) {
            all.extend_from_slice(&bytes);
            self.exchange();
        }
        all
    }

    fn accept(&mut self) {
        self.mux.accept(StreamId::ONLY);
        self.exchange();
    }
}

#[tokio::test]
async fn bytes_and_both_ends_pass() {
    let (mut stream, mut server) = asked();
    server.accept();
    server.link.accepted().await.expect("it was accepted");
    stream.write_all(b"question").await.unwrap();
    server.exchange();
    assert_eq!(server.read(), b"question");

    server.mux.write(StreamId::ONLY, b"answer").unwrap();
    server.mux.finish(StreamId::ONLY).unwrap();
    server.exchange();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");

    let end = tokio::spawn(async move {
        stream.shutdown().await.unwrap();
        stream
    });
    while !end.is_finished() {
        tokio::task::yield_now().await;
        server.exchange();
    }
    let stream = end.await.unwrap();
    let now = Time::START;
    assert_eq!(server.mux.read(now, StreamId::ONLY, 1), Ok(Read::End));
    server.link.close(StreamFault::Lost);
    assert_eq!(stream.fault(), None, "it ended in order before");
    let stats = stream.stats();
    assert_eq!((stats.sent_bytes, stats.received_bytes), (8, 6));
}

#[tokio::test]
async fn a_refusal_tells_why() {
    let (stream, mut server) = asked();
    server
        .mux
        .reject(StreamId::ONLY, Code::Offline, "since noon");
    server.exchange();
    assert_eq!(server.link.accepted().await, Err(StreamFault::Offline));
    assert_eq!(stream.fault(), Some(StreamFault::Offline));
}

#[tokio::test]
async fn a_cut_is_an_error_and_its_reason_stays_known() {
    let (mut stream, mut server) = asked();
    server.accept();
    let watch = stream.watch();
    server.mux.reset(StreamId::ONLY, Code::Revoked, "");
    server.exchange();
    let error = stream.read_u8().await.expect_err("a cut is no end");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    drop(stream);
    server.link.close(StreamFault::Lost);
    assert_eq!(watch.fault(), Some(StreamFault::Revoked));
}

#[tokio::test]
async fn a_lost_connection_wakes_whoever_waits() {
    let (mut stream, mut server) = asked();
    server.accept();
    let watch = stream.watch();
    let reading = tokio::spawn(async move { stream.read_u8().await });
    tokio::task::yield_now().await;
    server.link.close(StreamFault::Lost);
    let outcome = timeout(Duration::from_secs(5), reading).await;
    outcome.expect("woken").unwrap().expect_err("it is lost");
    assert_eq!(watch.fault(), Some(StreamFault::Lost));
    assert!(server.link.is_over());
}

#[tokio::test]
async fn what_is_not_read_stops_the_sender() {
    let (mut stream, mut server) = asked();
    server.accept();
    let chunk = vec![7; 64 << 10];
    let mut taken = 0_u64;
    loop {
        let fits = server.mux.write(StreamId::ONLY, &chunk).unwrap();
        server.exchange();
        if fits == 0 {
            break;
        }
        taken += fits as u64;
        assert!(taken < 2 << 20, "nobody reads, and it still sends");
    }
    let mut some = vec![0; 600 << 10];
    stream.read_exact(&mut some).await.unwrap();
    server.exchange();
    let more = server.mux.write(StreamId::ONLY, &chunk).unwrap();
    assert!(more > 0, "read, it goes on");
}

#[tokio::test]
async fn a_full_connection_holds_writes_back() {
    let (mut stream, server) = asked();
    // Nothing is carried: what fits is the buffer of one stream.
    let endless = async {
        loop {
            stream.write_all(&[0; 1024]).await.unwrap();
        }
    };
    let outcome = timeout(Duration::from_millis(50), endless).await;
    outcome.expect_err("it must wait");
    assert!(stream.stats().sent_bytes < 2 << 20);
    drop(server);
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let (mut stream, mut server) = asked();
    server.accept();
    for _ in 0..100 {
        let Some(wait) = server.link.next_tick() else {
            break;
        };
        *server.now.lock().unwrap() = server.link.now() + wait;
        server.link.tick();
        // Said into the void.
        while server.link.transmit().is_some() {}
    }
    assert_eq!(stream.fault(), Some(StreamFault::Lost));
    assert!(server.link.now().elapsed() <= Duration::from_secs(60));
    stream.read_u8().await.expect_err("it is lost");
}

#[tokio::test]
async fn dropped_it_tells_the_server_and_the_pump() {
    let (stream, mut server) = asked();
    server.accept();
    drop(stream);
    server.exchange();
    assert!(server.mux.has_ended(StreamId::ONLY));
    assert!(server.link.is_over());
}

#[tokio::test]
async fn what_is_not_the_protocol_ends_it() {
    let (mut stream, server) = asked();
    server.link.receive(Bytes::from_static(b"nonsense"));
    assert_eq!(stream.fault(), Some(StreamFault::Internal));
    stream.read_u8().await.expect_err("it has ended");
}

#[path = "resume_tests.rs"]
mod resume;
