//! Who is let in, where, and what the others are told.

use std::time::Duration;

use api::DeviceState;
use server::Server;
use server::access::Scope;
use server::clock::Clock;
use server::config::Config;
use server::webtunnel::{NewAgent, WebTunnelError};
use uuid::Uuid;

use crate::place::{AGENT_ID, Scene};
use crate::stub::{Ended, Settings, Stub};
use crate::waiting::soon;

async fn refused(settings: &Settings) -> (u16, String) {
    match Stub::connect(settings).await {
        Ok(_) => panic!("let in"),
        Err(answer) => {
            let text = answer.field("x-ptth-error").unwrap_or_default();
            (answer.status, text.to_owned())
        }
    }
}

#[tokio::test]
async fn w02_a_wrong_password_is_told_in_the_agents_own_way() {
    let scene = Scene::new().await;
    let honest = &scene.settings;
    let domain = honest.user.split_once('@').unwrap().1;
    let wrong = "The password is wrong, or the domain has no such device.";
    let no_domain = "This server does not know the domain: check webtunnel.domain.";
    for (user, password, text) in [
        (honest.user.clone(), "wrong", wrong),
        (honest.user.clone(), "", wrong),
        (
            format!("dev-0002@{domain}"),
            honest.password.as_str(),
            wrong,
        ),
        (
            format!("{AGENT_ID}@{}", Uuid::from_u128(7)),
            honest.password.as_str(),
            no_domain,
        ),
        (format!("{AGENT_ID}@home"), "x", no_domain),
        (
            AGENT_ID.to_owned(),
            "x",
            "Who is this? Set webtunnel.username to deviceId@domain, and webtunnel.password.",
        ),
    ] {
        let settings = Settings {
            user,
            password: password.to_owned(),
            ..honest.clone()
        };
        assert_eq!(refused(&settings).await, (401, text.to_owned()));
    }
    let state = scene.place.handle.devices.state(scene.device);
    assert_eq!(state, Some(DeviceState::NeverSeen));
    scene.connect().await;
}

/// Items 1 and 2 of WEBTUNNEL section 0; the stub judges the 101.
#[tokio::test]
async fn item_01_02_the_upgrade_is_a_post_in_either_form() {
    let scene = Scene::new().await;
    for target in [
        "/".to_owned(),
        "/a/path?x=1".to_owned(),
        format!("http://{}/", scene.settings.authority),
    ] {
        let settings = Settings {
            target,
            more: "Proxy-Connection: Keep-Alive\r\nProxy-Authorization: Basic eDp5\r\n".to_owned(),
            ..scene.settings.clone()
        };
        let stub = Stub::connect(&settings).await.unwrap();
        assert_eq!(stub.answer.field("x-webtunnel-keepalive"), Some("60"));
    }
    let old = Settings {
        keep_alive: false,
        ..scene.settings.clone()
    };
    let stub = Stub::connect(&old).await.unwrap();
    assert_eq!(stub.answer.field("x-webtunnel-keepalive"), None);
}

#[tokio::test]
async fn agents_are_answered_at_the_apex_alone() {
    let scene = Scene::new().await;
    let port = scene.place.port;
    for (host, status) in [
        (format!("adit.localhost:{port}"), 400),
        (format!("{AGENT_ID}.devices.localhost:{port}"), 400),
        (format!("elsewhere.localhost:{port}"), 421),
        ("devices.localhost".to_owned(), 421),
    ] {
        let settings = Settings {
            authority: host.clone(),
            ..scene.settings.clone()
        };
        assert_eq!(refused(&settings).await.0, status, "{host}");
    }
    let absolute = Settings {
        target: format!("http://adit.localhost:{port}/"),
        ..scene.settings.clone()
    };
    assert_eq!(refused(&absolute).await.0, 421);
    let browser = Settings {
        more: "Origin: http://devices.localhost\r\n".to_owned(),
        ..scene.settings.clone()
    };
    assert_eq!(refused(&browser).await.1, "No browser belongs here.");
}

#[tokio::test]
async fn the_apex_may_be_the_managers_host_too() {
    let scene = Scene::with("adit.localhost", |_| {}).await;
    scene.connect().await;
}

