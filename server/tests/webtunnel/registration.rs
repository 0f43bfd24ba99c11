//! Devices that register themselves by their domain's secret.

use std::time::Duration;

use api::{DeviceId, DeviceState};
use http::{Method, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};
use server::access::Scope;

use crate::harness::{Browser, fetch, text};
use crate::place::Scene;
use crate::stub::{Settings, Stub};
use crate::waiting::soon;

/// Somebody who manages the scene's domain.
struct Keeper<'a> {
    scene: &'a Scene,
    browser: Browser,
    domain: String,
}

impl<'a> Keeper<'a> {
    async fn of(scene: &'a Scene) -> Self {
        let (_, domain) = scene.settings.user.split_once('@').unwrap();
        Self {
            scene,
            browser: scene.place.signed_in().await,
            domain: domain.to_owned(),
        }
    }

    async fn call(&mut self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let url = format!(
            "{}/api/v1/webtunnel/domains/{}{path}",
            self.scene.place.manager(),
            self.domain
        );
        let request = fetch(method, &url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()));
        let answer = self.browser.send(request.unwrap()).await;
        let status = answer.status();
        let body = serde_json::from_str(&text(answer).await).unwrap_or_default();
        (status, body)
    }

    async fn switch(&mut self, is_on: bool) {
        let (status, domain) = self
            .call(Method::PATCH, "", json!({"self_registration": is_on}))
            .await;
        assert_eq!(status, StatusCode::OK);
        assert_eq!(domain["self_registration"], is_on);
    }

    async fn new_secret(&mut self) -> String {
        let (status, set) = self.call(Method::POST, "/secret", json!({})).await;
        assert_eq!(status, StatusCode::CREATED);
        set["secret"].as_str().unwrap().to_owned()
    }

    fn agent(&self, agent_id: &str, password: &str) -> Settings {
        Settings {
            user: format!("{agent_id}@{}", self.domain),
            password: password.to_owned(),
            ..self.scene.settings.clone()
        }
    }
}

async fn refused(settings: &Settings) -> (u16, String) {
    let Err(answer) = Stub::connect(settings).await else {
        panic!("let in")
    };
    let text = answer.field("x-ptth-error").unwrap_or_default();
    (answer.status, text.to_owned())
}

const WRONG: &str = "The password is wrong, or the domain has no such device.";

#[tokio::test]
async fn s27_a_device_registers_itself_where_that_is_switched_on() {
    let scene = Scene::new().await;
    let mut keeper = Keeper::of(&scene).await;
    let secret = keeper.new_secret().await;
    let newcomer = keeper.agent("pump-31", &secret);
    let wrong = (401, WRONG.to_owned());
    assert_eq!(refused(&newcomer).await, wrong, "off by default");

    keeper.switch(true).await;
    let guess = keeper.agent("pump-31", "adit_agent_guess");
    assert_eq!(refused(&guess).await, wrong);
    let stub = Stub::connect(&newcomer).await.unwrap();
    let device = registered(&scene, "pump-31").await;
    drop(stub);

    // It is opened by that secret as long as it has no other, also with the switch off again.
    keeper.switch(false).await;
    let stub = Stub::connect(&newcomer).await.unwrap();
    assert_eq!(registered(&scene, "pump-31").await, device);
    drop(stub);
    assert_eq!(refused(&keeper.agent("pump-32", &secret)).await, wrong);

    // The device with a secret of its own never was, and is not now.
    let (own, _) = scene.settings.user.split_once('@').unwrap();
    assert_eq!(refused(&keeper.agent(own, &secret)).await, wrong);

    let replaced = keeper.new_secret().await;
    assert_eq!(refused(&newcomer).await, wrong);
    let _stub = Stub::connect(&keeper.agent("pump-31", &replaced))
        .await
        .unwrap();
    let (status, _) = keeper.call(Method::DELETE, "/secret", Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(refused(&keeper.agent("pump-31", &replaced)).await, wrong);
    scene.connect().await;
}

async fn registered(scene: &Scene, name: &str) -> DeviceId {
    let devices = &scene.place.handle.devices;
    let accounts = &scene.place.handle.accounts;
    let scope = Scope::of(accounts.default_organization().await.unwrap());
    soon("the device that registered itself", async {
        loop {
            let query = api::DeviceQuery::default();
            let page = devices.list(scope, query).await.unwrap();
            let found = page.items.into_iter().find(|device| device.name == name);
            if let Some(device) = found.filter(|device| device.state == DeviceState::Online) {
                return device.id;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}
