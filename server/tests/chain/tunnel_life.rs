//! Tunnels come back by themselves.

use std::time::Duration;

use server::lifecycle::Outcome;
use tokio::time::Instant;
use tunnel::driver::StreamError;
use tunnel::wire::Code;

use crate::harness::{
    Behaviour, End, RunningAgent, TestService, read_to_end, service, soon, until,
};
use crate::place::Place;

#[tokio::test]
async fn an_agent_that_restarts_is_there_again() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    place.access.assert_echo(device.id).await;
    device.agent.stop().await;
    until("it is gone", async || place.access.relay.tunnels() == 0).await;
    let _agent = RunningAgent::start(device.config, &device.key);
    place.access.assert_echo(device.id).await;
}

#[tokio::test]
async fn an_agent_that_was_killed_is_there_again() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    place.access.assert_echo(device.id).await;
    device.agent.kill().await;
    let _agent = RunningAgent::start(device.config, &device.key);
    place.access.assert_echo(device.id).await;
}

#[tokio::test]
async fn r06_a_server_that_restarts_gets_its_devices_back() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    place.access.assert_echo(device.id).await;
    let place = place.restart().await;
    place.access.assert_echo(device.id).await;
}

#[tokio::test]
async fn a_stream_outlives_the_soft_stop_and_nothing_new_begins() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    place.access.relay.drain();
    assert!(place.access.open(device.id, "echo").await.is_err());
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"still here")
        .await
        .unwrap();
    tokio::io::AsyncWriteExt::shutdown(&mut stream)
        .await
        .unwrap();
    assert_eq!(read_to_end(&mut stream).await.unwrap(), b"still here");
    drop(stream);
    until("the tunnel is closed", async || {
        place.access.relay.tunnels() == 0
    })
    .await;
}

#[tokio::test]
async fn r11_a_stream_that_outlasts_the_grace_is_cut_with_a_reason() {
    const GRACE: Duration = Duration::from_secs(2);
    let place = Place::with(|config| config.timers.stop_grace_ms = GRACE.as_millis() as u64).await;
    let mut held = TestService::start(Behaviour::Hold).await;
    let device = place.device(vec![service("held", held.port)]).await;
    let mut stream = place.access.open_when_up(device.id, "held").await;
    let stopped = Instant::now();
    let stopping = place.stop();
    let error = read_to_end(&mut stream).await.unwrap_err();
    let cut_after = stopped.elapsed();
    assert!(cut_after >= GRACE / 2 && cut_after < GRACE, "{cut_after:?}");
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(StreamError::Reset { code, text }) => {
            assert_eq!((*code, text.as_str()), (Code::Draining, "the server stops"));
        }
        other => panic!("not by RESET: {other:?}"),
    }
    assert_eq!(
        held.next_end().await,
        End::Broken,
        "the device was told too"
    );
    drop(stream);
    assert_eq!(
        soon("the stop", stopping).await.unwrap(),
        Outcome::Stopped { clean: true }
    );
}
