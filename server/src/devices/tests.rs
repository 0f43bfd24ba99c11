//! Stories of devices, through the router where there is a route.

use std::time::Duration;

use ::http::{Method, StatusCode};
use api::{DeviceState, Enrol, ProblemCode, TokenScope};
use proptest::prelude::*;
use serde_json::{Value, json};
use tunnel::wire::{Info, ServiceInfo};

use super::*;
use crate::access::Subject;
use crate::testing::{START, TestServer, bearer};

fn web(name: &str, port: u16) -> ServiceInfo {
    ServiceInfo {
        name: name.into(),
        kind: "web".into(),
        host: "10.0.0.9".into(),
        port,
        tls: false,
    }
}

fn info(services: Vec<ServiceInfo>) -> Info {
    Info {
        host_name: "pump".into(),
        os: "Debian 13".into(),
        services,
        ..Info::default()
    }
}

/// A server with a user's full token.
async fn server() -> (TestServer, OrganizationId, String) {
    let server = TestServer::new().await;
    server.user("ada").await;
    let organization = server.organization().await;
    let token = server.token("ada", TokenScope::Full, None).await;
    (server, organization, token)
}

#[tokio::test]
async fn from_install_key_to_online_to_deleted() {
    let (server, _, token) = server().await;
    let auth = bearer(&token);

    let created = server
        .call(
            Method::POST,
            "/api/v1/install-keys",
            auth,
            json!({"name": "hall", "use_limit": 1}),
        )
        .await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
    let secret = created.json()["secret"].as_str().unwrap().to_owned();

    let devices = &server.state.devices;
    let enrol = || Enrol {
        install_key: secret.clone(),
        name: " Pump \u{202e}7 ".into(),
    };
    let first = devices.enrol([1; 32], enrol()).await.unwrap();
    assert_eq!(first.name, "Pump 7");
    assert!(first.label.starts_with("pump-7-"), "{}", first.label);
    // The same key pair again: the same device, nothing used up. Another: the key is used up.
    assert_eq!(devices.enrol([1; 32], enrol()).await.unwrap(), first);
    let refused = devices.enrol([2; 32], enrol()).await.unwrap_err();
    assert_eq!(refused.code(), ProblemCode::InstallKeyInvalid);
    let keys = server
        .call(Method::GET, "/api/v1/install-keys", auth, Value::Null)
        .await;
    assert_eq!(keys.json()["items"][0]["used"], 1);
    assert!(!keys.text.contains(&secret));

    let path = format!("/api/v1/devices/{}", first.device_id);
    let device = server
        .call(Method::GET, &path, auth, Value::Null)
        .await
        .json();
    assert_eq!(device["state"], "never_seen");

    let services = vec![web("web", 80), web("admin", 8443)];
    let epoch = devices.next_epoch();
    devices
        .connected(
            first.device_id,
            epoch,
            "192.0.2.7",
            "0.1.0",
            &info(services),
        )
        .await;
    devices.measured(first.device_id, epoch, Duration::from_millis(42));
    let device = server
        .call(Method::GET, &path, auth, Value::Null)
        .await
        .json();
    assert_eq!(device["state"], "online");
    assert_eq!(device["rtt_ms"], 42);
    assert_eq!(device["address"], "192.0.2.7");
    assert_eq!(device["os"], "Debian 13");
    let label = &first.label;
    let urls: Vec<_> = device["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["url"].clone())
        .collect();
    assert_eq!(urls[0], format!("https://{label}.devices.example/"));
    assert_eq!(urls[1], format!("https://{label}--admin.devices.example/"));
    assert_eq!(
        devices.web_service(label, None).unwrap().authority,
        "10.0.0.9"
    );
    assert_eq!(
        devices.web_service(label, Some("admin")).unwrap().authority,
        "10.0.0.9:8443"
    );
    assert_eq!(devices.web_service(label, Some("none")), None);

    devices.disconnected(first.device_id, epoch);
    assert_eq!(
        devices.state(first.device_id),
        Some(DeviceState::Reconnecting)
    );
    server.state.clock.advance(20);
    assert_eq!(devices.state(first.device_id), Some(DeviceState::Offline));

    let lease = server.state.leases.issue(Subject {
        user: api::UserId(uuid::Uuid::nil()),
        organization: server.organization().await,
        via: crate::access::Via::SignIn(api::SignInId(uuid::Uuid::nil())),
        device: Some(first.device_id),
    });
    let deleted = server.call(Method::DELETE, &path, auth, Value::Null).await;
    assert_eq!(deleted.status, StatusCode::NO_CONTENT);
    assert!(
        lease.token().is_cancelled(),
        "what was open on the device is closed"
    );
    assert_eq!(devices.by_key(&[1; 32]), None);
    assert_eq!(devices.web_service(label, None), None);
    for method in [Method::GET, Method::DELETE] {
        let gone = server.call(method, &path, auth, Value::Null).await;
        assert_eq!(gone.code(), "not_found");
    }
    // The label is never free again.
    let mut write = server.db.write().await.unwrap();
    assert!(!store::claim_label(&mut write, label, START).await.unwrap());
}

#[tokio::test]
async fn s27_install_keys_expire_and_are_bound_to_their_organization() {
    let (server, organization, _) = server().await;
    let devices = &server.state.devices;
    let scope = Scope::of(organization);
    let input = api::CreateInstallKey {
        name: "k".into(),
        expires_in_s: Some(60),
        ..Default::default()
    };
    let key = devices.create_install_key(scope, input).await.unwrap();
    let enrol = |install_key: &str| Enrol {
        install_key: install_key.into(),
        name: "d".into(),
    };
    devices.enrol([1; 32], enrol(&key.secret)).await.unwrap();
    assert_eq!(devices.by_key(&[1; 32]).unwrap().organization, organization);
    server.state.clock.advance(60);
    for secret in [key.secret.as_str(), "adit_key_", "", &"x".repeat(1000)] {
        let refused = devices.enrol([2; 32], enrol(secret)).await.unwrap_err();
        assert_eq!(refused.code(), ProblemCode::InstallKeyInvalid, "{secret}");
    }
    // A failed enrolment leaves nothing.
    assert_eq!(devices.by_key(&[2; 32]), None);
}

#[tokio::test]
async fn concurrent_enrolments_do_not_exceed_the_limit() {
    let (server, organization, _) = server().await;
    let devices = &server.state.devices;
    let input = api::CreateInstallKey {
        name: "k".into(),
        use_limit: Some(3),
        ..Default::default()
    };
    let key = devices
        .create_install_key(Scope::of(organization), input)
        .await
        .unwrap();
    let attempts = (0..10_u8).map(|n| {
        // Every key pair twice: the second of a pair uses nothing up.
        let input = Enrol {
            install_key: key.secret.clone(),
            name: "d".into(),
        };
        async move { devices.enrol([n / 2; 32], input).await.is_ok() }
    });
    let enrolled = futures_util::future::join_all(attempts).await;
    assert_eq!(enrolled.iter().filter(|ok| **ok).count(), 6);
    assert_eq!(
        devices.install_keys(Scope::of(organization)).await.unwrap()[0].used,
        3
    );
}

#[tokio::test]
async fn many_connects_cause_few_writes() {
    let (server, organization, _) = server().await;
    let devices = &server.state.devices;
    let mut ids = Vec::new();
    for n in 0..20_u8 {
        ids.push(server.enrol(organization, [n; 32], "d").await.device_id);
    }
    let info = info(vec![web("web", 80)]);
    let connect_all = async || {
        for id in &ids {
            devices
                .connected(*id, devices.next_epoch(), "192.0.2.1", "1", &info)
                .await;
        }
    };
    connect_all().await;
    devices.write_last_seen(false).await;

    let before = server.db.write_count();
    for _ in 0..10 {
        connect_all().await;
    }
    assert_eq!(
        server.db.write_count(),
        before,
        "the same report is not written again"
    );
    server.state.clock.advance(30);
    for id in &ids {
        devices.disconnected(*id, devices.0.epoch.load(Ordering::Relaxed));
    }
    connect_all().await;
    devices.write_last_seen(false).await;
    assert_eq!(
        server.db.write_count(),
        before + 1,
        "all last_seen in one transaction"
    );
    devices.write_last_seen(false).await;
    assert_eq!(
        server.db.write_count(),
        before + 1,
        "nothing changed, nothing is written"
    );
}

#[tokio::test]
async fn after_a_start_recent_devices_are_reconnecting() {
    let (server, organization, _) = server().await;
    let clock = server.state.clock.clone();
    let devices = &server.state.devices;
    let old = server.enrol(organization, [1; 32], "old").await.device_id;
    let recent = server
        .enrol(organization, [2; 32], "recent")
        .await
        .device_id;
    let never = server.enrol(organization, [3; 32], "never").await.device_id;
    let epoch = devices.next_epoch();
    devices
        .connected(old, epoch, "192.0.2.1", "1", &info(vec![]))
        .await;
    devices.disconnected(old, epoch);
    clock.advance(3600);
    devices
        .connected(
            recent,
            devices.next_epoch(),
            "192.0.2.2",
            "1",
            &info(vec![]),
        )
        .await;
    devices.write_last_seen(true).await;

    clock.advance(600);
    let next = TestServer::with_db(server.db.clone(), clock.clone()).await;
    let state = |id| next.state.devices.state(id).unwrap();
    assert_eq!(state(old), DeviceState::Offline);
    assert_eq!(state(recent), DeviceState::Reconnecting);
    assert_eq!(state(never), DeviceState::NeverSeen);
    let mut listener = next.state.events.listen(organization);
    clock.advance(60);
    assert_eq!(state(recent), DeviceState::Offline);
    next.state.devices.look().await;
    let api::Event::DeviceChanged { device } = listener.try_recv().unwrap() else {
        panic!("another event")
    };
    assert_eq!((device.id, device.state), (recent, DeviceState::Offline));
    assert!(listener.try_recv().is_err(), "one event only");
}

#[tokio::test]
async fn a_stop_writes_what_is_left() {
    let (server, organization, _) = server().await;
    let devices = &server.state.devices;
    let id = server.enrol(organization, [1; 32], "d").await.device_id;
    devices
        .connected(id, devices.next_epoch(), "192.0.2.1", "1", &info(vec![]))
        .await;
    devices.start(&server.state.lifecycle);
    server.state.clock.advance(10);
    server.state.lifecycle.soft().cancel();
    server.state.lifecycle.wait().await;
    let stored = store::load_all(server.db.reader()).await.unwrap();
    assert_eq!(stored[0].last_seen, Some(START.plus_seconds(10)));
    assert_eq!(stored[0].address.as_deref(), Some("192.0.2.1"));
}

#[tokio::test]
async fn s10_hostile_texts_are_stored_and_returned_as_inert_text() {
    let (server, organization, token) = server().await;
    let devices = &server.state.devices;
    let hostile = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "\u{202e}gpj.exe\u{2066}",
        "a\r\nSet-Cookie: x=y\u{0}\u{1b}[2J",
        "{{constructor.constructor('alert(1)')()}}",
    ];
    for (n, text) in hostile.iter().enumerate() {
        let text = text.repeat(50);
        let device = server.enrol(organization, [n as u8; 32], &text).await;
        let host_label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        assert!(device.label.bytes().all(host_label), "{}", device.label);
        let info = Info {
            host_name: text.clone(),
            os: text.clone(),
            arch: text.clone(),
            services: vec![
                ServiceInfo {
                    name: text.clone(),
                    ..web("x", 1)
                },
                web("ok", 80),
            ],
            ..Info::default()
        };
        let epoch = devices.next_epoch();
        devices
            .connected(device.device_id, epoch, &text, &text, &info)
            .await;
    }
    let answer = server
        .call(Method::GET, "/api/v1/devices", bearer(&token), Value::Null)
        .await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let page: api::Page<Device> = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(page.items.len(), hostile.len());
    for device in &page.items {
        assert_eq!(device.services.len(), 1);
        let texts = [
            &device.os,
            &device.host_name,
            &device.agent_version,
            &device.address,
        ];
        for text in texts.into_iter().flatten().chain([&device.name]) {
            assert!(text.chars().count() <= 100, "{text}");
            assert!(!text.chars().any(api::text::is_deceptive), "{text:?}");
        }
    }
    assert!(
        page.items
            .iter()
            .any(|device| device.name.contains("<script>")),
        "text stays text"
    );
}

