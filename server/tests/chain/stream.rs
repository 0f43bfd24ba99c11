//! `adit.stream.v1`: a client's stream to a service.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, timeout};
use tunnel::driver::{Closed, OpenError, Stream, StreamError};
use tunnel::wire::{Code, Windows};

use crate::client::Client;
use crate::harness::{Behaviour, End, TestService, closed_port, service, soon, until};
use crate::place::{Device, Place};

const WITHIN: Duration = Duration::from_secs(1);

async fn read_to_end(stream: &mut Stream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    soon("the end of a stream", stream.read_to_end(&mut bytes))
        .await
        .map(|_| bytes)
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

async fn cut_with(stream: &mut Stream) -> Code {
    let error = read_to_end(stream).await.unwrap_err();
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(StreamError::Reset { code, .. }) => *code,
        other => panic!("not by RESET: {other:?}"),
    }
}

struct Scene {
    place: Place,
    device: Device,
    held: TestService,
}

async fn scene() -> Scene {
    let place = Place::start().await;
    let held = TestService::start(Behaviour::Hold).await;
    let echo = TestService::start(Behaviour::Echo).await;
    let services = vec![
        service("held", held.port),
        service("echo", echo.port),
        service("closed", closed_port().await),
    ];
    let device = place.device(services).await;
    Scene {
        place,
        device,
        held,
    }
}

#[tokio::test]
async fn bytes_go_both_ways_and_the_connection_ends_in_order() {
    let Scene { place, device, .. } = scene().await;
    let lines = bearer(&place.token().await);
    let Client { stream, driver } = place.client_when_up(device.id, "echo", &lines).await;
    let sent: Vec<u8> = (0..8_000_000_u32)
        .map(|number| (number % 251) as u8)
        .collect();
    let (mut reader, mut writer) = tokio::io::split(stream);
    let send = async {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    };
    let mut received = Vec::new();
    let (_, length) = soon("8 MB", async {
        tokio::join!(send, reader.read_to_end(&mut received))
    })
    .await;
    assert_eq!(length.unwrap(), sent.len());
    assert!(received == sent);
    assert_eq!(
        soon("the goodbye", driver).await.unwrap(),
        Closed::Peer,
        "by the server"
    );
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let Scene { place, device, .. } = scene().await;
    let lines = bearer(&place.token().await);
    drop(place.client_when_up(device.id, "echo", &lines).await);

    let (head, _) = place.ask_for_stream(device.id, "none", &lines).await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    let refused = async |service: &str| {
        let mut client = place.client(device.id, service, &lines).await;
        match soon("an answer", client.stream.accepted()).await {
            Err(OpenError::Rejected { code, .. }) => code,
            other => panic!("not refused: {other:?}"),
        }
    };
    assert_eq!(refused("closed").await, Code::Refused);
    device.agent.stop().await;
    until("the device is known to be away", async || {
        matches!(refused("echo").await, Code::Offline | Code::Reconnecting)
    })
    .await;
}

/// SECURITY S07: who may come from where. A plain GET tells why, and opens nothing.
#[tokio::test]
async fn s07_only_the_manager_and_programs_open_streams() {
    let Scene { place, device, .. } = scene().await;
    let cookie = format!("Cookie: {}\r\n", place.cookie().await);
    let own = format!("{cookie}Origin: http://HOST\r\n");
    drop(place.client_when_up(device.id, "echo", &own).await);
    for (lines, status) in [
        (String::new(), 403),
        ("Origin: http://HOST\r\n".to_owned(), 401),
        (cookie.clone(), 403),
        (format!("{cookie}Origin: null\r\n"), 403),
        (format!("{cookie}Origin: http://evil.HOST\r\n"), 403),
        (format!("{own}Origin: http://HOST\r\n"), 403),
        ("Authorization: Bearer adit_nobody\r\n".to_owned(), 401),
        // Judged by the token, however good the cookie is.
        (format!("{own}Authorization: Bearer x\r\n"), 401),
    ] {
        let (head, _) = place.ask_for_stream(device.id, "echo", &lines).await;
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{lines}: {head}"
        );
    }
    let plain = |lines: &str, service: &str| {
        format!(
            "GET /api/v1/devices/{}/services/{service}/stream HTTP/1.1\r\nHost: HOST\r\n\
             Connection: close\r\n{lines}\r\n",
            device.id
        )
    };
    let answer = place.ask(&plain(&cookie, "echo")).await;
    assert!(answer.contains("unsupported_protocol"), "{answer}");
    let answer = place.ask(&plain(&cookie, "none")).await;
    assert!(answer.contains("not_found"), "{answer}");
    let answer = place.ask(&plain("", "echo")).await;
    assert!(answer.contains("not_signed_in"), "{answer}");
}

