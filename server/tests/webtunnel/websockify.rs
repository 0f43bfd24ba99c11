//! A browser's viewer at a port of the device.

use bytes::Bytes;
use data_encoding::BASE64;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::harness::PASSWORD;
use crate::place::{Scene, banner};
use crate::tools::password;
use crate::waiting::soon;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// The head of the answer, and the socket.
async fn ask(scene: &Scene, host: &str, query: &str, fields: &str) -> (String, TcpStream) {
    let mut socket = TcpStream::connect(("127.0.0.1", scene.place.port))
        .await
        .unwrap();
    let request = format!(
        "GET /my-devices/websockify{query} HTTP/1.1\r\nHost: {host}:{}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{fields}\r\n",
        scene.place.port
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    soon("an answer", async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
    })
    .await;
    (String::from_utf8(head).unwrap(), socket)
}

async fn status(scene: &Scene, host: &str, query: &str, fields: &str) -> String {
    let (head, _) = ask(scene, host, query, fields).await;
    head.split(' ').nth(1).unwrap().to_owned()
}

async fn viewer(scene: &Scene, port: u16, fields: &str) -> (String, WebSocketStream<TcpStream>) {
    let query = format!("?port={port}");
    let (head, socket) = ask(scene, &scene.host(), &query, fields).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let socket = WebSocketStream::from_raw_socket(socket, Role::Client, None).await;
    (head.to_ascii_lowercase(), socket)
}

async fn read(socket: &mut WebSocketStream<TcpStream>, bytes: usize) -> Vec<u8> {
    let mut heard = Vec::new();
    soon("bytes of the device", async {
        while heard.len() < bytes {
            match socket.next().await.unwrap().unwrap() {
                Message::Binary(part) => {
                    assert!(part.len() <= 64 << 10);
                    heard.extend_from_slice(&part);
                }
                other => panic!("{other:?}"),
            }
        }
    })
    .await;
    heard
}

async fn scene() -> (Scene, u16) {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    (scene, port)
}

#[tokio::test]
async fn a_viewer_in_the_devices_page_is_let_in_by_the_cookie_of_its_host() {
    let (scene, port) = scene().await;
    let _stub = scene.connect().await;
    let browser = scene.visiting().await;
    let cookie = browser.cookie_line(&scene.host()).unwrap();
    let own = format!("Cookie: {cookie}\r\nOrigin: {}\r\n", scene.page());
    let offers = format!("{own}Sec-WebSocket-Protocol: binary, base64\r\n");
    let (head, mut socket) = viewer(&scene, port, &offers).await;
    assert!(
        head.contains("sec-websocket-protocol: binary\r\n"),
        "{head}"
    );
    assert_eq!(read(&mut socket, 11).await, b"SSH-2.0-x\r\n");
    let message = Bytes::from((0..60_000_u32).map(|n| n as u8).collect::<Vec<_>>());
    socket.send(Message::Binary(message.clone())).await.unwrap();
    assert_eq!(read(&mut socket, message.len()).await, message);
    socket.close(None).await.unwrap();

    let (head, mut socket) = viewer(&scene, port, &own).await;
    assert!(!head.contains("sec-websocket-protocol"), "{head}");
    assert_eq!(read(&mut socket, 11).await, b"SSH-2.0-x\r\n");
    // More than is taken at once, and it is cut.
    let too_much = Message::Binary(Bytes::from(vec![0; (64 << 10) + 1]));
    let _ = socket.send(too_much).await;
    soon("the cut", async {
        while let Some(Ok(Message::Binary(_) | Message::Ping(_))) = socket.next().await {}
    })
    .await;

    // S07: a cookie comes along from every page; only the device's own may use it.
    let host = scene.host();
    let query = format!("?port={port}");
    for origin in [
        "http://evil.example".to_owned(),
        scene.place.manager(),
        format!("{}.evil.example", scene.page()),
        "null".to_owned(),
    ] {
        let fields = format!("Cookie: {cookie}\r\nOrigin: {origin}\r\n");
        assert_eq!(
            status(&scene, &host, &query, &fields).await,
            "403",
            "{origin}"
        );
    }
    let twice = format!("{own}Origin: {}\r\n", scene.page());
    assert_eq!(status(&scene, &host, &query, &twice).await, "403");
    let silent = format!("Cookie: {cookie}\r\n");
    assert_eq!(status(&scene, &host, &query, &silent).await, "401");
    // And only at its host: another device's is no way in.
    let offers = format!("{own}Sec-WebSocket-Protocol: base64\r\n");
    assert_eq!(status(&scene, &host, &query, &offers).await, "400");
    for query in ["", "?port=0", "?port=x", "?port=22&port=23", "?port=70000"] {
        assert_eq!(status(&scene, &host, query, &own).await, "400", "{query}");
    }
}

#[tokio::test]
async fn a_viewer_is_let_in_by_password_and_only_to_what_is_forwarded() {
    let (scene, port) = scene().await;
    let foreign = scene.foreign("dev-0002").await;
    let _stub = scene.connect().await;
    let basic = format!("Authorization: {}\r\n", password("ada", PASSWORD));
    let (_, mut socket) = viewer(&scene, port, &basic).await;
    assert_eq!(read(&mut socket, 11).await, b"SSH-2.0-x\r\n");
    let host = scene.host();
    let query = format!("?port={port}");
    assert_eq!(status(&scene, &host, "?port=1", &basic).await, "502");
    assert_eq!(status(&scene, &host, &query, "").await, "401");
    let wrong = BASE64.encode(b"ada:wrong");
    let wrong = format!("Authorization: Basic {wrong}\r\n");
    assert_eq!(status(&scene, &host, &query, &wrong).await, "401");
    let from_page = format!("{basic}Origin: http://evil.example\r\n");
    assert_eq!(status(&scene, &host, &query, &from_page).await, "403");
    // Others' devices are as good as none.
    let elsewhere = format!("{}.{}", foreign.label, scene.domain);
    let nowhere = format!("dev-0003.{}", scene.domain);
    for host in [elsewhere, nowhere] {
        assert_eq!(status(&scene, &host, &query, &basic).await, "404", "{host}");
    }
}

#[tokio::test]
async fn s34_a_viewer_is_cut_when_its_user_signs_out() {
    let (scene, port) = scene().await;
    let _stub = scene.connect().await;
    let mut browser = scene.visiting().await;
    let cookie = browser.cookie_line(&scene.host()).unwrap();
    let own = format!("Cookie: {cookie}\r\nOrigin: {}\r\n", scene.page());
    let (_, mut socket) = viewer(&scene, port, &own).await;
    read(&mut socket, 11).await;
    let url = format!("{}/api/v1/sign-out", scene.place.manager());
    let request = crate::harness::fetch(http::Method::POST, &url);
    let request = request.header("origin", scene.place.manager());
    let request = request.body(http_body_util::Full::<Bytes>::default());
    assert_eq!(browser.send(request.unwrap()).await.status(), 204);
    soon("the cut", async {
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
    let query = format!("?port={port}");
    assert_eq!(status(&scene, &scene.host(), &query, &own).await, "401");
}
