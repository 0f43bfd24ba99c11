//! The device's page, as its visitors see it.

use std::time::Duration;

use http::StatusCode;

use crate::harness::text;
use crate::place::Scene;
use crate::waiting::soon;

#[tokio::test]
async fn w01_a_browser_gets_the_page_of_the_device() {
    let scene = Scene::new().await;
    let stub = scene.connect().await;
    let mut browser = scene.visiting().await;
    let answer = browser.fetch(&format!("{}/hello?x=1", scene.page())).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let page = text(answer).await;
    assert!(page.starts_with("GET /hello?x=1 HTTP/1.1\r\n"), "{page}");
    let seen = &stub.seen;
    assert!(seen.count(&seen.opens) >= 1);
    assert!(stub.is_running());
}

#[tokio::test]
async fn the_link_leads_to_the_path_that_the_agent_reports() {
    let mut scene = Scene::new().await;
    scene
        .settings
        .properties
        .push("httpPath=\"/ui/start?a=1\"".to_owned());
    let stub = scene.connect().await;
    assert_eq!(scene.link().await, format!("{}/ui/start?a=1", scene.page()));
    stub.kill();
    let properties = &mut scene.settings.properties;
    properties.pop();
    properties.push("httpPath=\"//evil.example/\"".to_owned());
    let _stub = scene.connect().await;
    soon("the page itself", async {
        while scene.link().await != format!("{}/", scene.page()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}
