//! The tools of others: `remote-client` and its siblings, and `remote-login`.

use std::sync::atomic::Ordering;
use std::time::Duration;

use data_encoding::BASE64;
use http::{Method, StatusCode};
use http_body_util::Full;
use serde_json::Value;
use server::clock::Clock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::harness::{PASSWORD, fetch, text};
use crate::place::{AGENT_ID, Scene, banner, counting};
use crate::stub::{Tool, ToolSettings};
use crate::waiting::{soon, spawn};

pub(crate) fn password(username: &str, password: &str) -> String {
    let credential = format!("{username}:{password}");
    format!("Basic {}", BASE64.encode(credential.as_bytes()))
}

pub(crate) fn settings(scene: &Scene, remote_port: u16) -> ToolSettings {
    ToolSettings {
        port: scene.place.port,
        authority: format!("{AGENT_ID}.{}:{}", scene.domain, scene.place.port),
        remote_port,
        authorization: password("ada", PASSWORD),
        dozes: Duration::ZERO,
    }
}

async fn connect(settings: &ToolSettings) -> Tool {
    let tool = Tool::connect(settings).await;
    tool.unwrap_or_else(|answer| panic!("{answer:?}"))
}

pub(crate) async fn refused(settings: &ToolSettings) -> (u16, String) {
    match Tool::connect(settings).await {
        Ok(_) => panic!("let in"),
        Err(answer) => (answer.status, answer.reason),
    }
}

/// The device speaks first; what comes with the 101 is held by the tool, too.
#[tokio::test]
async fn w10_a_banner_two_hundred_times() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let stub = scene.connect().await;
    let honest = settings(&scene, port);
    let mut rounds = Vec::new();
    for worker in 0..8 {
        let honest = honest.clone();
        rounds.push(spawn(async move {
            let mut held = 0;
            for round in 0..25 {
                // One in five is slow to look at the answer, and may find the banner with it.
                let dozes = if round % 5 == worker % 5 { 60 } else { 0 };
                let settings = ToolSettings {
                    dozes: Duration::from_millis(dozes),
                    ..honest.clone()
                };
                let mut tool = connect(&settings).await;
                assert_eq!(tool.read(11).await, b"SSH-2.0-x\r\n");
                tool.write(b"hello").await;
                assert_eq!(tool.read(5).await, b"hello");
                held += usize::from(tool.seen.held.load(Ordering::SeqCst));
                tool.close().await;
            }
            held
        }));
    }
    let mut held = 0;
    for round in rounds {
        held += soon("all rounds", round).await.unwrap();
    }
    assert!(held >= 5, "only {held} were held, so little was shown");
    assert!(stub.is_running());
}

#[tokio::test]
async fn a_tool_is_let_in_by_password_and_by_token() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let _stub = scene.connect().await;
    let honest = settings(&scene, port);
    let token = login(&scene, Method::POST, "ada", PASSWORD).await;
    let token = token.1["token"].as_str().unwrap().to_owned();
    for authorization in [
        honest.authorization.clone(),
        honest.authorization.clone(),
        format!("Bearer {token}"),
        password("ada", &token),
    ] {
        let settings = ToolSettings {
            authorization,
            ..honest.clone()
        };
        let mut tool = connect(&settings).await;
        assert_eq!(tool.read(11).await, b"SSH-2.0-x\r\n");
    }
    for (authorization, reason) in [
        (password("ada", "wrong"), "User name or password is wrong"),
        (
            password("nobody", PASSWORD),
            "User name or password is wrong",
        ),
        ("Bearer x".to_owned(), "The token is unknown or has expired"),
        (
            "Digest x".to_owned(),
            "User name and password or a token wanted",
        ),
    ] {
        let settings = ToolSettings {
            authorization,
            ..honest.clone()
        };
        assert_eq!(refused(&settings).await, (401, reason.to_owned()));
    }
}

