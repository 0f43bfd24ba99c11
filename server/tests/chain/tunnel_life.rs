//! Tunnels come back by themselves.

use crate::harness::{Behaviour, RunningAgent, TestService, read_to_end, service, until};
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
