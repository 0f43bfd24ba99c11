//! Stories of domains and devices, through the router.

use ::http::{Method, StatusCode, header};
use api::TokenScope;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::testing::{TestServer, bearer};

struct Scene {
    server: TestServer,
    token: String,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::new().await;
        server.user("ada").await;
        let token = server.token("ada", TokenScope::Full, None).await;
        Self { server, token }
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        let answer = self
            .server
            .call(method, path, bearer(&self.token), body)
            .await;
        let body = match answer.text.is_empty() {
            true => Value::Null,
            false => answer.json(),
        };
        (answer.status, body)
    }

    async fn domains(&self) -> Value {
        let path = "/api/v1/webtunnel/domains";
        self.call(Method::GET, path, Value::Null).await.1["items"].clone()
    }
}

#[tokio::test]
async fn an_organization_has_a_domain_before_anything_is_recorded_of_it() {
    let scene = Scene::new().await;
    let own = scene.server.organization().await.0.to_string();
    let domains = scene.domains().await;
    let none = json!({
        "domain": own, "self_registration": false, "devices": 0, "devices_by_domain_secret": 0
    });
    assert_eq!(domains, json!([none]));

    let path = format!("/api/v1/webtunnel/domains/{own}");
    let on = json!({"self_registration": true});
    let (status, changed) = scene.call(Method::PATCH, &path, on).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(changed["self_registration"], true);
    let secret = format!("{path}/secret");
    let (status, set) = scene.call(Method::POST, &secret, json!({})).await;
    assert_eq!(status, StatusCode::CREATED);
    assert!(set["secret"].as_str().unwrap().starts_with("adit_agent_"));
    assert!(scene.domains().await[0]["secret_made_at"].is_i64());
    let (status, set) = scene
        .call(Method::POST, &secret, json!({"password": "x"}))
        .await;
    assert_eq!(
        (status, set),
        (StatusCode::CREATED, json!({})),
        "told by nobody"
    );
    let (status, problem) = scene
        .call(Method::POST, &secret, json!({"password": ""}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["field"], "password");
    let (status, _) = scene.call(Method::DELETE, &secret, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert!(scene.domains().await[0].get("secret_made_at").is_none());
}

#[tokio::test]
async fn a_fleets_domain_is_taken_and_given_back() {
    let scene = Scene::new().await;
    let brought = Uuid::from_u128(7).to_string();
    let path = "/api/v1/webtunnel/domains";
    for _ in 0..2 {
        let (status, taken) = scene
            .call(Method::POST, path, json!({"domain": brought}))
            .await;
        assert_eq!(status, StatusCode::CREATED);
        assert_eq!(taken["domain"], brought);
    }
    let device = json!({"agent_id": "pump-7", "domain": brought, "ports": {"http": 80}});
    let (status, made) = scene
        .call(Method::POST, "/api/v1/webtunnel/devices", device)
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(scene.domains().await[0]["devices"], 1);
    let one = format!("{path}/{brought}");
    let (status, problem) = scene.call(Method::DELETE, &one, Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert_eq!(problem["detail"], "The domain still has devices.");
    let device = format!("/api/v1/devices/{}", made["device"]["id"].as_str().unwrap());
    scene.call(Method::DELETE, &device, Value::Null).await;
    let (status, _) = scene.call(Method::DELETE, &one, Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    for unknown in [one, format!("{path}/not-a-uuid")] {
        let (status, _) = scene.call(Method::DELETE, &unknown, Value::Null).await;
        assert_eq!(status, StatusCode::NOT_FOUND);
    }

    // What is another organization's stays it, recorded or not.
    let stranger = scene.server.state.accounts.create_stranger("mallory").await;
    let foreign = json!({"domain": stranger.0.to_string()});
    let (status, _) = scene.call(Method::POST, path, foreign).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_device_is_made_with_its_file_and_gets_another_secret() {
    let scene = Scene::new().await;
    let path = "/api/v1/webtunnel/devices";
    let input = json!({
        "agent_id": "pump-7", "name": "Pump 7",
        "ports": {"http": 8080, "ssh": 22, "others": [9000]},
    });
    let auth = bearer(&scene.token);
    let answer = scene
        .server
        .call(Method::POST, path, auth, input.clone())
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    let made = answer.json();
    assert_eq!(made["device"]["name"], "Pump 7");
    assert_eq!(made["device"]["agent"], "web_tunnel");
    assert_eq!(made["device"]["label"], "pump-7");
    let secret = made["secret"].as_str().unwrap();
    let file = made["properties"].as_str().unwrap();
    assert!(file.contains(&format!("webtunnel.password = {secret}\n")));
    assert!(file.contains("webtunnel.ports = 22, 8080, 9000\n"));

    let (status, problem) = scene.call(Method::POST, path, input).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::CONFLICT, &json!("conflict"))
    );
    for (wrong, field) in [
        (
            json!({"agent_id": "Pump", "ports": {"http": 80}}),
            "agent_id",
        ),
        (json!({"agent_id": "pump-8", "ports": {}}), "ports"),
        (
            json!({"agent_id": "pump-8", "name": "a\u{202e}b", "ports": {"http": 80}}),
            "name",
        ),
    ] {
        let (status, problem) = scene.call(Method::POST, path, wrong).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(problem["field"], field);
    }

    let agent = format!(
        "/api/v1/devices/{}/webtunnel",
        made["device"]["id"].as_str().unwrap()
    );
    let (status, told) = scene.call(Method::GET, &agent, Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told, made["agent"]);
    let (status, set) = scene
        .call(Method::POST, &format!("{agent}/secret"), json!({}))
        .await;
    assert_eq!(status, StatusCode::CREATED);
    assert_ne!(set["secret"], made["secret"]);
}

#[tokio::test]
async fn a_device_of_our_own_agent_has_no_such_agent() {
    let scene = Scene::new().await;
    let organization = scene.server.organization().await;
    let device = scene
        .server
        .enrol(organization, [1; 32], "Pump")
        .await
        .device_id;
    let agent = format!("/api/v1/devices/{device}/webtunnel");
    let (status, _) = scene.call(Method::GET, &agent, Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, _) = scene
        .call(Method::POST, &format!("{agent}/secret"), json!({}))
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
