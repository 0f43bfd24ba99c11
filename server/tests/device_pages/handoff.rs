//! From a link to a device's page, and every way in which that must not work.

use http::{Method, StatusCode, header};
use http_body_util::Full;
use server::accounts::{DEVICE_COOKIE, SIGN_IN_COOKIE, STATE_COOKIE};

use crate::harness::{Place, between, fetch, location, navigation, spawn, text};

#[tokio::test]
async fn a_link_leads_to_the_page_it_names() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.signed_in().await;
    let path = "/a%20b?c=d&e=//f";
    assert_eq!(browser.open(&place, &device, path).await, path);
    let host = format!("{}.adit.localhost", device.enrolled.label);
    let names: Vec<_> = browser.cookies[&host].keys().collect();
    assert_eq!(names, [DEVICE_COOKIE]);
    let page = text(
        browser
            .navigate(&format!("{}{path}", place.page(&device)))
            .await,
    )
    .await;
    assert!(
        page.starts_with(&format!("GET {path} HTTP/1.1\r\n")),
        "{page}"
    );
}

#[tokio::test]
async fn an_intent_of_the_app_spares_the_question() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.signed_in().await;
    let api = format!(
        "{}/api/v1/devices/{}/services",
        place.manager(),
        device.enrolled.device_id
    );
    let answer = browser
        .post(&format!("{api}/web/launch"), "application/json", "")
        .await;
    assert_eq!(answer.status(), StatusCode::OK);
    let intent = text(answer).await;
    assert_eq!(
        between(&intent, "\"url\":\"", "\""),
        format!("{}/", place.page(&device))
    );
    let launch = location(&browser.navigate(&place.page(&device)).await);
    let straight_on = location(&browser.navigate(&launch).await);
    assert!(straight_on.starts_with(&format!("{}/.adit/auth?state=", place.page(&device))));
    // It is used up: the next visit is asked.
    let again = browser.navigate(&launch).await;
    assert_eq!(again.status(), StatusCode::OK);
    assert!(
        again.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap()
            .contains("frame-ancestors 'none'")
    );
    let page = text(again).await;
    assert!(
        page.contains("pump &lt;07&gt;") && !page.contains("<07>"),
        "{page}"
    );
    // Nobody opens what is not there.
    for unknown in ["nothing", "a/b"] {
        let answer = browser
            .post(&format!("{api}/{unknown}/launch"), "application/json", "")
            .await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn without_a_sign_in_it_leads_through_sign_in() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.browser();
    let launch = location(
        &browser
            .navigate(&format!("{}/x", place.page(&device)))
            .await,
    );
    let sign_in = location(&browser.navigate(&launch).await);
    let (page, next) = sign_in.split_once("?next=").unwrap();
    assert_eq!(page, format!("{}/sign-in", place.manager()));
    assert!(
        next.starts_with("%2Flaunch%2F") && !next.contains(['/', '?', '&']),
        "{next}"
    );
}

#[tokio::test]
async fn only_a_navigation_begins_a_hand_off() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.signed_in().await;
    let url = place.page(&device);
    let mut requests = vec![
        fetch(Method::GET, &url).body(Full::default()).unwrap(),
        fetch(Method::POST, &url).body(Full::default()).unwrap(),
        http::Request::get(&url).body(Full::default()).unwrap(),
    ];
    for (name, value) in [
        ("sec-fetch-dest", "iframe"),
        ("sec-fetch-mode", "no-cors"),
        ("sec-purpose", "prefetch"),
    ] {
        let mut request = navigation(&url);
        request.headers_mut().insert(name, value.parse().unwrap());
        requests.push(request);
    }
    let mut posted = navigation(&url);
    *posted.method_mut() = Method::POST;
    requests.push(posted);
    for request in requests {
        let what = format!("{request:?}");
        let answer = browser.send(request).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{what}");
        assert!(!answer.headers().contains_key(header::SET_COOKIE), "{what}");
    }
    assert_eq!(device.web.requests(), 0);
}

