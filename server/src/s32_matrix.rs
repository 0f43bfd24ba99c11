//! S32: every operation of the OpenAPI document, asked by everybody who must not have what it
//! gives. It runs from the document, so that a new route cannot escape.

use api::{OrganizationId, TokenScope};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use uuid::Uuid;

use crate::access::Scope;
use crate::accounts::DEVICE_COOKIE;
use crate::testing::{NOBODY, TestServer, bearer, cookie};
use crate::webtunnel::NewAgent;

/// No text of random letters and digits holds it.
const OWNER: &str = "ada.lovelace";

/// What makes no sense without being public.
const PUBLIC: [&str; 1] = ["sign_in"];

/// Valid input for each operation that has a body: refusals must be for the caller's sake.
fn body(operation: &str) -> Value {
    match operation {
        "sign_in" => json!({"username": "nobody", "password": "not this one"}),
        "create_api_token" => json!({"name": "t", "scope": "read"}),
        "create_install_key" => json!({"name": "k"}),
        "update_device" => json!({"name": "taken over"}),
        "add_webtunnel_domain" => json!({"domain": "00000000-0000-0000-0000-000000000077"}),
        "update_webtunnel_domain" => json!({"self_registration": true}),
        "create_webtunnel_device" => json!({"agent_id": "mine", "ports": {"http": 80}}),
        "set_webtunnel_domain_secret" | "set_webtunnel_device_secret" => json!({}),
        "update_service" => json!({"title": "taken over"}),
        _ => Value::Null,
    }
}

struct Operation {
    id: String,
    method: Method,
    path: String,
}

fn operations(document: &OpenApi) -> Vec<Operation> {
    let document = serde_json::to_value(document).unwrap();
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.push(Operation {
                id: operation["operationId"]
                    .as_str()
                    .expect("every operation has an id")
                    .into(),
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
            });
        }
    }
    operations
}

