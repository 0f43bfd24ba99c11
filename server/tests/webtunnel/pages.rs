//! The device's page, as its visitors see it.

use http::StatusCode;

use crate::harness::text;
use crate::place::Scene;

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