#[tokio::test]
async fn unknown_devices_and_reserved_paths_tell_nothing() {
    let place = Place::start().await;
    let device = place.device().await;
    let unknown = format!("http://nothing.adit.localhost:{}", place.port);
    // Before a sign-in, unknown and known look alike.
    let launch = location(&place.browser().navigate(&unknown).await);
    let mut browser = place.signed_in().await;
    assert_eq!(
        browser.navigate(&launch).await.status(),
        StatusCode::NOT_FOUND
    );
    let mut browser = place.visiting(&device).await;
    let before = device.web.requests();
    for path in [
        "/.adit",
        "/.adit/",
        "/.adit/x",
        "/.adit/auth/",
        "/.adit//auth",
        "/.adit/?x",
    ] {
        let answer = browser
            .navigate(&format!("{}{path}", place.page(&device)))
            .await;
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(device.web.requests(), before);
}

#[tokio::test]
async fn s24_a_replayed_code_ends_the_device_sign_in_and_nothing_else() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.signed_in().await;
    let code = browser.obtain_code(&place.page(&device)).await;
    assert_eq!(browser.redeem(&code).await.status(), StatusCode::OK);
    assert_eq!(
        browser.fetch(&place.page(&device)).await.status(),
        StatusCode::OK
    );
    let mut thief = place.browser();
    assert_eq!(thief.redeem(&code).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        browser.fetch(&place.page(&device)).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let me = browser
        .fetch(&format!("{}/api/v1/me", place.manager()))
        .await;
    assert_eq!(me.status(), StatusCode::OK);
}

#[tokio::test]
async fn s24_of_fifty_at_once_one_wins() {
    let place = Place::start().await;
    let device = place.device().await;
    let mut browser = place.signed_in().await;
    let code = std::sync::Arc::new(browser.obtain_code(&place.page(&device)).await);
    let racers: Vec<_> = (0..50)
        .map(|_| {
            let (mut browser, code) = (browser.clone(), std::sync::Arc::clone(&code));
            spawn(async move { (browser.redeem(&code).await.status(), browser) })
        })
        .collect();
    let mut winners = Vec::new();
    for racer in racers {
        let (status, browser) = racer.await.unwrap();
        if status == StatusCode::OK {
            winners.push(browser);
        } else {
            assert_eq!(status, StatusCode::FORBIDDEN);
        }
    }
    assert_eq!(winners.len(), 1);
    // Forty-nine others had the code: what it opened is closed.
    let answer = winners[0].fetch(&place.page(&device)).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn s24_codes_are_for_one_browser_and_one_host() {
    let place = Place::start().await;
    let (device, other) = (place.device().await, place.device().await);
    let mut browser = place.signed_in().await;
    let code = browser.obtain_code(&place.page(&device)).await;
    // Login CSRF: a stranger's browser is led to redeem our code.
    assert_eq!(
        place.browser().redeem(&code).await.status(),
        StatusCode::FORBIDDEN
    );
    // At another device's host, with its cookie made to fit.
    let mut forged = browser.clone();
    let host = format!("{}.adit.localhost", other.enrolled.label);
    let jar = forged.cookies.entry(host).or_default();
    jar.insert(STATE_COOKIE.to_owned(), code.state.clone());
    let moved = crate::harness::Code {
        host: place.page(&other),
        state: code.state.clone(),
        code: code.code.clone(),
    };
    assert_eq!(forged.redeem(&moved).await.status(), StatusCode::FORBIDDEN);
    // Sent by a form, by another page, or without saying from where.
    let body = format!(
        "{{\"state\":\"{}\",\"code\":\"{}\"}}",
        code.state, code.code
    );
    for (site, kind, expected) in [
        (Some("same-site"), "application/json", StatusCode::FORBIDDEN),
        (
            Some("cross-site"),
            "application/json",
            StatusCode::FORBIDDEN,
        ),
        (None, "application/json", StatusCode::FORBIDDEN),
        (
            Some("same-origin"),
            "text/plain",
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
    ] {
        let mut request = fetch(Method::POST, &format!("{}/.adit/auth", code.host))
            .header(header::CONTENT_TYPE, kind)
            .body(Full::from(body.clone()))
            .unwrap();
        request.headers_mut().remove("sec-fetch-site");
        if let Some(site) = site {
            request
                .headers_mut()
                .insert("sec-fetch-site", site.parse().unwrap());
        }
        assert_eq!(
            browser.send(request).await.status(),
            expected,
            "{site:?} {kind}"
        );
    }
    assert_eq!(browser.redeem(&code).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn s05_every_cookie_opens_its_own_door_alone() {
    let place = Place::start().await;
    let (device, other) = (place.device().await, place.device().await);
    let browser = place.visiting(&device).await;
    let host = format!("{}.adit.localhost", device.enrolled.label);
    let device_secret = &browser.cookies[&host][DEVICE_COOKIE];
    let sign_in_secret = &browser.cookies["adit.localhost"][SIGN_IN_COOKIE];
    let manager = format!("{}/api/v1/me", place.manager());
    let closed = format!(
        "http://{}--closed.adit.localhost:{}",
        device.enrolled.label, place.port
    );
    for (url, cookie, expected) in [
        (
            &place.page(&device),
            format!("{DEVICE_COOKIE}={device_secret}"),
            StatusCode::OK,
        ),
        (
            &place.page(&device),
            format!("{DEVICE_COOKIE}={sign_in_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &place.page(&device),
            format!("{SIGN_IN_COOKIE}={sign_in_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &place.page(&device),
            format!("{DEVICE_COOKIE}={device_secret}; {DEVICE_COOKIE}=x"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &place.page(&other),
            format!("{DEVICE_COOKIE}={device_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &closed,
            format!("{DEVICE_COOKIE}={device_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &manager,
            format!("{SIGN_IN_COOKIE}={device_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &manager,
            format!("{DEVICE_COOKIE}={device_secret}"),
            StatusCode::UNAUTHORIZED,
        ),
        (
            &manager,
            format!("{SIGN_IN_COOKIE}={sign_in_secret}"),
            StatusCode::OK,
        ),
    ] {
        let request = fetch(Method::GET, url).header(header::COOKIE, cookie);
        let answer = place
            .browser()
            .send(request.body(Full::default()).unwrap())
            .await;
        assert_eq!(answer.status(), expected, "{url}");
    }
}

#[tokio::test]
async fn s06_nothing_of_a_siblings_page_reaches_the_device_but_links() {
    let place = Place::start().await;
    let (device, other) = (place.device().await, place.device().await);
    let mut browser = place.visiting(&device).await;
    let before = device.web.requests();
    let (url, sibling) = (place.page(&device), place.page(&other));
    for (method, mode, dest, allowed) in [
        (Method::POST, "no-cors", "empty", false),
        (Method::GET, "no-cors", "image", false),
        (Method::POST, "navigate", "document", false),
        (Method::GET, "navigate", "iframe", false),
        (Method::GET, "navigate", "document", true),
    ] {
        let mut request = fetch(method, &url).header("origin", &sibling);
        let headers = request.headers_mut().unwrap();
        headers.insert("sec-fetch-site", "same-site".parse().unwrap());
        headers.insert("sec-fetch-mode", mode.parse().unwrap());
        headers.insert("sec-fetch-dest", dest.parse().unwrap());
        let answer = browser.send(request.body(Full::default()).unwrap()).await;
        let expected = if allowed {
            StatusCode::OK
        } else {
            StatusCode::FORBIDDEN
        };
        assert_eq!(answer.status(), expected, "{mode} {dest}");
    }
    assert_eq!(device.web.requests(), before + 1);
    // The click-through page's button is no sibling's to press.
    let launch = location(&place.signed_in().await.navigate(&url).await);
    let action = launch.split('?').next().unwrap();
    let mut request = fetch(Method::POST, action)
        .body(Full::from("ask=x"))
        .unwrap();
    request
        .headers_mut()
        .insert("sec-fetch-site", "same-site".parse().unwrap());
    assert_eq!(browser.send(request).await.status(), StatusCode::FORBIDDEN);
}
