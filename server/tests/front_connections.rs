//! Connections as a whole: timers, limits, TLS, cuts, and the stop in two phases.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what fails here fails the test"
)]

mod front_fixture;

use std::sync::Arc;
use std::time::Duration;

use front_fixture::{
    Fixture, HOST, LIMIT, WEBSOCKET, certificate, config, read_to_close, read_until, status,
};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use server::lifecycle::Outcome;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

fn get(path: &str, fields: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n")
}

/// Waits for something that has no other sign than that it is so.
async fn eventually(mut is_so: impl AsyncFnMut() -> bool) {
    let tried = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LIMIT, tried)
        .await
        .expect("it never came to be so");
}

#[tokio::test]
async fn s35_slow_peers_are_let_go_and_others_do_not_notice() {
    let mut config = config();
    config.timers.first_byte_ms = 150;
    config.timers.head_ms = 150;
    config.timers.keep_alive_ms = 150;
    config.timers.body_stall_ms = 150;
    let fixture = Fixture::with(config).await;
    let began = Instant::now();

    let mut silent = fixture.connect().await;
    assert_eq!(read_to_close(&mut silent).await, "");

    let mut half = fixture.connect().await;
    half.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    assert_eq!(status(&read_to_close(&mut half).await), 408);

    let (mut reader, mut writer) = fixture.connect().await.into_split();
    let drip = async {
        while writer.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let (answer, ()) = tokio::join!(read_to_close(&mut reader), drip);
    assert_eq!(status(&answer), 408);

    let mut idle = fixture.connect().await;
    idle.write_all(get("/", "").as_bytes()).await.unwrap();
    assert_eq!(status(&read_to_close(&mut idle).await), 200);

    let mut stuck = fixture.connect().await;
    let head = format!("POST /body HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 9\r\n\r\nabc");
    stuck.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(status(&read_to_close(&mut stuck).await), 400);

    assert!(began.elapsed() < LIMIT);
    // Longer than every timer here, but always on its way.
    let (status, answer) = fixture.get("/slowly", "").await;
    assert_eq!((status, answer.matches("piece ").count()), (200, 10));
}

#[tokio::test]
async fn s35_connections_beyond_the_limit_are_closed_and_places_come_back() {
    let mut config = config();
    config.limits.connections_per_address = 2;
    let fixture = Fixture::with(config).await;
    let mut one = fixture.connect().await;
    one.write_all(get("/", "").as_bytes()).await.unwrap();
    read_until(&mut one, "uri=/").await;
    let mut two = fixture.connect().await;
    two.write_all(get("/socket", WEBSOCKET).as_bytes())
        .await
        .unwrap();
    read_until(&mut two, "\r\n\r\n").await;
    // The second was upgraded, so its place is free.
    let mut three = fixture.connect().await;
    three.write_all(get("/", "").as_bytes()).await.unwrap();
    read_until(&mut three, "uri=/").await;
    assert_eq!(fixture.exchange(get("/", "")).await, "");
    drop(one);
    eventually(async || fixture.get("/", "").await.0 == 200).await;
}

#[tokio::test]
async fn upgrades_beyond_the_limit_are_refused() {
    let mut config = config();
    config.limits.upgraded_connections = 0;
    let fixture = Fixture::with(config).await;
    let mut socket = fixture.connect().await;
    socket
        .write_all(get("/socket", WEBSOCKET).as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&read_until(&mut socket, "\r\n\r\n").await), 503);
}

