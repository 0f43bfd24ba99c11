//! What a user of a service sees.

use server::relay::OpenError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tunnel::wire::{Code, Target};

use crate::harness::{Behaviour, End, TestService, closed_port, read_to_end, service, soon};
use crate::place::Place;

#[tokio::test]
async fn bytes_go_both_ways_and_each_way_ends_by_itself() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    let mut answer = [0; 5];
    stream.write_all(b"hello").await.unwrap();
    soon("the echo", stream.read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!(&answer, b"hello");
    stream.write_all(b"and goodbye").await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(
        read_to_end(&mut stream).await.unwrap(),
        b"and goodbye",
        "after the half-close"
    );
    device.agent.stop().await;
}

#[tokio::test]
async fn much_goes_through_unchanged() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let stream = place.access.open_when_up(device.id, "echo").await;
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
}

#[tokio::test]
async fn what_cannot_be_opened_says_why() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let services = vec![
        service("echo", echo.port),
        service("gone", closed_port().await),
    ];
    let device = place.device(services).await;
    place.access.assert_echo(device.id).await;

    let code = |opened: Result<_, OpenError>| match opened.err() {
        Some(OpenError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    assert_eq!(
        code(place.access.open(device.id, "gone").await),
        Code::Refused
    );
    assert_eq!(
        code(place.access.open(device.id, "unknown").await),
        Code::NotOffered
    );

    // S30, S31: the server cannot widen what the agent's file allows.
    let relay = &place.access.relay;
    let tcp = Target::Tcp {
        host: "127.0.0.1".into(),
        port: echo.port,
    };
    assert_eq!(
        code(
            relay
                .open(device.id, tcp, place.access.lease(device.id))
                .await
        ),
        Code::NotAllowed
    );
    let internal = Target::Internal("agent".into());
    let lease = place.access.lease(device.id);
    assert_eq!(
        code(relay.open(device.id, internal, lease).await),
        Code::NotOffered
    );
    place.access.assert_echo(device.id).await;
}

#[tokio::test]
async fn a_service_that_breaks_is_an_error_and_never_an_end() {
    let place = Place::start().await;
    let broken = TestService::start(Behaviour::Reset).await;
    let device = place.device(vec![service("broken", broken.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "broken").await;
    assert_eq!(soon("a byte", stream.read_u8()).await.unwrap(), b'x');
    stream.write_all(b"y").await.unwrap();
    let error = read_to_end(&mut stream).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test]
async fn a_user_that_leaves_is_a_break_for_the_service() {
    let place = Place::start().await;
    let mut held = TestService::start(Behaviour::Hold).await;
    let device = place.device(vec![service("held", held.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "held").await;
    stream.write_all(b"half a sen").await.unwrap();
    drop(stream);
    assert_eq!(held.next_end().await, End::Broken);
    let mut stream = place.access.open_when_up(device.id, "held").await;
    stream.shutdown().await.unwrap();
    assert_eq!(held.next_end().await, End::Clean);
}

#[tokio::test]
async fn an_agent_that_dies_is_an_error_and_never_an_end() {
    let place = Place::start().await;
    let mut held = TestService::start(Behaviour::Hold).await;
    let device = place.device(vec![service("held", held.port)]).await;
    for _ in 0..2 {
        place
            .access
            .open_when_up(device.id, "held")
            .await
            .shutdown()
            .await
            .unwrap();
        assert_eq!(held.next_end().await, End::Clean);
    }
    let mut stream = place.access.open_when_up(device.id, "held").await;
    device.agent.kill().await;
    let error = read_to_end(&mut stream).await.unwrap_err();
    assert_eq!(
        error.kind(),
        std::io::ErrorKind::ConnectionAborted,
        "{error}"
    );
    let error = place.access.open(device.id, "held").await.err();
    assert_eq!(error, Some(OpenError::Reconnecting), "it may come back");
}

/// A service that accepts and then takes its time is not given up, and stops nobody else.
#[tokio::test]
async fn a_slow_service_disturbs_nobody() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let slow = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow_port = slow.local_addr().unwrap().port();
    let device = place
        .device(vec![service("echo", echo.port), service("slow", slow_port)])
        .await;
    let mut stuck = Vec::new();
    for _ in 0..8 {
        let mut stream = place.access.open_when_up(device.id, "slow").await;
        // More than any window and any socket's buffer: nobody reads it.
        let flood = vec![0; 64 * 1024];
        let pushed = tokio::time::timeout(std::time::Duration::from_millis(100), async {
            while stream.write_all(&flood).await.is_ok() {}
        });
        assert!(pushed.await.is_err(), "back-pressure, no error");
        stuck.push(stream);
    }
    place.access.assert_echo(device.id).await;
    let (mut connection, _) = soon("the service", slow.accept()).await.unwrap();
    connection.write_all(b"at last").await.unwrap();
    let mut answer = [0; 7];
    soon("the slow answer", stuck[0].read_exact(&mut answer))
        .await
        .unwrap();
    assert_eq!(&answer, b"at last");
}
