//! The byte table: what raw requests get at the public port (SECURITY S15-S18).

mod front_fixture;

use front_fixture::byte_table::{Case, MALFORMED_CHUNKS, ambiguous_framing, loose_grammar, post};
use front_fixture::{Fixture, HOST, WEBSOCKET, read_to_close, read_until, status, statuses};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;

/// Each of these is answered once, with this status, and the connection is closed although the
/// client asked for no close. A second request behind the first is not answered.
async fn refused(cases: &[Case]) {
    let fixture = Fixture::new().await;
    for (name, bytes, expected) in cases {
        let behind = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        let answer = fixture.exchange(format!("{bytes}{behind}")).await;
        assert_eq!(statuses(&answer), [*expected], "{name}: {answer}");
        assert!(
            answer.to_lowercase().contains("connection: close"),
            "{name}: {answer}"
        );
        assert!(
            answer.contains("content-security-policy"),
            "{name}: {answer}"
        );
        let clears = answer.contains("clear-site-data: \"cookies\"");
        assert_eq!(
            clears,
            matches!(expected, 400 | 431),
            "S03 {name}: {answer}"
        );
    }
    assert_eq!(fixture.reached(), 0);
}

#[tokio::test]
async fn s15_ambiguous_framing_is_refused() {
    refused(&ambiguous_framing()).await;
}

#[tokio::test]
async fn s16_what_the_parser_below_would_let_pass_is_refused() {
    refused(&loose_grammar()).await;
}

#[tokio::test]
async fn s16_hosts_are_found_however_they_are_written() {
    let fixture = Fixture::new().await;
    for host in [
        "ADIT.test",
        "adit.test.",
        "adit.test:443",
        "DEV1.D.test.",
        "dev1--web.d.test:443",
    ] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        assert_eq!(status(&fixture.exchange(request).await), 200, "{host}");
    }
    let nowhere = "GET / HTTP/1.1\r\nHost: a.b.d.test\r\nConnection: close\r\n\r\n";
    assert_eq!(status(&fixture.exchange(nowhere).await), 404);
    let whole =
        format!("GET https://{HOST}/?q HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    assert!(fixture.exchange(whole).await.ends_with("uri=/?q"));
}

#[tokio::test]
async fn s17_no_upgrade_but_a_whole_websocket_one() {
    let get = |fields: &str| format!("GET /socket HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n");
    refused(&[
        (
            "no key",
            get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
            400,
        ),
        ("h2c", get("Connection: Upgrade\r\nUpgrade: h2c\r\n"), 400),
        (
            "HTTP2-Settings",
            get("Connection: HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n"),
            400,
        ),
        (
            "body",
            get(&format!("Content-Length: 1\r\n{WEBSOCKET}")),
            400,
        ),
    ])
    .await;
}

#[tokio::test]
async fn s17_bytes_behind_an_upgrade_wait_for_its_answer() {
    let fixture = Fixture::new().await;
    // Refused by the handler's side (404): what follows is HTTP, judged and answered as such.
    let request = format!(
        "GET /api/nowhere HTTP/1.1\r\nHost: {HOST}\r\n{WEBSOCKET}\r\n\
         GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(statuses(&fixture.exchange(request).await), [404, 200]);
    // Taken: they are the socket's, and no request.
    let mut socket = fixture.connect().await;
    let request =
        format!("GET /socket HTTP/1.1\r\nHost: {HOST}\r\n{WEBSOCKET}\r\nGET / HTTP/1.1\n\0end");
    socket.write_all(request.as_bytes()).await.unwrap();
    let answer = read_until(&mut socket, "end").await;
    assert_eq!(status(&answer), 101);
    assert!(
        answer.ends_with("\r\n\r\nGET / HTTP/1.1\n\0end"),
        "{answer}"
    );
    assert_eq!(fixture.reached(), 3);
}

#[tokio::test]
async fn s15_a_malformed_chunk_closes_the_connection() {
    let fixture = Fixture::new().await;
    for body in MALFORMED_CHUNKS {
        let request = post("Transfer-Encoding: chunked\r\n", body);
        let answer = fixture
            .exchange(format!("{request}GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"))
            .await;
        assert_eq!(statuses(&answer), [400], "{body:?}: {answer}");
    }
}

#[tokio::test]
async fn s15_a_request_behind_a_body_is_read_in_step() {
    let fixture = Fixture::new().await;
    let inner = format!("GET /evil HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let behind = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    for (path, fields, body) in [
        (
            "/unread",
            format!("Content-Length: {}\r\n", inner.len()),
            inner.clone(),
        ),
        (
            "/body",
            format!("Content-Length: {}\r\n", inner.len()),
            inner.clone(),
        ),
        (
            "/body",
            "Transfer-Encoding: chunked\r\n".into(),
            format!("{:x}\r\n{inner}\r\n0\r\n\r\n", inner.len()),
        ),
    ] {
        let request = format!("POST {path} HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}{behind}");
        let answer = fixture.exchange(request).await;
        assert_eq!(statuses(&answer), [200, 200], "{path} {fields}: {answer}");
        assert!(answer.ends_with("uri=/"), "{answer}");
    }
}

#[tokio::test]
async fn s18_s19_fields_that_are_not_the_clients_to_set_go_no_further() {
    let fixture = Fixture::new().await;
    let fields = "Connection: cookie, x-a\r\nCookie: c=1\r\nX-A: 1\r\nX-B: 2\r\n\
        X-Forwarded-For: 1.2.3.4\r\nX_Forwarded_Host: evil\r\nForwarded: for=x\r\n";
    let (status, answer) = fixture.get("/fields", fields).await;
    assert_eq!(status, 200);
    assert!(answer.contains("x-b"));
    for gone in ["cookie", "x-a", "forwarded", "evil"] {
        let body = answer
            .split("\r\n\r\n")
            .nth(1)
            .unwrap()
            .replace("connection\": \"cookie, x-a", "");
        assert!(!body.contains(gone), "{gone}: {body}");
    }
}

#[tokio::test]
async fn s41_bytes_of_any_kind_leave_the_front_as_it_was() {
    let fixture = Fixture::new().await;
    let mut seed = 1_u64;
    for length in 1..200 {
        let bytes: Vec<u8> = (0..length)
            .map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            })
            .chain(*b"\n")
            .collect();
        let mut socket = fixture.connect().await;
        let _ = socket.write_all(&bytes).await;
        assert_eq!(status(&read_to_close(&mut socket).await), 400, "{bytes:?}");
    }
    assert_eq!(fixture.get("/", "").await.0, 200);
}

/// As much as browsers keep for one site, by a client that sends all of it before it reads.
#[tokio::test]
async fn s03_a_full_jar_of_cookies_is_told_to_be_emptied() {
    let fixture = Fixture::new().await;
    let jar = "c=1234; ".repeat(180 * 4096 / 8);
    let request = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nCookie: {jar}\r\n\r\n");
    // What it has not sent yet waits with it, not in the system.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(16 * 1024).unwrap();
    let mut socket = socket.connect(fixture.address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let answer = read_to_close(&mut socket).await;
    assert_eq!(status(&answer), 431, "{answer}");
    assert!(answer.contains("clear-site-data: \"cookies\""), "{answer}");
}