#[tokio::test]
async fn names_titles_and_positions() {
    let (server, organization, token) = server().await;
    let auth = bearer(&token);
    let devices = &server.state.devices;
    let id = server.enrol(organization, [1; 32], "d").await.device_id;
    let both = info(vec![web("one", 80), web("two", 81)]);
    devices
        .connected(id, devices.next_epoch(), "192.0.2.1", "1", &both)
        .await;
    let path = format!("/api/v1/devices/{id}");

    let renamed = server
        .call(Method::PATCH, &path, auth, json!({"name": " Press 9 "}))
        .await;
    assert_eq!(renamed.json()["name"], "Press 9");
    for bad in ["", "a\u{202e}b", "a\nb", &"x".repeat(65)] {
        let refused = server
            .call(Method::PATCH, &path, auth, json!({"name": bad}))
            .await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["field"], "name");
    }

    let service = format!("{path}/services/two");
    let change = json!({"title": "Panel", "position": 0, "hidden": true});
    let device = server
        .call(Method::PATCH, &service, auth, change)
        .await
        .json();
    assert_eq!(device["services"][0]["name"], "two");
    assert_eq!(device["services"][0]["title"], "Panel");
    assert_eq!(device["services"][0]["hidden"], true);
    // Its page stays where it was: the first as the agent has them is at the device's own host.
    assert!(
        device["services"][0]["url"]
            .as_str()
            .unwrap()
            .contains("--two.")
    );

    // Gone from the report and back: what people gave it is still there.
    let one = info(vec![web("one", 80)]);
    devices
        .connected(id, devices.next_epoch(), "192.0.2.1", "1", &one)
        .await;
    let gone = server
        .call(Method::PATCH, &service, auth, json!({"hidden": false}))
        .await;
    assert_eq!(gone.code(), "not_found");
    devices
        .connected(id, devices.next_epoch(), "192.0.2.1", "1", &both)
        .await;
    let device = server
        .call(Method::PATCH, &service, auth, json!({"title": ""}))
        .await
        .json();
    assert_eq!(device["services"][0]["name"], "two");
    assert_eq!(
        device["services"][0]["title"], "two",
        "an empty title takes the given one away"
    );
    assert_eq!(
        device["services"][0]["hidden"], true,
        "what is not named stays"
    );

    let list = server
        .call(
            Method::GET,
            "/api/v1/devices?search=PRESS",
            auth,
            Value::Null,
        )
        .await;
    assert_eq!(list.json()["total"], 1);
    let list = server
        .call(Method::GET, "/api/v1/devices?search=%25", auth, Value::Null)
        .await;
    assert_eq!(list.json()["total"], 0);
    for query in [
        "limit=0",
        "limit=201",
        "cursor=!",
        "cursor=AA",
        "colour=red",
        "limit=x",
    ] {
        let path = format!("/api/v1/devices?{query}");
        let refused = server.call(Method::GET, &path, auth, Value::Null).await;
        assert!(
            refused.status.is_client_error(),
            "{query}: {}",
            refused.status
        );
    }
}