#[tokio::test]
async fn s34_signing_out_cuts_a_stream_within_a_second() {
    let Scene {
        place,
        device,
        mut held,
    } = scene().await;
    let cookie = place.cookie().await;
    let lines = format!("Cookie: {cookie}\r\nOrigin: http://HOST\r\n");
    let mut client = place.client_when_up(device.id, "held", &lines).await;
    client.stream.write_all(b"x").await.unwrap();
    place.sign_out(&cookie).await;
    let began = Instant::now();
    assert_eq!(cut_with(&mut client.stream).await, Code::Revoked);
    let end = timeout(WITHIN, held.ends.recv()).await;
    assert_eq!(end, Ok(Some(End::Broken)), "the device's end too");
    assert!(began.elapsed() < WITHIN, "{:?}", began.elapsed());
    assert_eq!(
        soon("the goodbye", client.driver).await.unwrap(),
        Closed::Peer
    );
}

/// The client takes nothing: not even then does its stream outlive the right to it.
#[tokio::test]
async fn s34_a_client_that_does_not_read_is_cut_too() {
    let Scene { place, device, .. } = scene().await;
    let cookie = place.cookie().await;
    let lines = format!("Cookie: {cookie}\r\nOrigin: http://HOST\r\n");
    let mut client = place.client_when_up(device.id, "echo", &lines).await;
    let control = client.stream.control();
    // Until its window is full: nobody reads what comes back, so nothing more can come.
    let window = u64::from(Windows::default().initial);
    let is_full = async || {
        let carried = control.transferred();
        carried.is_some_and(|carried| carried.received_bytes >= window)
    };
    // More than all that lies between can hold.
    let flood = vec![0; 64 << 20];
    tokio::select! {
        () = until("a full window", is_full) => {}
        written = client.stream.write_all(&flood) => panic!("{written:?}"),
    }
    place.sign_out(&cookie).await;
    let began = Instant::now();
    let reason = soon("the cut", control.cut()).await;
    assert!(
        matches!(
            reason,
            StreamError::Reset {
                code: Code::Revoked,
                ..
            }
        ),
        "{reason:?}"
    );
    assert!(began.elapsed() < WITHIN, "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_device_that_is_lost_cuts_its_streams_and_says_so() {
    let Scene { place, device, .. } = scene().await;
    let lines = bearer(&place.token().await);
    let mut client = place.client_when_up(device.id, "held", &lines).await;
    device.agent.kill().await;
    assert_eq!(cut_with(&mut client.stream).await, Code::Reconnecting);
}

#[tokio::test]
async fn a_service_that_breaks_is_no_end() {
    let place = Place::start().await;
    let reset = TestService::start(Behaviour::Reset).await;
    let device = place.device(vec![service("reset", reset.port)]).await;
    let lines = bearer(&place.token().await);
    let mut client = place.client_when_up(device.id, "reset", &lines).await;
    client.stream.write_all(b"x").await.unwrap();
    assert_eq!(cut_with(&mut client.stream).await, Code::Broken);
}

#[tokio::test]
async fn a_client_that_is_gone_frees_the_service() {
    let Scene {
        place,
        device,
        mut held,
    } = scene().await;
    let lines = bearer(&place.token().await);
    let client = place.client_when_up(device.id, "held", &lines).await;
    client.driver.abort();
    assert_eq!(held.next_end().await, End::Broken);
}