#[tokio::test]
async fn what_does_not_connect_is_told_by_a_phrase() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    let honest = settings(&scene, port);
    let offline = refused(&honest).await;
    assert_eq!(offline, (503, "The device is reconnecting".to_owned()));
    scene.settings.ports.push(1);
    let _stub = scene.connect().await;
    let told = |phrase: &str, status| (status, phrase.to_owned());
    assert_eq!(
        refused(&honest).await,
        told("The device does not forward this port", 502)
    );
    let nobody = ToolSettings {
        remote_port: 1,
        ..honest.clone()
    };
    assert_eq!(
        refused(&nobody).await,
        told("Nothing answers at this port of the device", 502)
    );
    let elsewhere = ToolSettings {
        authority: honest.authority.replace(AGENT_ID, "dev-0002"),
        ..honest.clone()
    };
    assert_eq!(
        refused(&elsewhere).await,
        told("There is no such device", 404)
    );
    let zero = ToolSettings {
        remote_port: 0,
        ..honest
    };
    assert_eq!(refused(&zero).await, told("No remote port given", 400));
}

/// Item 7: no frame to a tool is empty; the stub looks. A PING of its own is answered.
#[tokio::test]
async fn item_07_a_tool_hears_an_answer_after_its_own_end() {
    let mut scene = Scene::new().await;
    let port = counting().await;
    scene.settings.ports.push(port);
    let _stub = scene.connect().await;
    let mut tool = connect(&settings(&scene, port)).await;
    tool.ping().await;
    tool.until_pong().await;
    assert_eq!(tool.pongs, [Vec::<u8>::new()]);
    tool.write(&vec![7; 3_000_000]).await;
    tool.close().await;
    assert_eq!(tool.read_to_end().await, b"3000000 bytes");
}

#[tokio::test]
async fn s34_a_tool_is_cut_when_its_token_is_deleted() {
    let mut scene = Scene::new().await;
    let port = banner().await;
    scene.settings.ports.push(port);
    let _stub = scene.connect().await;
    let (_, token) = login(&scene, Method::GET, "ada", PASSWORD).await;
    let settings = ToolSettings {
        authorization: format!("Bearer {}", token["token"].as_str().unwrap()),
        ..settings(&scene, port)
    };
    let mut tool = connect(&settings).await;
    tool.read(11).await;
    let mut browser = scene.signed_in().await;
    let url = format!("{}/api/v1/api-tokens", scene.place.manager());
    let tokens: Value = serde_json::from_str(&text(browser.fetch(&url).await).await).unwrap();
    assert_eq!(tokens["items"][0]["name"], "test");
    let id = tokens["items"][0]["id"].as_str().unwrap();
    let request = fetch(Method::DELETE, &format!("{url}/{id}"));
    let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
    assert_eq!(browser.send(request).await.status(), 204);
    tool.until_cut().await;
}

pub(crate) async fn login(
    scene: &Scene,
    method: Method,
    username: &str,
    password: &str,
) -> (u16, Value) {
    let mut browser = scene.place.browser();
    let url = format!(
        "http://{}:{}/my-devices/api/token",
        scene.domain, scene.place.port
    );
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("username", username)
        .append_pair("password", password)
        .append_pair("application", "test")
        .finish();
    let request = match method {
        Method::GET => http::Request::get(format!("{url}?{form}")).body(Full::default()),
        method => http::Request::builder()
            .method(method)
            .uri(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::<bytes::Bytes>::from(form)),
    };
    let answer = browser.send(request.unwrap()).await;
    let status = answer.status().as_u16();
    let answer = text(answer).await;
    (status, serde_json::from_str(&answer).unwrap_or(Value::Null))
}

