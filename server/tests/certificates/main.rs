//! Devices with client certificates, at the real TLS port, in both dialects.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that fails here has failed"
)]

mod scene;
#[path = "../waiting/mod.rs"]
mod waiting;

use api::DeviceState;
use rcgen::{ExtendedKeyUsagePurpose, KeyPair, SanType, date_time_ymd};
use server::access::Scope;

use scene::{Authority, DEVICE_HOST, Dialect, PUBLIC_HOST, Scene, client, spki};
use waiting::soon;

const BOTH: [Dialect; 2] = [Dialect::WebTunnel, Dialect::Adit];

#[tokio::test]
async fn s27_the_right_certificate_opens_the_tunnel_and_no_other_name_asks_for_one() {
    for dialect in BOTH {
        let scene = Scene::new().await;
        let shown = client(&scene.ours, &scene.name(dialect), |_| {});
        assert_eq!(
            scene.ask(dialect, DEVICE_HOST, Some(&shown)).await,
            101,
            "{dialect:?}"
        );
        // Sticky: what has shown a certificate is not let in without it, by password or key alone.
        assert_eq!(
            scene.ask(dialect, dialect.usual_host(), None).await,
            401,
            "{dialect:?}"
        );
        // Nobody asks for one there, so it is not shown.
        let status = scene.ask(dialect, dialect.usual_host(), Some(&shown)).await;
        assert_eq!(status, 401, "{dialect:?}");
    }
}

#[tokio::test]
async fn s27_adits_own_agent_shows_its_certificate() {
    let scene = Scene::new().await;
    let (agent, device) = scene.agent().await;
    waiting::spawn(agent.run(tokio_util::sync::CancellationToken::new()));
    soon("online", async {
        while scene.handle.devices.state(device) != Some(DeviceState::Online) {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn s27_devices_without_certificates_are_as_they_were() {
    let scene = Scene::new().await;
    for dialect in BOTH {
        assert_eq!(
            scene.ask(dialect, dialect.usual_host(), None).await,
            101,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn s27_a_stolen_id_without_a_key_gets_no_handshake() {
    let scene = Scene::new().await;
    for dialect in BOTH {
        assert_eq!(
            scene.ask(dialect, DEVICE_HOST, None).await,
            0,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn s27_the_right_key_with_another_id_is_refused() {
    let scene = Scene::new().await;
    let other = client(&scene.ours, "dev-0002", |_| {});
    for dialect in BOTH {
        let status = scene.ask(dialect, DEVICE_HOST, Some(&other)).await;
        assert_eq!(status, 401, "{dialect:?}");
    }
}

#[tokio::test]
async fn s27_a_key_of_one_device_is_no_key_of_another() {
    let scene = Scene::new().await;
    let key = KeyPair::generate().unwrap();
    let [first, second] =
        BOTH.map(|dialect| scene::client_with(&scene.ours, &scene.name(dialect), &key, |_| {}));
    assert_eq!(scene.ask(BOTH[0], DEVICE_HOST, Some(&first)).await, 101);
    assert_eq!(scene.ask(BOTH[1], DEVICE_HOST, Some(&second)).await, 401);
}

#[tokio::test]
async fn s27_the_authority_of_another_organization_is_refused() {
    let scene = Scene::new().await;
    for dialect in BOTH {
        let theirs = client(&scene.theirs, &scene.name(dialect), |_| {});
        let status = scene.ask(dialect, DEVICE_HOST, Some(&theirs)).await;
        assert_eq!(status, 401, "{dialect:?}");
    }
}

#[tokio::test]
async fn s27_expired_early_wrong_use_wildcard_and_self_signed_are_refused() {
    let scene = Scene::new().await;
    for dialect in BOTH {
        let name = scene.name(dialect);
        let unknown = Authority::new("unknown");
        let bad = [
            (
                "expired",
                client(&scene.ours, &name, |it| {
                    it.not_after = date_time_ymd(2020, 1, 1);
                }),
            ),
            (
                "not yet valid",
                client(&scene.ours, &name, |it| {
                    it.not_before = date_time_ymd(4000, 1, 1);
                }),
            ),
            (
                "for servers",
                client(&scene.ours, &name, |it| {
                    it.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
                }),
            ),
            ("wildcard", client(&scene.ours, "*", |_| {})),
            (
                "wildcard below",
                client(&scene.ours, &format!("*.{name}"), |_| {}),
            ),
            (
                "two names",
                client(&scene.ours, &name, |it| {
                    it.subject_alt_names
                        .push(SanType::DnsName("dev-0002".try_into().unwrap()));
                }),
            ),
            ("unknown authority", client(&unknown, &name, |_| {})),
            ("self-signed", scene::self_signed(&name)),
        ];
        for (what, shown) in bad {
            let status = scene.ask(dialect, DEVICE_HOST, Some(&shown)).await;
            assert_eq!(status, 0, "{what}, {dialect:?}");
        }
        let good = client(&scene.ours, &name, |_| {});
        assert_eq!(
            scene.ask(dialect, DEVICE_HOST, Some(&good)).await,
            101,
            "{dialect:?}"
        );
    }
}

#[tokio::test]
async fn s27_revoked_while_connected_is_cut_and_refused_after() {
    for dialect in BOTH {
        let scene = Scene::new().await;
        let device = scene.device(dialect);
        let key = KeyPair::generate().unwrap();
        let shown = scene::client_with(&scene.ours, &scene.name(dialect), &key, |_| {});
        let mut socket = scene
            .connect(dialect, DEVICE_HOST, Some(&shown))
            .await
            .1
            .unwrap();
        scene::say_hello(dialect, &mut socket).await;
        soon("online", async {
            while scene.handle.devices.state(device) != Some(DeviceState::Online) {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let scope = Scope::of(scene.organization);
        let key_hash = spki(&key);
        let revoked = scene.handle.revoke_certificate(scope, device, &key_hash);
        revoked.await.unwrap();
        soon("the cut", scene::read_to_end(&mut socket)).await;
        let status = scene.ask(dialect, DEVICE_HOST, Some(&shown)).await;
        assert_eq!(status, 401, "{dialect:?}");
        // A renewal with the same key is the same; another key is a new beginning.
        let renewed = scene::client_with(&scene.ours, &scene.name(dialect), &key, |_| {});
        assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&renewed)).await, 401);
        let fresh = client(&scene.ours, &scene.name(dialect), |_| {});
        assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&fresh)).await, 101);
        // It is pinned now: a second key needs a person.
        let third = client(&scene.ours, &scene.name(dialect), |_| {});
        assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&third)).await, 401);
    }
}

#[tokio::test]
async fn s27_nobody_revokes_for_another_organization() {
    let scene = Scene::new().await;
    let dialect = Dialect::WebTunnel;
    let key = KeyPair::generate().unwrap();
    let shown = scene::client_with(&scene.ours, &scene.name(dialect), &key, |_| {});
    assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&shown)).await, 101);
    let other = Scope::of(api::OrganizationId(scene::OTHER));
    let device = scene.device(dialect);
    let key_hash = spki(&key);
    let revoked = scene.handle.revoke_certificate(other, device, &key_hash);
    assert!(revoked.await.is_err());
    assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&shown)).await, 101);
}

