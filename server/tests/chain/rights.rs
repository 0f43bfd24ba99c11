//! S34: the end of a right is the end of its streams, within a second, though nobody polls them.

use std::time::Duration;

use api::SignInId;
use server::access::{Cause, Via};
use server::relay::{OpenError, RelayStream};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use uuid::Uuid;

use crate::harness::{Behaviour, End, RunningAgent, TestService, read_to_end, service, until};
use crate::place::{Device, Place};

const WITHIN: Duration = Duration::from_secs(1);

struct Scene {
    place: Place,
    device: Device,
    held: TestService,
    stream: RelayStream,
}

async fn scene() -> Scene {
    let place = Place::start().await;
    let held = TestService::start(Behaviour::Hold).await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place
        .device(vec![service("held", held.port), service("echo", echo.port)])
        .await;
    let mut stream = place.access.open_when_up(device.id, "held").await;
    stream.write_all(b"x").await.unwrap();
    Scene {
        place,
        device,
        held,
        stream,
    }
}

/// The service, at the far end, sees it: nobody has touched the stream here.
async fn assert_cut(mut scene: Scene) -> Scene {
    let end = timeout(WITHIN, scene.held.ends.recv()).await;
    assert_eq!(end, Ok(Some(End::Broken)), "not cut in time");
    assert!(
        read_to_end(&mut scene.stream).await.is_err(),
        "an error, never an end"
    );
    assert!(scene.stream.write_all(b"more").await.is_err());
    scene
}

#[tokio::test]
async fn s34_signing_out_cuts_the_stream() {
    let scene = scene().await;
    let sign_in = Via::SignIn(SignInId(Uuid::nil()));
    assert_eq!(scene.place.access.leases.revoke(Cause::Ended(sign_in)), 1);
    let scene = assert_cut(scene).await;
    scene.place.access.assert_echo(scene.device.id).await;
}

#[tokio::test]
async fn s34_another_sign_in_cuts_nothing() {
    let scene = scene().await;
    let other = Via::SignIn(SignInId(Uuid::from_u128(1)));
    assert_eq!(scene.place.access.leases.revoke(Cause::Ended(other)), 0);
    scene.place.access.assert_echo(scene.device.id).await;
    assert!(!scene.stream.revoked().is_cancelled());
}

#[tokio::test]
async fn s34_deleting_the_device_cuts_the_stream_and_the_tunnel() {
    let scene = scene().await;
    scene.place.delete(scene.device.id).await;
    let scene = assert_cut(scene).await;
    let error = scene.place.access.open(scene.device.id, "echo").await.err();
    assert_eq!(error, Some(OpenError::Offline), "it is not expected back");
    assert_eq!(scene.place.access.relay.tunnels(), 0);
}

#[tokio::test]
async fn s34_a_disabled_device_is_cut_and_kept_out_until_it_is_enabled() {
    let scene = scene().await;
    let (id, token) = (scene.device.id, scene.place.token().await);
    scene.place.disable(id, &token, true).await;
    let scene = assert_cut(scene).await;
    let access = &scene.place.access;
    assert_eq!(access.relay.tunnels(), 0);
    assert_eq!(
        access.open(id, "echo").await.err(),
        Some(OpenError::Disabled)
    );

    // A process of its agent that was not there when it was cut.
    let Device {
        agent, key, config, ..
    } = scene.device;
    agent.kill().await;
    let agent = RunningAgent::start(config.clone(), &key);
    until("the refusal", async || {
        scene.place.rejected_as_disabled().await > 0.0
    })
    .await;
    assert_eq!(access.relay.tunnels(), 0);
    agent.kill().await;

    scene.place.disable(id, &token, false).await;
    let _agent = RunningAgent::start(config, &key);
    access.assert_echo(id).await;
}

#[tokio::test]
async fn s34_the_hard_stop_cuts_the_stream() {
    let scene = scene().await;
    scene.place.stop_hard();
    assert_cut(scene).await;
}

#[tokio::test]
async fn s34_a_lease_that_ended_before_opens_nothing() {
    let scene = scene().await;
    let access = &scene.place.access;
    let lease = access.lease(scene.device.id);
    access.leases.revoke(Cause::DeviceDeleted(scene.device.id));
    let target = tunnel::wire::Target::Service("echo".into());
    let error = access
        .relay
        .open(scene.device.id, target, lease)
        .await
        .err();
    assert_eq!(error, Some(OpenError::Revoked));
}

#[tokio::test]
async fn s34_a_stream_gives_its_lease_back_when_it_ends() {
    let scene = scene().await;
    let device = scene.device.id;
    drop(scene.stream);
    assert_eq!(
        scene
            .place
            .access
            .leases
            .revoke(Cause::DeviceDeleted(device)),
        0
    );
}
