//! The data meter over a real database.

use api::{DeviceId, OrganizationId, Purpose, Transfer, UsageDay, UserId};
use http::{Method, StatusCode};
use serde_json::Value;
use uuid::Uuid;

use super::KEPT_DAYS;
use crate::access::Scope;
use crate::testing::{TestServer, bearer};

const DAY_S: i64 = 24 * 3600;

fn bytes(to_device_bytes: u64, from_device_bytes: u64) -> Transfer {
    Transfer {
        to_device_bytes,
        from_device_bytes,
    }
}

struct Scene {
    server: TestServer,
    organization: OrganizationId,
    device: DeviceId,
}

async fn scene() -> Scene {
    let server = TestServer::new().await;
    let organization = server.organization().await;
    let device = server.enrol(organization, [1; 32], "d").await.device_id;
    Scene {
        server,
        organization,
        device,
    }
}

impl Scene {
    fn add(&self, user: Option<u128>, purpose: Purpose, transfer: Transfer) {
        let user = user.map(|user| UserId(Uuid::from_u128(user)));
        let usage = &self.server.state.usage;
        usage.add(self.device, user, purpose, transfer);
    }

    async fn days(&self, days: u32) -> Vec<UsageDay> {
        let scope = Scope::of(self.organization);
        let usage = &self.server.state.usage;
        usage
            .of_device(scope, self.device, days)
            .await
            .unwrap()
            .days
    }

    async fn rows(&self) -> i64 {
        sqlx::query_scalar("SELECT COUNT(*) FROM data_usage")
            .fetch_one(self.server.db.reader())
            .await
            .unwrap()
    }
}

#[tokio::test]
async fn what_was_written_and_what_was_not_add_up() {
    let scene = scene().await;
    let usage = &scene.server.state.usage;
    scene.add(Some(1), Purpose::Session, bytes(10, 1000));
    scene.add(Some(2), Purpose::Session, bytes(1, 1));
    scene.add(None, Purpose::Idle, bytes(5, 6));
    usage.write_all().await.unwrap();
    assert_eq!(scene.rows().await, 3);
    scene.server.state.clock.advance(DAY_S);
    scene.add(Some(1), Purpose::Session, bytes(1, 0));
    usage.write_all().await.unwrap();
    scene.add(Some(1), Purpose::Session, bytes(2, 0));
    usage.write_all().await.unwrap();
    assert_eq!(scene.rows().await, 4, "a user's day is one row");
    scene.add(Some(1), Purpose::Session, bytes(4, 0));

    let days = scene.days(3).await;
    let sessions = days.iter().map(|day| day.session);
    let expected = [bytes(0, 0), bytes(11, 1001), bytes(7, 0)];
    assert_eq!(sessions.collect::<Vec<_>>(), expected);
    assert_eq!(days[1].idle, bytes(5, 6));
    assert_eq!(days[1].total(), bytes(16, 1007));
    let day_us = DAY_S * 1_000_000;
    assert!(days.iter().all(|day| day.begins_at.0 % day_us == 0));
    assert!(days.is_sorted_by(|one, next| next.begins_at.0 - one.begins_at.0 == day_us));
    assert_eq!(scene.days(1).await, days[2..]);

    let stranger = Scope::of(OrganizationId(Uuid::from_u128(9)));
    let seen = usage.of_device(stranger, scene.device, 2).await.unwrap();
    assert_eq!(seen.days[0].total(), bytes(0, 0));
}

#[tokio::test]
async fn people_are_told_apart_over_all_days() {
    let scene = scene().await;
    scene.server.user("ada").await;
    let state = &scene.server.state;
    let ada: Uuid = sqlx::query_scalar("SELECT id FROM users WHERE username = 'ada'")
        .fetch_one(scene.server.db.reader())
        .await
        .unwrap();
    scene.add(Some(ada.as_u128()), Purpose::Session, bytes(1, 2));
    scene.add(Some(7), Purpose::Session, bytes(10, 10));
    scene.add(None, Purpose::Idle, bytes(50, 50));
    state.usage.write_all().await.unwrap();
    state.clock.advance(DAY_S);
    scene.add(Some(ada.as_u128()), Purpose::Session, bytes(100, 200));

    let of = async |scope, days| {
        let usage = state.usage.of_device(scope, scene.device, days).await;
        let users = usage.unwrap().users.into_iter();
        users
            .map(|user| (user.username, user.session))
            .collect::<Vec<_>>()
    };
    let own = Scope::of(scene.organization);
    let ada = Some("ada".to_owned());
    let both = [(ada.clone(), bytes(101, 202)), (None, bytes(10, 10))];
    assert_eq!(of(own, 2).await, both);
    assert_eq!(of(own, 1).await, [(ada, bytes(100, 200))], "today alone");
    let stranger = Scope::of(OrganizationId(Uuid::from_u128(9)));
    state.usage.write_all().await.unwrap();
    assert_eq!(of(stranger, 2).await, []);
}