#[tokio::test]
async fn a_fleet_may_bring_its_domain_and_its_passwords_along() {
    let scene = Scene::new().await;
    let handle = &scene.place.handle;
    let scope = Scope::of(handle.accounts.default_organization().await.unwrap());
    let domain = Uuid::from_u128(0x1111_1111_2222_3333_4444_5555_5555_5555);
    let agent = |id: &str, domain| NewAgent {
        agent_id: id.to_owned(),
        domain: Some(domain),
        name: None,
        password: Some("s3cret".to_owned().into()),
    };
    let made = handle
        .webtunnel
        .create_agent(scope, agent("pump--7", domain))
        .await;
    let made = made.unwrap();
    assert!(
        made.secret.is_none() && made.label.starts_with("pump-7-"),
        "{}",
        made.label
    );
    let again = handle
        .webtunnel
        .create_agent(scope, agent("pump--7", domain))
        .await;
    assert!(matches!(again, Err(WebTunnelError::Exists)));
    let settings = Settings {
        user: format!("pump--7@{domain}"),
        password: "s3cret".to_owned(),
        ..scene.settings.clone()
    };
    for _ in 0..3 {
        Stub::connect(&settings).await.unwrap();
    }
    let wrong = Settings {
        password: "s3cres".to_owned(),
        ..settings
    };
    assert_eq!(refused(&wrong).await.0, 401);
}

/// S27, S34: what ends a device ends its tunnel, and it is not let in again.
#[tokio::test]
async fn s27_a_deleted_device_is_sent_away_and_stays_away() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let mut browser = scene.place.signed_in().await;
    let url = format!("{}/api/v1/devices/{}", scene.place.manager(), scene.device);
    let request = crate::harness::fetch(http::Method::DELETE, &url);
    let request = request.body(http_body_util::Full::<bytes::Bytes>::default());
    let answer = browser.send(request.unwrap()).await;
    assert_eq!(answer.status(), 204);
    assert_eq!(stub.ended().await, Ended::Gracefully);
    assert_eq!(refused(&scene.settings).await.0, 401);
}

#[tokio::test]
async fn w02_a_disabled_device_is_cut_and_told_so() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let mut browser = scene.place.signed_in().await;
    let url = format!("{}/api/v1/devices/{}", scene.place.manager(), scene.device);
    let mut disable = async |disabled: bool| {
        let body = format!(r#"{{"disabled":{disabled}}}"#);
        let request = crate::harness::fetch(http::Method::PATCH, &url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(http_body_util::Full::from(body));
        let answer = browser.send(request.unwrap()).await;
        assert_eq!(answer.status(), 200);
    };
    disable(true).await;
    assert_eq!(stub.ended().await, Ended::Gracefully);
    let told = refused(&scene.settings).await;
    assert_eq!(told, (403, "Device disabled".to_owned()));
    // Who does not know its secret is not told what it is.
    let guess = Settings {
        password: "wrong".to_owned(),
        ..scene.settings.clone()
    };
    assert_eq!(refused(&guess).await.0, 401);
    let state = scene.place.handle.devices.state(scene.device);
    assert_eq!(state, Some(DeviceState::Offline));
    disable(false).await;
    scene.connect().await;
}

/// As by the command line while the server runs.
#[tokio::test]
async fn a_device_that_another_process_made_is_let_in_at_once() {
    let scene = Scene::new().await;
    let config = Config::clone(&scene.place.handle.config);
    let other = Server::build(config, Clock::system()).await.unwrap();
    let other = other.handle();
    let scope = Scope::of(other.accounts.default_organization().await.unwrap());
    let agent = NewAgent {
        agent_id: "made-elsewhere".to_owned(),
        domain: None,
        name: Some("Elsewhere".to_owned()),
        password: None,
    };
    let made = other.webtunnel.create_agent(scope, agent).await.unwrap();
    let settings = Settings {
        user: format!("made-elsewhere@{}", made.domain),
        password: made.secret.unwrap().reveal().to_owned(),
        ..scene.settings.clone()
    };
    let _stub = Stub::connect(&settings).await.unwrap();
    let devices = &scene.place.handle.devices;
    soon("the device", async {
        while devices.state(made.device) != Some(DeviceState::Online) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    assert_eq!(
        devices.device(scope, made.device).unwrap().name,
        "Elsewhere"
    );
}

/// Two agents with one id: at first the newest wins, then the one that holds stays.
#[tokio::test]
async fn s28_two_agents_with_one_id_do_not_swap_for_ever() {
    let scene = Scene::new().await;
    let mut held = scene.connect().await;
    let mut swaps = 0;
    let text = soon("the alarm", async {
        loop {
            match Stub::connect(&scene.settings).await {
                Ok(next) => {
                    let before = std::mem::replace(&mut held, next);
                    assert_eq!(before.ended().await, Ended::Gracefully);
                    swaps += 1;
                }
                Err(answer) => {
                    assert_eq!(answer.status, 409);
                    return answer.field("x-ptth-error").unwrap().to_owned();
                }
            }
        }
    })
    .await;
    assert!((6..=8).contains(&swaps), "{swaps} swaps");
    assert!(text.contains("Another agent with this device id"), "{text}");
    assert!(scene.view().await.attention.is_some());
    assert!(held.is_running());
}
