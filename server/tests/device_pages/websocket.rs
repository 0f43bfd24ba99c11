//! WebSockets to devices.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::device::Seen;
use crate::harness::{Browser, Device, Place, soon};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A request for a WebSocket, and the head of the answer.
async fn ask(
    browser: &Browser,
    place: &Place,
    device: &Device,
    path: &str,
    fields: &str,
    after: &str,
) -> (String, TcpStream) {
    let host = format!("{}.adit.localhost", device.enrolled.label);
    let cookie = browser.cookie_line(&host).unwrap_or_default();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{}\r\nCookie: {cookie}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n{after}",
        place.port
    );
    let mut connection = browser.connect().await;
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    soon("an answer", async {
        while !head.ends_with(b"\r\n\r\n") {
            match connection.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => break,
            }
        }
    })
    .await;
    (String::from_utf8(head).unwrap(), connection)
}

async fn socket(browser: &Browser, place: &Place, device: &Device) -> WebSocketStream<TcpStream> {
    let origin = format!("Origin: {}\r\n", place.page(device));
    let (head, connection) = ask(browser, place, device, "/ws", &origin, "").await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let lower = head.to_ascii_lowercase();
    assert!(
        lower.contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    assert!(
        lower.contains(&format!("x-origin: http://127.0.0.1:{}", device.web.port)),
        "{head}"
    );
    WebSocketStream::from_raw_socket(connection, Role::Client, None).await
}

#[tokio::test]
async fn messages_go_both_ways() {
    let place = Place::start().await;
    let mut device = place.device().await;
    let browser = place.visiting(&device).await;
    let mut socket = socket(&browser, &place, &device).await;
    for size in [0, 1, 125, 126, 65_535, 65_536, 1_000_000] {
        let message = Message::binary(vec![7; size]);
        socket.send(message.clone()).await.unwrap();
        let echoed = soon("an echo", socket.next()).await.unwrap().unwrap();
        assert_eq!(echoed, message);
    }
    // A tab that is closed without a word.
    drop(socket);
    assert_left(&mut device).await;
}

async fn assert_left(device: &mut Device) {
    let began = Instant::now();
    assert_eq!(
        soon("the end", device.web.seen.recv()).await,
        Some(Seen::Left)
    );
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn s34_signing_out_cuts_a_socket_within_a_second() {
    let place = Place::start().await;
    let mut device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let mut socket = socket(&browser, &place, &device).await;
    let sign_out = format!("{}/api/v1/sign-out", place.manager());
    let answer = browser.post(&sign_out, "application/json", "").await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let began = Instant::now();
    assert_left(&mut device).await;
    let end = soon("the end", socket.next()).await;
    assert!(matches!(end, None | Some(Err(_))), "{end:?}");
    assert!(
        began.elapsed() < Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn s08_only_the_devices_own_page_may_speak_to_it() {
    let place = Place::start().await;
    let (device, other) = (place.device().await, place.device().await);
    let browser = place.visiting(&device).await;
    let page = place.page(&device);
    let before = device.web.requests();
    for origin in [
        String::new(),
        "Origin: null\r\n".to_owned(),
        format!("Origin: {}\r\n", place.page(&other)),
        format!("Origin: {}\r\n", place.manager()),
        format!("Origin: {}\r\n", page.replace("http:", "https:")),
        format!("Origin: {}\r\n", page.rsplit_once(':').unwrap().0),
        format!("Origin: {page}.evil.example\r\n"),
        format!("Origin: {}\r\n", page.to_ascii_uppercase()),
        format!("Origin: {page}/\r\n"),
        format!("Origin: {page}\r\nOrigin: {page}\r\n"),
    ] {
        let (head, _) = ask(&browser, &place, &device, "/ws", &origin, "").await;
        assert!(head.starts_with("HTTP/1.1 40"), "{origin}: {head}");
    }
    let (head, _) = ask(
        &place.browser(),
        &place,
        &device,
        "/ws",
        &format!("Origin: {page}\r\n"),
        "",
    )
    .await;
    assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    assert_eq!(device.web.requests(), before);
}

#[tokio::test]
async fn s17_what_follows_a_refused_upgrade_never_reaches_the_device() {
    let place = Place::start().await;
    let device = place.device().await;
    let browser = place.visiting(&device).await;
    let origin = format!("Origin: {}\r\n", place.page(&device));
    let hidden = "GET /hidden HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
    for (path, status) in [
        ("/echo", "200"),
        ("/no-http", "502"),
        ("/ws-wrong", "502"),
        ("/nothing", "204"),
    ] {
        let before = device.web.requests();
        let (head, mut connection) = ask(&browser, &place, &device, path, &origin, hidden).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {head}"
        );
        // The front answers what follows in its own name or not at all.
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(
            Duration::from_millis(300),
            connection.read_to_end(&mut rest),
        )
        .await;
        assert!(
            !String::from_utf8_lossy(&rest).contains("GET /hidden"),
            "{path}"
        );
        assert_eq!(device.web.requests(), before + 1, "{path}");
    }
    let before = device.web.requests();
    let h2c = "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let (head, _) = ask(
        &browser,
        &place,
        &device,
        "/echo",
        &format!("{origin}{h2c}"),
        "",
    )
    .await;
    assert!(head.starts_with("HTTP/1.1 400 "), "{head}");
    assert_eq!(device.web.requests(), before);
}
