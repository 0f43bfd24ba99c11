//! Devices that are away, refuse, or answer nonsense: what people and programs are told.

use http::{StatusCode, header};

use crate::harness::{Place, text};

#[tokio::test]
async fn each_trouble_has_its_page_and_its_code() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let page = place.page(&device);
    let answer = browser.navigate(&format!("{page}/no-http")).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let policy = answer.headers()[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'") && !policy.contains("unsafe"),
        "{policy}"
    );
    let shown = text(answer).await;
    assert!(
        shown.contains("pump &lt;07&gt; broke off") && shown.contains("Request "),
        "{shown}"
    );
    let told = text(browser.fetch(&format!("{page}/no-http")).await).await;
    assert!(
        told.contains("\"service_broken\"") && told.contains("request_id"),
        "{told}"
    );
    // Not asked unasked.
    let told = browser.fetch(&format!("{page}/ws-wrong")).await;
    assert_eq!(told.status(), StatusCode::BAD_GATEWAY);

    let closed = page.replacen(".adit", "--closed.adit", 1);
    let code = browser.obtain_code(&closed).await;
    assert_eq!(browser.redeem(&code).await.status(), StatusCode::OK);
    let answer = browser.navigate(&closed).await;
    assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
    let shown = text(answer).await;
    assert!(
        shown.contains("Nothing answers on") && shown.contains("http-equiv=\"refresh\""),
        "{shown}"
    );

    device.kill().await;
    let (shown, told) = crate::harness::soon("the loss", async {
        loop {
            let answer = browser.navigate(&page).await;
            if answer.status() == StatusCode::SERVICE_UNAVAILABLE {
                break (text(answer).await, text(browser.fetch(&page).await).await);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    })
    .await;
    assert!(
        shown.contains("is reconnecting") || shown.contains("is offline"),
        "{shown}"
    );
    assert!(shown.contains("http-equiv=\"refresh\""), "{shown}");
    assert!(
        told.contains("\"device_reconnecting\"") || told.contains("\"device_offline\""),
        "{told}"
    );
}