#[tokio::test]
async fn what_was_not_committed_is_kept() {
    let scene = scene().await;
    let usage = &scene.server.state.usage;
    scene.add(None, Purpose::Idle, bytes(5, 6));
    let due = usage.due(true);
    let mut write = scene.server.db.write().await.unwrap();
    due.write(&mut write).await.unwrap();
    drop((write, due));
    assert_eq!(scene.rows().await, 0);
    assert_eq!(scene.days(1).await[0].idle, bytes(5, 6));
}

#[tokio::test]
async fn tunnels_at_rest_are_written_in_turns() {
    let scene = scene().await;
    let usage = &scene.server.state.usage;
    for device in 0..1000 {
        let device = DeviceId(Uuid::from_u128(device));
        usage.add(device, None, Purpose::Idle, bytes(1, 1));
    }
    scene.add(Some(1), Purpose::Session, bytes(1, 1));
    let mut written = 0;
    for turn in 0..10 {
        let due = usage.due(false);
        let sessions = usize::from(turn == 0);
        assert_eq!(due.entries.len() - sessions, 100, "turn {turn}");
        written += due.entries.len();
        due.written();
    }
    assert_eq!(written, 1001);
    assert!(usage.due(true).is_empty());
}

#[tokio::test]
async fn rows_are_deleted_after_their_time() {
    let scene = scene().await;
    let usage = &scene.server.state.usage;
    scene.add(None, Purpose::Idle, bytes(1, 1));
    usage.write_all().await.unwrap();
    scene
        .server
        .state
        .clock
        .advance(i64::from(KEPT_DAYS) * DAY_S);
    scene.add(None, Purpose::Idle, bytes(2, 2));
    usage.write_all().await.unwrap();
    assert_eq!(scene.rows().await, 2);
    scene.server.state.clock.advance(DAY_S);
    scene.add(None, Purpose::Idle, bytes(4, 4));
    usage.write_all().await.unwrap();
    assert_eq!(scene.rows().await, 2, "the first is gone");
    assert_eq!(scene.days(KEPT_DAYS).await.len(), KEPT_DAYS as usize);
}

#[tokio::test]
async fn one_write_holds_presence_and_usage() {
    let scene = scene().await;
    let state = &scene.server.state;
    let before = state.db.write_count();
    let epoch = state.devices.next_epoch();
    let info = tunnel::wire::Info::default();
    state
        .devices
        .connected(scene.device, epoch, "192.0.2.1", "1", &info)
        .await;
    let reported = state.db.write_count();
    assert_eq!(reported, before + 1, "the first report");
    scene.add(Some(1), Purpose::Session, bytes(3, 4));
    state.devices.start(&state.lifecycle);
    state.lifecycle.soft().cancel();
    state.lifecycle.wait().await;
    assert_eq!(state.db.write_count(), reported + 1);
    assert_eq!(scene.rows().await, 1);
}

#[tokio::test]
async fn the_route_answers_as_many_days_as_asked_for() {
    let scene = scene().await;
    scene.server.user("ada").await;
    let token = scene.server.token("ada", api::TokenScope::Read, None).await;
    scene.add(Some(1), Purpose::Session, bytes(3, 4));
    let ask = async |query: &str| {
        let path = format!("/api/v1/devices/{}/usage{query}", scene.device);
        let call = scene
            .server
            .call(Method::GET, &path, bearer(&token), Value::Null);
        call.await
    };
    let answer = ask("").await.json();
    let days = answer["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    assert_eq!(days[29]["session"]["from_device_bytes"], 4);
    assert_eq!(
        ask("?days=7").await.json()["days"]
            .as_array()
            .unwrap()
            .len(),
        7
    );
    for wrong in ["?days=0", "?days=401", "?days=x", "?weeks=1"] {
        let answer = ask(wrong).await;
        let refused = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];
        assert!(
            refused.contains(&answer.status),
            "{wrong}: {}",
            answer.status
        );
    }
}