#[tokio::test]
async fn s32_nobody_gets_at_what_is_not_theirs() {
    let server = TestServer::new().await;
    server.user(OWNER).await;
    let organization = server.organization().await;
    let device = server
        .enrol(organization, [1; 32], "Victim")
        .await
        .device_id;
    let full = server.token(OWNER, TokenScope::Full, None).await;
    let read = server.token(OWNER, TokenScope::Read, None).await;
    let expired = server.token(OWNER, TokenScope::Full, Some(1)).await;
    server.state.clock.advance(1);
    let stranger = stranger(&server, organization).await;
    let device_cookie = {
        let signed_in = server.cookie(OWNER).await;
        let headers =
            http::HeaderMap::from_iter([(http::header::COOKIE, signed_in.parse().unwrap())]);
        let principal = server
            .state
            .accounts
            .signed_in(&headers)
            .await
            .unwrap()
            .unwrap();
        let crate::access::Via::SignIn(parent) = principal.via else {
            panic!("a sign-in")
        };
        let secret = server
            .state
            .accounts
            .create_device_sign_in(parent, device, "h")
            .await
            .unwrap();
        format!("{DEVICE_COOKIE}={secret}")
    };

    // One of each thing that a path can name.
    let list = async |path| {
        server
            .call(Method::GET, path, bearer(&full), Value::Null)
            .await
            .json()
    };
    let token_id = list("/api/v1/api-tokens").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let key_id = list("/api/v1/install-keys").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();

    let certificate = crate::http::ClientCertificate {
        organization,
        device: device.to_string(),
        spki_sha256: [3; 32],
        subject: "CN=victim".into(),
        serial: "01".into(),
        not_after: server.state.clock.now().plus_seconds(60),
    };
    let certificates = &server.state.certificates;
    certificates
        .admit(device, organization, Some(&certificate))
        .await
        .unwrap();
    let certificate = "03".repeat(32);

    let agent = NewAgent {
        agent_id: "victim".to_owned(),
        domain: Some(Uuid::from_u128(0x99)),
        name: None,
        password: None,
    };
    let webtunnel = &server.state.webtunnel;
    let agent = webtunnel.create_agent(Scope::of(organization), agent).await;
    let agent = agent.unwrap();
    let domain = agent.domain.to_string();

    let document = TestServer::routes().split_for_parts().1;
    let operations = operations(&document);
    assert!(
        operations.len() >= 13,
        "only {} operations",
        operations.len()
    );
    for Operation { id, method, path } in &operations {
        let target = match path.as_str() {
            path if path.contains("{id}/webtunnel") => agent.device.to_string(),
            path if path.starts_with("/api/v1/webtunnel/domains/") => String::new(),
            path if path.starts_with("/api/v1/devices/") => device.to_string(),
            path if path.starts_with("/api/v1/api-tokens/") => token_id.clone(),
            path if path.starts_with("/api/v1/install-keys/") => key_id.clone(),
            path => {
                assert!(!path.contains('{'), "say what {path} names");
                String::new()
            }
        };
        let is_about_one = path.contains("{id}") || path.contains("{domain}");
        let path = path
            .replace("{id}", &target)
            .replace("{service}", "web")
            .replace("{domain}", &domain)
            .replace("{certificate}", &certificate);
        let is_public = PUBLIC.contains(&id.as_str());
        for (who, credential) in [
            ("anonymous", NOBODY),
            ("expired token", bearer(&expired)),
            ("device cookie", cookie(&device_cookie)),
        ] {
            let answer = server
                .call(method.clone(), &path, credential, body(id))
                .await;
            assert_eq!(
                answer.status,
                StatusCode::UNAUTHORIZED,
                "{id} by {who}: {}",
                answer.text
            );
            assert!(
                is_public || answer.code() == "not_signed_in",
                "{id} by {who}"
            );
        }

        let is_public_or_stream = is_public || id == "events";
        if *method != Method::GET && !is_public {
            let answer = server
                .call(method.clone(), &path, bearer(&read), body(id))
                .await;
            assert_eq!(
                answer.status,
                StatusCode::FORBIDDEN,
                "{id} by a read-only token"
            );
        }
        // The stream never ends by itself; whom it tells what is tested with it.
        if !is_public_or_stream && id != "sign_out" {
            let answer = server
                .call(method.clone(), &path, bearer(&stranger), body(id))
                .await;
            if is_about_one {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{id} by a stranger");
            } else {
                assert!(
                    answer.status.is_success(),
                    "{id} by a stranger in their own house"
                );
            }
            let ids = [
                &device.to_string(),
                &agent.device.to_string(),
                &token_id,
                &key_id,
            ];
            let ids = ids.map(String::as_str);
            for foreign in ["Victim", "victim", OWNER, &domain].into_iter().chain(ids) {
                assert!(
                    !answer.text.contains(foreign),
                    "{id} tells a stranger of {foreign}"
                );
            }
        }
    }

    // And nothing has changed.
    let certificates = format!("/api/v1/devices/{device}/certificates");
    let shown = list(&certificates).await;
    assert_eq!(shown["items"][0]["id"], certificate);
    assert!(shown["items"][0].get("revoked_at").is_none());
    let scope = Scope::of(organization);
    assert_eq!(
        server.state.devices.device(scope, device).unwrap().name,
        "Victim"
    );
    assert_eq!(list("/api/v1/install-keys").await["items"][0]["id"], key_id);
    assert_eq!(list("/api/v1/api-tokens").await["total"], 3);
    let domains = list("/api/v1/webtunnel/domains").await;
    assert_eq!(domains["total"], 1);
    assert_eq!(domains["items"][0]["self_registration"], false);
    assert!(domains["items"][0].get("secret_made_at").is_none());
}

/// A full token of a user of another organization.
async fn stranger(server: &TestServer, organization: OrganizationId) -> String {
    let other = server.state.accounts.create_stranger("mallory").await;
    assert_ne!(other, organization);
    server.token("mallory", TokenScope::Full, None).await
}