#[tokio::test]
async fn w12_a_login_gives_a_token_for_a_day() {
    let scene = Scene::new().await;
    for method in [Method::POST, Method::GET] {
        let (status, answer) = login(&scene, method.clone(), "ada", PASSWORD).await;
        assert_eq!(status, 200, "{method}");
        let now_s = Clock::system().now().0 / 1_000_000;
        let left_s = answer["expires"].as_i64().unwrap() - now_s;
        assert!((86_300..=86_400).contains(&left_s), "{left_s}");
        let (status, _) = login(&scene, method.clone(), "ada", "wrong").await;
        assert_eq!(status, 401);
    }
    let (status, _) = login(&scene, Method::PUT, "ada", PASSWORD).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    // No page of another site tries passwords through its visitors.
    let mut browser = scene.place.browser();
    let url = format!(
        "http://{}:{}/my-devices/api/token",
        scene.domain, scene.place.port
    );
    let request = http::Request::post(&url).header("origin", "http://evil.example");
    let request = request.body(Full::<bytes::Bytes>::default()).unwrap();
    assert_eq!(browser.send(request).await.status(), StatusCode::FORBIDDEN);
    // And at other hosts there is nothing of it.
    let url = format!("{}/my-devices/api/token", scene.page());
    let request = http::Request::post(&url).body(Full::<bytes::Bytes>::default());
    assert_eq!(
        browser.send(request.unwrap()).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

/// A `CONNECT` as `remote-connect` sends it: the answer's first line, and the socket.
pub(crate) async fn remote_connect(
    scene: &Scene,
    target: &str,
    credential: &str,
) -> (String, TcpStream) {
    let mut socket = TcpStream::connect(("127.0.0.1", scene.place.port))
        .await
        .unwrap();
    let head = format!(
        "CONNECT {target} HTTP/1.1\r\n{credential}Connection: Keep-Alive\r\nHost: {target}\r\n\r\n"
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    soon("an answer", async {
        while !answer.ends_with(b"\r\n\r\n") {
            answer.push(socket.read_u8().await.unwrap());
        }
    })
    .await;
    let answer = String::from_utf8(answer).unwrap();
    (answer.lines().next().unwrap().to_owned(), socket)
}

#[tokio::test]
async fn w11_remote_connect_has_an_end_for_each_side() {
    let mut scene = Scene::new().await;
    let (speaks, counts) = (banner().await, counting().await);
    scene.settings.ports.extend([speaks, counts]);
    let _stub = scene.connect().await;
    let credential = format!("Proxy-Authorization: {}\r\n", password("ada", PASSWORD));
    let host = format!("{AGENT_ID}.{}", scene.domain);

    let (line, mut socket) = remote_connect(&scene, &format!("{host}:{speaks}"), &credential).await;
    assert_eq!(line, "HTTP/1.1 200 OK");
    let mut heard = [0; 11];
    soon("the banner", socket.read_exact(&mut heard))
        .await
        .unwrap();
    assert_eq!(&heard, b"SSH-2.0-x\r\n");

    let (_, mut socket) = remote_connect(&scene, &format!("{host}:{counts}"), &credential).await;
    socket.write_all(&vec![7; 1_000_000]).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", socket.read_to_string(&mut answer))
        .await
        .unwrap();
    assert_eq!(answer, "1000000 bytes");

    let wrong = format!("Proxy-Authorization: {}\r\n", password("ada", "wrong"));
    let elsewhere = format!("dev-0002.{}:22", scene.domain);
    for (target, credential, line) in [
        (
            format!("{host}:{speaks}"),
            "",
            "HTTP/1.1 405 Method Not Allowed",
        ),
        (
            format!("{host}:{speaks}"),
            wrong.as_str(),
            "HTTP/1.1 401 User name or password is wrong",
        ),
        (
            format!("{host}:1"),
            credential.as_str(),
            "HTTP/1.1 502 The device does not forward this port",
        ),
        (
            elsewhere,
            credential.as_str(),
            "HTTP/1.1 404 There is no such device",
        ),
        (
            "example.org:443".to_owned(),
            credential.as_str(),
            "HTTP/1.1 421 Misdirected Request",
        ),
        (
            format!("adit.localhost:{}", scene.place.port),
            credential.as_str(),
            "HTTP/1.1 421 Misdirected Request",
        ),
    ] {
        assert_eq!(remote_connect(&scene, &target, credential).await.0, line);
    }
}
