//! What the gateway and scripts ask below `/my-devices/` at the device domain.

use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{PASSWORD, text};
use crate::place::{AGENT_ID, Scene};
use crate::tools::{login, password};

async fn asked(scene: &Scene, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let url = format!(
        "http://{}:{}/my-devices/{path}",
        scene.domain, scene.place.port
    );
    let mut request = Request::get(url);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::<Bytes>::default()).unwrap();
    let answer = scene.place.browser().send(request).await;
    let status = answer.status().as_u16();
    let body = text(answer).await;
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

#[tokio::test]
async fn the_gateway_finds_its_domain_and_no_other() {
    let scene = Scene::new().await;
    let foreign = scene.foreign("dev-0001-of-others").await;
    let (_, token) = login(&scene, Method::GET, "ada", PASSWORD).await;
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let by_token = [("authorization", bearer.as_str())];
    let own = scene.settings.user.split_once('@').unwrap().1;

    for name in ["ada", "%61da", "ADA"] {
        let path = format!("api/users/{name}/attributes/domain");
        assert_eq!(asked(&scene, &path, &by_token).await, (200, json!(own)));
    }
    let known = asked(&scene, &format!("api/domains/{own}"), &by_token).await;
    assert_eq!(known, (200, json!({ "id": own })));
    let basic = password("ada", PASSWORD);
    let by_password = [("authorization", basic.as_str())];
    let known = asked(&scene, &format!("api/domains/{own}"), &by_password).await;
    assert_eq!(known.0, 200);

    // Of what is others' the same is told as of what is not.
    let without_id = |(status, mut body): (u16, Value)| {
        body.as_object_mut().unwrap().remove("request_id");
        (status, body)
    };
    let nothing = asked(&scene, "api/nothing", &by_token).await;
    let nothing = without_id(nothing);
    assert_eq!(nothing.0, 404);
    for path in [
        format!("api/domains/{}", foreign.domain),
        format!("api/domains/{}", Uuid::from_u128(7)),
        "api/domains/home".to_owned(),
        "api/users/bob/attributes/domain".to_owned(),
    ] {
        let answer = asked(&scene, &path, &by_token).await;
        assert_eq!(without_id(answer), nothing, "{path}");
    }
}

#[tokio::test]
async fn scripts_list_the_devices_of_their_organization() {
    let scene = Scene::new().await;
    scene.foreign("dev-0001-of-others").await;
    let _stub = scene.connect().await;
    let (_, token) = login(&scene, Method::GET, "ada", PASSWORD).await;
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let by_token = [("authorization", bearer.as_str())];
    let listed = asked(&scene, "api/devices", &by_token).await;
    let url = format!("{}/", scene.page());
    assert_eq!(
        listed,
        (
            200,
            json!({ "items": [
                { "id": AGENT_ID, "name": AGENT_ID, "online": true, "url": url },
            ] })
        )
    );
    assert_eq!(
        asked(&scene, "api/devices?cursor=x", &by_token).await.0,
        422
    );
}

#[tokio::test]
async fn only_who_shows_who_it_is_is_told() {
    let scene = Scene::new().await;
    let own = scene.settings.user.split_once('@').unwrap().1;
    let basic = password("ada", PASSWORD);
    for path in [
        "api/devices".to_owned(),
        format!("api/domains/{own}"),
        "api/users/ada/attributes/domain".to_owned(),
    ] {
        assert_eq!(asked(&scene, &path, &[]).await.0, 401, "{path}");
        let wrong = [("authorization", "Bearer x")];
        assert_eq!(asked(&scene, &path, &wrong).await.0, 401, "{path}");
        let by_page = [
            ("authorization", basic.as_str()),
            ("origin", "http://evil.example"),
        ];
        assert_eq!(asked(&scene, &path, &by_page).await.0, 403, "{path}");
    }
    let health = asked(&scene, "health.json", &[]).await;
    assert_eq!(health, (200, json!({ "status": "ok" })));
    // What is not ours is answered neither here nor by a device.
    assert_eq!(asked(&scene, "else", &[]).await.0, 404);
}