#[tokio::test]
async fn what_a_dropped_handler_leaves_is_mended() {
    let (server, organization, _) = server().await;
    let devices = &server.state.devices;
    let id = server.enrol(organization, [1; 32], "d").await.device_id;
    // As a deletion that was rolled back after the index had followed.
    devices.mark_stale(id);
    devices.index_mut().remove(id);
    assert_eq!(devices.by_key(&[1; 32]), None);
    devices.look().await;
    assert_eq!(devices.by_key(&[1; 32]).unwrap().id, id);
    // As one that was committed before it had.
    let mut write = server.db.write().await.unwrap();
    store::delete(&mut write, Scope::of(organization), id)
        .await
        .unwrap();
    write.commit().await.unwrap();
    devices.mark_stale(id);
    devices.look().await;
    assert_eq!(devices.by_key(&[1; 32]), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn pages_hold_every_device_once_and_in_order(
        names in proptest::collection::vec("[a-cA-C é]{1,3}x", 0..25),
        limit in 1_u32..8,
    ) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (server, organization, _) = server().await;
            for (n, name) in names.iter().enumerate() {
                server.enrol(organization, [n as u8; 32], name).await;
            }
            let mut seen = Vec::new();
            let mut cursor = None;
            loop {
                let query = api::DeviceQuery { cursor, limit: Some(limit), search: None };
                let page =
                    server.state.devices.list(Scope::of(organization), query).await.unwrap();
                assert_eq!(page.total, names.len() as u64);
                assert!(page.items.len() <= limit as usize);
                seen.extend(page.items.iter().map(|d| (d.name.to_lowercase(), d.id)));
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            assert_eq!(seen.len(), names.len());
            assert!(seen.is_sorted());
            seen.dedup();
            assert_eq!(seen.len(), names.len());
        });
    }
}