#[tokio::test]
async fn a_cut_resets_a_download() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.connect().await;
    socket
        .write_all(get("/endless", "").as_bytes())
        .await
        .unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    fixture.lease.cancel();
    let mut space = vec![0; 64 * 1024];
    let cut = async {
        loop {
            match socket.read(&mut space).await {
                Ok(0) => panic!("looks like a proper end"),
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    };
    let error = tokio::time::timeout(LIMIT, cut).await.unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_cut_resets_an_upgraded_connection() {
    let fixture = Fixture::new().await;
    let mut socket = fixture.connect().await;
    socket
        .write_all(get("/socket", WEBSOCKET).as_bytes())
        .await
        .unwrap();
    read_until(&mut socket, "\r\n\r\n").await;
    socket.write_all(b"ping").await.unwrap();
    read_until(&mut socket, "ping").await;
    fixture.lease.cancel();
    let error = tokio::time::timeout(LIMIT, socket.read_u8())
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_stop_lets_an_answer_finish_and_takes_no_more() {
    let fixture = Fixture::new().await;
    let mut idle = fixture.connect().await;
    idle.write_all(get("/", "").as_bytes()).await.unwrap();
    read_until(&mut idle, "uri=/").await;
    let mut busy = fixture.connect().await;
    busy.write_all(get("/slowly", "").as_bytes()).await.unwrap();
    read_until(&mut busy, "piece ").await;
    fixture.lifecycle.stop();
    assert_eq!(read_to_close(&mut idle).await, "");
    let rest = read_to_close(&mut busy).await;
    assert_eq!(rest.matches("piece ").count(), 9, "{rest}");
    assert!(rest.ends_with("0\r\n\r\n"), "{rest}");
    eventually(async || TcpStream::connect(fixture.address).await.is_err()).await;
    assert_eq!(fixture.ended().await, Outcome::Stopped { clean: true });
}

#[tokio::test]
async fn a_second_stop_cuts_what_still_runs() {
    let fixture = Fixture::new().await;
    let mut busy = fixture.connect().await;
    busy.write_all(get("/endless", "").as_bytes())
        .await
        .unwrap();
    read_until(&mut busy, "\r\n\r\n").await;
    fixture.lifecycle.stop();
    fixture.lifecycle.stop();
    assert_eq!(fixture.ended().await, Outcome::Stopped { clean: false });
    // Not to the end of an endless answer, but to the end of what was sent.
    read_to_close(&mut busy).await;
}

fn connector(roots: RootCertStore) -> TlsConnector {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn s16_over_tls_the_name_of_the_handshake_is_the_host() {
    let (_folder, tls, roots) = certificate();
    let mut config = config();
    config.listen.tls = Some(tls);
    let fixture = Fixture::with(config).await;
    let connector = connector(roots);
    for (name, host, expected) in [
        ("adit.test", "adit.test", 200),
        ("dev1.d.test", "Dev1.d.test:443", 200),
        ("dev1.d.test", "adit.test", 421),
        ("adit.test", "dev1.d.test", 421),
        ("dev1.d.test", "dev2.d.test", 421),
    ] {
        let name = ServerName::try_from(name).unwrap();
        let mut socket = connector
            .connect(name, fixture.connect().await)
            .await
            .unwrap();
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await.unwrap();
        let answer = read_to_close(&mut socket).await;
        assert_eq!(status(&answer), expected, "{host}: {answer}");
    }
}

#[tokio::test]
async fn s35_a_handshake_must_end_in_time() {
    let (_folder, tls, _) = certificate();
    let mut config = config();
    config.listen.tls = Some(tls);
    config.timers.tls_handshake_ms = 150;
    let fixture = Fixture::with(config).await;
    let mut silent = fixture.connect().await;
    assert_eq!(read_to_close(&mut silent).await, "");
}

/// S41: no bytes in place of a handshake end more than their own connection.
#[tokio::test]
async fn s41_hostile_handshakes_end_their_own_connection_only() {
    let (_folder, tls, roots) = certificate();
    let mut config = config();
    config.listen.tls = Some(tls);
    config.timers.tls_handshake_ms = 2_000;
    let fixture = Fixture::with(config).await;
    let hello = client_hello(&connector(roots.clone()));
    for at in (0..hello.len()).step_by(3) {
        let mut mutated = hello.clone();
        mutated[at] ^= 0xff;
        let mut socket = fixture.connect().await;
        socket.write_all(&mutated).await.unwrap();
        socket.shutdown().await.unwrap();
        read_to_close(&mut socket).await;
    }
    let name = ServerName::try_from(HOST).unwrap();
    let mut socket = connector(roots)
        .connect(name, fixture.connect().await)
        .await
        .unwrap();
    socket
        .write_all(get("/", "Connection: close\r\n").as_bytes())
        .await
        .unwrap();
    assert_eq!(status(&read_to_close(&mut socket).await), 200);
}

fn client_hello(connector: &TlsConnector) -> Vec<u8> {
    let name = ServerName::try_from(HOST).unwrap();
    let mut client = rustls::ClientConnection::new(Arc::clone(connector.config()), name).unwrap();
    let mut hello = Vec::new();
    client.write_tls(&mut hello).unwrap();
    hello
}

#[tokio::test]
async fn a_certificate_is_read_again_and_a_bad_one_is_not_taken() {
    let (_folder, tls, _) = certificate();
    let certificate = server::http::Certificate::load(tls.clone()).unwrap();
    certificate.reload().unwrap();
    std::fs::write(&tls.certificate, "nothing").unwrap();
    assert!(certificate.reload().is_err());
    let (_other_folder, other, _) = self::certificate();
    std::fs::copy(&other.certificate, &tls.certificate).unwrap();
    let error = certificate.reload().unwrap_err().to_string();
    assert!(error.contains("certificate and key"), "{error}");
}
