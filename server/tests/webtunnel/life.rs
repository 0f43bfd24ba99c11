//! How tunnels begin, live and end.

use std::time::Duration;

use api::DeviceState;
use serde_json::Value;
use server::Server;
use server::clock::Clock;
use server::config::Config;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::harness::text;
use crate::place::Scene;
use crate::stub::{Ended, Stub};
use crate::waiting::{soon, spawn};

/// Items 5 and 6: the agent answers no PING and gets none, and gets a PONG for each of its own.
#[tokio::test]
async fn w04_item_05_06_a_keep_alive_of_a_second_with_pongs() {
    let scene = Scene::with("devices.localhost", |config| {
        config.timers.webtunnel_keep_alive_ms = 1000;
    })
    .await;
    let stub = scene.connect().await;
    assert_eq!(stub.answer.field("x-webtunnel-keepalive"), Some("1"));
    let seen = &stub.seen;
    soon("five PONGs", async {
        while seen.count(&seen.pongs) < 5 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    assert_eq!(seen.count(&seen.pings), 0);
    assert!(stub.is_running());
    assert_eq!(scene.view().await.state, DeviceState::Online);
}

/// Item 8: the older one is closed by an empty CLOSE, the only one that agents heed.
#[tokio::test]
async fn s28_item_08_the_newest_wins() {
    let scene = Scene::new().await;
    let first = scene.connect().await;
    let second = Stub::connect(&scene.settings).await.unwrap();
    assert_eq!(first.ended().await, Ended::Gracefully);
    let mut browser = scene.visiting().await;
    assert_eq!(browser.fetch(&scene.page()).await.status(), 200);
    assert!(second.is_running());
}

#[tokio::test]
async fn an_agent_that_stops_is_missed_at_once() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    assert_eq!(stub.stop().await, Ended::WithError);
    scene.until_state(DeviceState::Reconnecting).await;
    let stub = scene.connect().await;
    stub.kill();
    scene.until_state(DeviceState::Reconnecting).await;
}

#[tokio::test]
async fn w09_after_a_restart_of_the_server_the_agent_is_back() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    scene.place.handle.shutdown();
    assert_eq!(stub.ended().await, Ended::Gracefully);
    let port = scene.place.port;
    let listener = soon("the port", async {
        loop {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => return listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    })
    .await;
    let started = Instant::now();
    let public_url = format!("http://adit.localhost:{port}");
    let mut config = Config::new(&public_url, scene.domain).unwrap();
    config.listen.address = listener.local_addr().unwrap();
    config.database.path = scene.place.folder.path().join("adit.db");
    let server = Server::build(config, Clock::system()).await.unwrap();
    let handle = server.handle();
    spawn(async move {
        let _ = server.serve(listener).await;
    });
    let _stub = Stub::connect(&scene.settings).await.unwrap();
    soon("the device", async {
        while handle.devices.state(scene.device) != Some(DeviceState::Online) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert!(started.elapsed() < Duration::from_secs(4));
}

pub(crate) async fn properties(scene: &Scene) -> Value {
    let mut browser = scene.signed_in().await;
    let manager = scene.place.manager();
    let url = format!("{manager}/api/v1/devices/{}/properties", scene.device);
    let answer = browser.fetch(&url).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = serde_json::from_str(&text(answer).await).unwrap();
    answer["properties"].clone()
}

async fn until_property(scene: &Scene, name: &str, value: &Value) {
    soon("a property", async {
        while properties(scene).await[name] != *value {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn w13_what_the_agent_reports_is_shown() {
    let mut scene = Scene::new().await;
    let more = [
        r#"name="Test \"Device\" One""#,
        r#"version="1.2.3""#,
        r#"room="K11""#,
        "sshPort=",
    ];
    let more = more.into_iter().map(str::to_owned);
    scene.settings.properties.extend(more);
    let stub = scene.connect().await;
    until_property(&scene, "room", &"K11".into()).await;
    let shown = properties(&scene).await;
    assert_eq!(shown["version"], "1.2.3");
    assert_eq!(shown["sshPort"], Value::Null);
    soon("the name", async {
        while scene.view().await.name != "Test \"Device\" One" {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    let view = scene.view().await;
    assert_eq!(view.os.as_deref(), Some("Linux 6.18"));
    assert_eq!(view.agent_version.as_deref(), Some("WebTunnelAgent 2.5.0"));

    let long = "x".repeat(300);
    stub.report(&[("room", "K12"), ("long", &long), ("version", "")])
        .await;
    until_property(&scene, "room", &"K12".into()).await;
    let shown = properties(&scene).await;
    assert_eq!(shown["long"], long.as_str());
    assert_eq!(shown["version"], Value::Null);
    // And after it is gone.
    stub.stop().await;
    scene.until_state(DeviceState::Reconnecting).await;
    until_property(&scene, "room", &"K12".into()).await;
}

/// Nothing is measured of such an agent, and it is seen all the same.
#[tokio::test]
async fn a_device_that_stays_online_is_seen_later_and_later() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let before = scene.view().await.last_seen.unwrap();
    soon("a later time", async {
        while scene.view().await.last_seen.unwrap() <= before {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert!(stub.is_running());
    assert_eq!(scene.view().await.state, DeviceState::Online);
}