/// Besides the one DNS label that all others here have.
#[tokio::test]
async fn s27_a_device_is_named_by_a_uri_or_by_the_common_name() {
    let named = |dialect, how: &str, name: String| {
        let uri = how == "uri";
        move |it: &mut rcgen::CertificateParams| {
            it.subject_alt_names.clear();
            match (uri, dialect) {
                (true, Dialect::Adit) => {
                    let uri = format!("urn:uuid:{name}").as_str().try_into().unwrap();
                    it.subject_alt_names.push(SanType::URI(uri));
                }
                _ => it.distinguished_name.push(rcgen::DnType::CommonName, name),
            }
        }
    };
    for (dialect, how) in [
        (Dialect::Adit, "uri"),
        (Dialect::Adit, "cn"),
        (Dialect::WebTunnel, "cn"),
    ] {
        let scene = Scene::new().await;
        let shown = client(&scene.ours, "x", named(dialect, how, scene.name(dialect)));
        let status = scene.ask(dialect, DEVICE_HOST, Some(&shown)).await;
        assert_eq!(status, 101, "{dialect:?} by {how}");
        let other = client(&scene.ours, "x", named(dialect, how, "dev-0002".to_owned()));
        let status = scene.ask(dialect, DEVICE_HOST, Some(&other)).await;
        // A name that is no device's, or no name at all: let in neither way.
        assert!(matches!(status, 0 | 401), "{dialect:?} by {how}: {status}");
    }
}

#[tokio::test]
async fn s27_a_certificate_is_enough_without_a_password() {
    let scene = Scene::new().await;
    let dialect = Dialect::WebTunnel;
    let right = client(&scene.ours, &scene.name(dialect), |_| {});
    let other = client(&scene.ours, "dev-0002", |_| {});
    assert_eq!(scene.ask_without_a_password(Some(&right)).await, 101);
    assert_eq!(scene.ask_without_a_password(Some(&other)).await, 401);
    assert_eq!(scene.ask_without_a_password(None).await, 0);
}

#[tokio::test]
async fn authorities_reload_without_dropping_a_tunnel_and_a_broken_file_keeps_the_old() {
    let dialect = Dialect::WebTunnel;
    let scene = Scene::new().await;
    let device = scene.device(dialect);
    let key = KeyPair::generate().unwrap();
    let shown = scene::client_with(&scene.ours, &scene.name(dialect), &key, |_| {});
    let mut socket = scene
        .connect(dialect, DEVICE_HOST, Some(&shown))
        .await
        .1
        .unwrap();
    let online = || scene.handle.devices.state(device) == Some(DeviceState::Online);
    soon("online", async {
        while !online() {
            tokio::task::yield_now().await;
        }
    })
    .await;

    scene.write_authority("no certificate");
    assert!(scene.handle.reload_certificate().is_err());
    let probe = client(&scene.ours, "dev-0002", |_| {});
    assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&probe)).await, 401);

    let next = Authority::new("next");
    scene.write_authority(&next.pem());
    scene.handle.reload_certificate().unwrap();
    // The old authority is gone for newcomers, the new one counts, and the tunnel stands.
    assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&probe)).await, 0);
    let probe = client(&next, "dev-0002", |_| {});
    assert_eq!(scene.ask(dialect, DEVICE_HOST, Some(&probe)).await, 401);
    assert!(online());
    scene::is_alive(&mut socket).await;
    assert_eq!(scene.ask(dialect, PUBLIC_HOST, None).await, 400);
}
