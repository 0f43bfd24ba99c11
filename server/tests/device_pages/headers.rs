//! What devices and browsers get to see of each other.

use std::sync::atomic::Ordering;

use http::{Method, StatusCode, header};
use http_body_util::Full;

use crate::harness::{Place, fetch, text};

#[tokio::test]
async fn s04_s18_s19_the_device_sees_what_it_may() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let host = format!("{}.adit.localhost", device.enrolled.label);
    let cookies = browser.cookie_line(&host).unwrap();
    for method in [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::PATCH,
    ] {
        let request = fetch(method.clone(), &format!("{}/echo", place.page(&device)))
            .header(
                header::COOKIE,
                format!("theirs=1; {cookies}; __Host-adit_session=x"),
            )
            .header("connection", "close, x-secret")
            .header("x-secret", "x")
            .header("x-forwarded-for", "6.6.6.6")
            .header("x_forwarded_for", "6.6.6.6")
            .header("authorization", "Basic dGhlaXJz")
            .header("origin", place.page(&device))
            .header("expect", "100-continue");
        let answer = browser
            .send(request.body(Full::from("body")).unwrap())
            .await;
        assert_eq!(answer.status(), StatusCode::OK);
        let seen = text(answer).await.to_ascii_lowercase();
        assert!(
            !seen.contains("adit_") && !seen.contains("6.6.6.6"),
            "{seen}"
        );
        assert!(
            !seen.contains("x-secret") && !seen.contains("expect"),
            "{seen}"
        );
        let own = format!("127.0.0.1:{}", device.web.port);
        for line in [
            format!("host: {own}"),
            format!("origin: http://{own}"),
            "cookie: theirs=1".to_owned(),
            "authorization: basic dghlaxjz".to_owned(),
            "x-forwarded-for: 127.0.0.1".to_owned(),
            format!("x-forwarded-host: {host}:{}", place.port),
            "x-forwarded-proto: http".to_owned(),
            "content-length: 4".to_owned(),
        ] {
            assert_eq!(
                seen.lines().filter(|seen| **seen == line).count(),
                1,
                "{line} in {seen}"
            );
        }
    }
    let token = fetch(Method::GET, &format!("{}/echo", place.page(&device)))
        .header("authorization", "Bearer adit_token_x");
    let seen = text(browser.send(token.body(Full::default()).unwrap()).await).await;
    assert!(!seen.contains("adit_token"), "{seen}");
}

#[tokio::test]
async fn s02_s13_the_browser_gets_what_binds_this_host_alone() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let answer = browser
        .fetch(&format!("{}/binding", place.page(&device)))
        .await;
    let cookies: Vec<_> = answer
        .headers()
        .get_all(header::SET_COOKIE)
        .iter()
        .collect();
    assert_eq!(cookies, ["a=b; Path=/"]);
    for name in ["strict-transport-security", "alt-svc", "clear-site-data"] {
        assert!(!answer.headers().contains_key(name), "{name}");
    }
    let away = browser
        .fetch(&format!("{}/away", place.page(&device)))
        .await;
    assert_eq!(away.status(), StatusCode::FOUND);
    assert_eq!(
        away.headers()[header::LOCATION],
        format!("{}/echo", place.page(&device))
    );
}

#[tokio::test]
async fn s12_no_service_worker_outlives_a_visit() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let before = device.web.requests.load(Ordering::SeqCst);
    let request = fetch(Method::GET, &format!("{}/sw.js", place.page(&device)))
        .header("service-worker", "script");
    let answer = browser.send(request.body(Full::default()).unwrap()).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(device.web.requests(), before);
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.visiting(&device).await;
    let head = fetch(Method::HEAD, &format!("{}/echo", place.page(&device)));
    let answer = browser.send(head.body(Full::default()).unwrap()).await;
    let length: usize = answer.headers()[header::CONTENT_LENGTH]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!(length > 100);
    assert_eq!(text(answer).await, "");
    let answer = browser
        .fetch(&format!("{}/nothing", place.page(&device)))
        .await;
    assert_eq!(answer.status(), StatusCode::NO_CONTENT);
    let answer = browser
        .fetch(&format!("{}/unchanged", place.page(&device)))
        .await;
    assert_eq!(answer.status(), StatusCode::NOT_MODIFIED);
    assert_eq!(answer.headers()[header::ETAG], "\"e\"");
    let answer = browser
        .fetch(&format!("{}/early", place.page(&device)))
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(
        answer
            .extensions()
            .get::<hyper::ext::ReasonPhrase>()
            .is_none()
    );
    assert_eq!(text(answer).await, "ok");
    let answer = browser
        .fetch(&format!("{}/trailers", place.page(&device)))
        .await;
    assert!(!answer.headers().contains_key(header::TRAILER));
    assert_eq!(text(answer).await, "ok");
}
