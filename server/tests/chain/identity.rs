//! S27, S28: who is a device, and which of two is.

use std::sync::Arc;

use agent::{DeviceKey, ServerError};
use api::ProblemCode;
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::harness::{
    Behaviour, RunningAgent, TestService, enroll, read_to_end, service, spawn, until,
};
use crate::place::Place;

fn refusal(error: ServerError) -> (StatusCode, Option<ProblemCode>) {
    match error {
        ServerError::Refused(refusal) => (refusal.status, refusal.code),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn s27_a_wrong_install_key_enrols_nobody() {
    let place = Place::start().await;
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let error = enroll(&place.agent_config(vec![]), &key, "wrong")
        .await
        .unwrap_err();
    assert_eq!(
        refusal(error),
        (StatusCode::FORBIDDEN, Some(ProblemCode::InstallKeyInvalid))
    );
}

#[tokio::test]
async fn s27_the_same_key_is_the_same_device() {
    let place = Place::start().await;
    let config = place.agent_config(vec![]);
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let install_key = place.install_key().await;
    let first = enroll(&config, &key, &install_key).await.unwrap();
    assert_eq!(enroll(&config, &key, &install_key).await.unwrap(), first);
    let other = Arc::new(DeviceKey::ephemeral().unwrap());
    assert_ne!(enroll(&config, &other, &install_key).await.unwrap(), first);
}

#[tokio::test]
async fn s27_an_enrolment_is_not_even_read_without_proof() {
    let place = Place::start().await;
    let request = "POST /api/v1/enrolments HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
        Content-Type: application/json\r\nContent-Length: 0\r\n\r\n";
    let answer = place.ask(request).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    let false_proof = "POST /api/v1/enrolments HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
        Content-Length: 0\r\nAuthorization: Adit-Device key=\"AA\"\r\n\r\n";
    let answer = place.ask(false_proof).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(
        answer
            .to_lowercase()
            .contains("www-authenticate: adit-device nonce=\""),
        "{answer}"
    );
}

/// Somebody in between passes everything on. The agent has signed the address it was configured
/// with, which is not ours: the proof is worth nothing here.
#[tokio::test]
async fn s27_a_proof_for_another_origin_is_refused() {
    let place = Place::start().await;
    let between = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let mut config = place.agent_config(vec![]);
    let port = between.local_addr().unwrap().port();
    config.server = format!("http://adit.localhost:{port}").parse().unwrap();
    let rewrite = [port, place.port].map(|port| format!("host: adit.localhost:{port}\r\n"));
    let server_port = place.port;
    spawn(async move {
        while let Ok((agent, _)) = between.accept().await {
            let server = TcpStream::connect(("127.0.0.1", server_port))
                .await
                .unwrap();
            let (mut from_agent, mut to_agent) = agent.into_split();
            let (mut from_server, mut to_server) = server.into_split();
            spawn(async move { tokio::io::copy(&mut from_server, &mut to_agent).await });
            let mut request = [0; 4096];
            while let Ok(length @ 1..) = from_agent.read(&mut request).await {
                let text = String::from_utf8_lossy(&request[..length]);
                let text = text.replace(&rewrite[0], &rewrite[1]);
                to_server.write_all(text.as_bytes()).await.unwrap();
            }
        }
    });
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let error = enroll(&config, &key, &place.install_key().await)
        .await
        .unwrap_err();
    assert_eq!(
        refusal(error),
        (StatusCode::UNAUTHORIZED, Some(ProblemCode::ProofInvalid))
    );
}

#[tokio::test]
async fn s27_an_unknown_key_gets_no_tunnel() {
    let place = Place::start().await;
    let stranger = Arc::new(DeviceKey::ephemeral().unwrap());
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let agent = RunningAgent::start(place.agent_config(vec![]), &stranger);
    place.access.assert_echo(device.id).await;
    assert_eq!(place.access.relay.tunnels(), 1);
    agent.stop().await;
    device.agent.stop().await;
    until("no tunnel", async || place.access.relay.tunnels() == 0).await;
}

const UPGRADE: &str = "GET /tunnel HTTP/1.1\r\nHost: HOST\r\nConnection: Upgrade, close\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test]
async fn s27_without_proof_there_is_a_challenge() {
    let place = Place::start().await;
    let answer = place
        .ask(&format!(
            "{UPGRADE}Sec-WebSocket-Protocol: adit.tunnel.v1\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert!(
        answer
            .to_lowercase()
            .contains("www-authenticate: adit-device nonce=\""),
        "{answer}"
    );
    assert!(answer.contains("proof_invalid"), "{answer}");
}

#[tokio::test]
async fn an_unknown_dialect_is_told_which_are_spoken() {
    let place = Place::start().await;
    for request in [
        format!("{UPGRADE}Sec-WebSocket-Protocol: adit.tunnel.v9\r\n\r\n"),
        "GET /tunnel HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n".to_owned(),
    ] {
        let answer = place.ask(&request).await;
        assert!(answer.starts_with("HTTP/1.1 426"), "{answer}");
        assert!(
            answer.contains("adit.tunnel.v1") && answer.contains("websocket"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_browser_has_no_business_at_the_tunnel() {
    let place = Place::start().await;
    let answer = place
        .ask(&format!(
            "{UPGRADE}Origin: http://HOST\r\nSec-WebSocket-Protocol: adit.tunnel.v1\r\n\r\n"
        ))
        .await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert!(answer.contains("cross_origin"), "{answer}");
}

#[tokio::test]
async fn s38_compression_is_not_negotiated() {
    let place = Place::start().await;
    let answer = place
        .ask(&format!(
            "{UPGRADE}Sec-WebSocket-Extensions: permessage-deflate\r\n\
             Sec-WebSocket-Protocol: adit.tunnel.v1\r\n\r\n"
        ))
        .await;
    assert!(
        !answer.to_lowercase().contains("sec-websocket-extensions"),
        "{answer}"
    );
}

/// A copied key: the newest tunnel wins, the old one's streams break and its agent stays away.
#[tokio::test]
async fn s28_the_newest_of_two_agents_with_one_key_wins() {
    let place = Place::start().await;
    let held = TestService::start(Behaviour::Hold).await;
    let device = place.device(vec![service("first", held.port)]).await;
    let mut old_stream = place.access.open_when_up(device.id, "first").await;

    let mut config = device.config.clone();
    let echo = TestService::start(Behaviour::Echo).await;
    config.services = vec![service("echo", echo.port)];
    let clone = RunningAgent::start(config, &device.key);

    let error = read_to_end(&mut old_stream).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    place.access.assert_echo(device.id).await;
    assert_eq!(place.access.relay.tunnels(), 1);
    // The old one waits a minute; the new one is not knocked out.
    place.access.assert_echo(device.id).await;
    clone.stop().await;
}