#[tokio::test]
async fn s42_host_keys_belong_to_the_ssh_server_of_the_device_itself() {
    let (server, organization, token) = server().await;
    let device = server.enrol(organization, [9; 32], "Pump").await.device_id;
    let ssh = |name: &str, kind: &str, host: &str| ServiceInfo {
        name: name.into(),
        kind: kind.into(),
        host: host.into(),
        port: 22,
        tls: false,
    };
    let reported = Info {
        ssh_host_keys: vec!["ssh-ed25519 AAAA".into(), "ssh-rsa BBBB".into()],
        ..info(vec![
            ssh("own", "ssh", "127.0.0.1"),
            ssh("behind", "ssh", "10.0.0.9"),
            ssh("plain", "tcp", "127.0.0.1"),
        ])
    };
    let devices = &server.state.devices;
    let epoch = devices.next_epoch();
    devices
        .connected(device, epoch, "192.0.2.7", "0.1.0", &reported)
        .await;
    let path = format!("/api/v1/devices/{device}");
    let shown = server
        .call(Method::GET, &path, bearer(&token), Value::Null)
        .await
        .json();
    let keys: Vec<_> = shown["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["host_keys"].clone())
        .collect();
    assert_eq!(
        keys,
        [
            json!(["ssh-ed25519 AAAA", "ssh-rsa BBBB"]),
            json!([]),
            json!([])
        ]
    );
}
