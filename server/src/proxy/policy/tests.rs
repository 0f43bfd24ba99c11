//! What may cross and what may not, for any headers.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use proptest::prelude::*;

use super::*;

fn crossing(page_origin: &str) -> Crossing {
    Crossing {
        page_origin: page_origin.to_owned(),
        authority: "192.168.1.7:8081".to_owned(),
        tls: false,
        peer: "203.0.113.9".parse().unwrap(),
    }
}

fn https() -> Crossing {
    crossing("https://pump.devices.example")
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    headers
}

fn at_device(fields: &[(&str, &str)]) -> HeaderMap {
    to_device(&headers(fields), &https(), Way::Exchange)
}

fn at_browser(fields: &[(&str, &str)]) -> HeaderMap {
    let mut response = Response::new(());
    *response.headers_mut() = headers(fields);
    to_browser(&response.into_parts().0, &https(), &Method::GET).unwrap()
}

fn values<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    headers
        .get_all(name)
        .iter()
        .map(|value| value.to_str().unwrap())
        .collect()
}

#[test]
fn s04_cookies_of_ours_stay_with_us() {
    for (sent, expected) in [
        ("__Host-adit_device=x", None),
        ("__Host-adit_device=x; a=b", Some("a=b")),
        ("a=b; __Host-adit_session=x;c=d", Some("a=b; c=d")),
        ("__host-ADIT_state=x", None),
        ("__Secure-adit_x=x", None),
        ("=__Host-adit_device=x", None),
        ("= =__Host-adit_device=x", None),
        ("__Host-adit_device", None),
        (" ;; a=b ; ", Some("a=b")),
        ("__Host-theirs=x", Some("__Host-theirs=x")),
        ("x__Host-adit_device=y", Some("x__Host-adit_device=y")),
        ("a=__Host-adit_device", Some("a=__Host-adit_device")),
    ] {
        let out = at_device(&[("cookie", sent)]);
        assert_eq!(
            values(&out, "cookie"),
            expected.into_iter().collect::<Vec<_>>(),
            "{sent}"
        );
    }
}

#[test]
fn s04_a_token_of_ours_is_no_devices() {
    for (sent, crosses) in [
        ("Bearer adit_token_abc", false),
        ("bearer  adit_token_abc", false),
        ("Token adit_key_abc", false),
        ("adit_token_abc", false),
        ("Bearer theirs", true),
        ("Basic YWRtaW46YWRtaW4=", true),
        ("Digest username=\"adit_\"", true),
    ] {
        let out = at_device(&[("authorization", sent)]);
        assert_eq!(out.contains_key(header::AUTHORIZATION), crosses, "{sent}");
    }
}

#[test]
fn s19_only_our_word_says_who_asks() {
    let out = at_device(&[
        ("host", "pump.devices.example"),
        ("x-forwarded-for", "1.1.1.1"),
        ("x-forwarded-for", "2.2.2.2"),
        ("x_forwarded_for", "1.1.1.1"),
        ("x.forwarded.for", "1.1.1.1"),
        ("x_forwarded.host", "evil"),
        ("x-forwarded-user", "admin"),
        ("forwarded", "for=1.1.1.1"),
        ("x-real-ip", "1.1.1.1"),
        ("x_real_ip", "1.1.1.1"),
        ("true-client-ip", "1.1.1.1"),
        ("x-original-url", "/admin"),
        ("x-rewrite-url", "/admin"),
        ("via", "1.1 x"),
        ("proxy-authorization", "Basic x"),
        ("accept", "*/*"),
    ]);
    let expected = headers(&[
        ("accept", "*/*"),
        ("host", "192.168.1.7:8081"),
        ("x-forwarded-for", "203.0.113.9"),
        ("x-forwarded-host", "pump.devices.example"),
        ("x-forwarded-proto", "https"),
        ("connection", "close"),
    ]);
    assert_eq!(out, expected);
}

#[test]
fn devices_see_their_own_origin() {
    for (name, sent, expected) in [
        (
            "origin",
            "https://pump.devices.example",
            "http://192.168.1.7:8081",
        ),
        (
            "origin",
            "https://pump.devices.example.evil",
            "https://pump.devices.example.evil",
        ),
        (
            "origin",
            "https://press.devices.example",
            "https://press.devices.example",
        ),
        ("origin", "null", "null"),
        (
            "referer",
            "https://pump.devices.example/a?b",
            "http://192.168.1.7:8081/a?b",
        ),
        (
            "referer",
            "https://pump.devices.example:1/a",
            "https://pump.devices.example:1/a",
        ),
    ] {
        assert_eq!(values(&at_device(&[(name, sent)]), name), [expected]);
    }
}

#[test]
fn s17_an_upgrade_is_a_websocket_or_none() {
    let fields = [
        ("connection", "Upgrade, HTTP2-Settings, x-a"),
        ("upgrade", "h2c, websocket"),
        ("http2-settings", "x"),
        ("x-a", "b"),
        ("sec-websocket-key", "k"),
    ];
    let out = to_device(&headers(&fields), &https(), Way::WebSocket);
    assert_eq!(values(&out, "upgrade"), ["websocket"]);
    assert_eq!(values(&out, "connection"), ["Upgrade"]);
    assert!(!out.contains_key("http2-settings") && !out.contains_key("x-a"));
    assert!(!at_device(&fields).contains_key("upgrade"));
}

#[test]
fn s13_nothing_binds_more_than_the_devices_own_origin() {
    let out = at_browser(&[
        ("strict-transport-security", "max-age=0; includeSubDomains"),
        ("alt-svc", "h3=\":443\""),
        ("clear-site-data", "\"*\""),
        ("nel", "{}"),
        ("report-to", "{}"),
        ("reporting-endpoints", "a=\"https://evil.example\""),
        ("public-key-pins", "x"),
        ("public-key-pins-report-only", "x"),
        ("service-worker-allowed", "/"),
        ("x-accel-redirect", "/etc/passwd"),
        ("connection", "close, x-a"),
        ("x-a", "b"),
        ("keep-alive", "x"),
        ("content-type", "text/plain"),
    ]);
    let expected = headers(&[
        ("content-type", "text/plain"),
        ("strict-transport-security", "max-age=31536000"),
    ]);
    assert_eq!(out, expected);
}

#[test]
fn our_hsts_is_for_https_alone() {
    let (answer, ()) = Response::new(()).into_parts();
    let out = to_browser(
        &answer,
        &crossing("http://pump.adit.localhost:8080"),
        &Method::GET,
    );
    assert!(out.unwrap().is_empty());
}

#[test]
fn s02_cookies_stay_at_their_host() {
    for (sent, expected) in [
        ("a=b", Some("a=b")),
        ("a=b; Domain=devices.example; Path=/x", Some("a=b; Path=/x")),
        ("a=b;domain = .devices.example ;secure", Some("a=b; secure")),
        ("a=b; DOMAIN", Some("a=b")),
        ("a=b; Domain=x; Domain=y; HttpOnly", Some("a=b; HttpOnly")),
        ("__Host-adit_device=x; Secure; Path=/", None),
        ("__hOST-adit_state=x", None),
        ("=__Host-adit_device=x", None),
        ("__Host-adit_device", None),
        ("__Secure-adit_x=y", None),
        ("", None),
        (";Domain=x", None),
        (
            "__Host-theirs=x; Secure; Path=/",
            Some("__Host-theirs=x; Secure; Path=/"),
        ),
    ] {
        let out = at_browser(&[("set-cookie", sent)]);
        assert_eq!(
            values(&out, "set-cookie"),
            expected.into_iter().collect::<Vec<_>>(),
            "{sent}"
        );
    }
}

#[test]
fn s02_cookies_are_counted_and_measured() {
    let large = format!("a={}", "b".repeat(4096));
    assert_eq!(
        values(&at_browser(&[("set-cookie", &large)]), "set-cookie").len(),
        0
    );
    let many: Vec<_> = (0..80).map(|number| format!("c{number}=x")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|cookie| ("set-cookie", cookie.as_str()))
        .collect();
    assert_eq!(values(&at_browser(&many), "set-cookie").len(), 50);
}

#[test]
fn locations_of_the_device_become_its_pages() {
    const PAGE: &str = "https://pump.devices.example";
    for (sent, expected) in [
        (
            "http://192.168.1.7:8081/a?b#c",
            "https://pump.devices.example/a?b#c",
        ),
        ("HTTP://192.168.1.7:8081", "https://pump.devices.example/"),
        (
            "http://192.168.1.7:8081?x",
            "https://pump.devices.example/?x",
        ),
        ("//192.168.1.7:8081/a", "https://pump.devices.example/a"),
        (
            "http://pump.devices.example/a",
            "https://pump.devices.example/a",
        ),
        ("http://192.168.1.7/a", "http://192.168.1.7/a"),
        ("http://192.168.1.7:80811/a", "http://192.168.1.7:80811/a"),
        (
            "http://192.168.1.7:8081@evil.example/",
            "http://192.168.1.7:8081@evil.example/",
        ),
        (
            "http://192.168.1.7:8081.evil.example/",
            "http://192.168.1.7:8081.evil.example/",
        ),
        ("https://other.example/", "https://other.example/"),
        ("/a", "/a"),
        ("a/b", "a/b"),
        ("//other.example/a", "//other.example/a"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ] {
        for name in ["location", "content-location"] {
            assert_eq!(values(&at_browser(&[(name, sent)]), name), [expected]);
        }
        let refresh = values(
            &at_browser(&[("refresh", &format!("0; URL={sent}"))]),
            "refresh",
        )[0]
        .to_owned();
        assert_eq!(
            refresh.ends_with(expected),
            expected.starts_with(PAGE) || sent == expected
        );
    }
}

#[test]
fn any_loopback_name_is_the_devices_own() {
    let crossing = Crossing {
        authority: "127.0.0.1:81".to_owned(),
        ..https()
    };
    for url in [
        "http://localhost:81/x",
        "http://[::1]:81/x",
        "http://127.0.0.1:81/x",
    ] {
        let value = location::at_page(&HeaderValue::from_str(url).unwrap(), &crossing);
        assert_eq!(value, "https://pump.devices.example/x", "{url}");
    }
}

#[test]
fn s22_answers_that_can_be_read_in_two_ways_are_refused() {
    for (status, fields, is_fit) in [
        (200, vec![("content-length", "5")], true),
        (200, vec![("transfer-encoding", "chunked")], true),
        (200, vec![("transfer-encoding", "Chunked")], true),
        (
            200,
            vec![("content-length", "5"), ("content-length", "5")],
            false,
        ),
        (
            200,
            vec![("content-length", "5"), ("transfer-encoding", "chunked")],
            false,
        ),
        (200, vec![("content-length", "+5")], false),
        (200, vec![("content-length", "5, 5")], false),
        (200, vec![("content-length", "")], false),
        (200, vec![("transfer-encoding", "gzip, chunked")], false),
        (200, vec![("transfer-encoding", "identity")], false),
        (
            200,
            vec![
                ("transfer-encoding", "chunked"),
                ("transfer-encoding", "chunked"),
            ],
            false,
        ),
        (599, vec![], true),
        (600, vec![], false),
        (999, vec![], false),
        (103, vec![], false),
    ] {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        *response.headers_mut() = headers(&fields);
        let verdict = to_browser(&response.into_parts().0, &https(), &Method::GET);
        assert_eq!(verdict.is_ok(), is_fit, "{status} {fields:?}");
    }
}

#[test]
fn head_tells_the_length_of_what_it_does_not_send() {
    let mut response = Response::new(());
    *response.headers_mut() = headers(&[("content-length", "123")]);
    let (answer, ()) = response.into_parts();
    assert_eq!(
        to_browser(&answer, &https(), &Method::HEAD).unwrap()["content-length"],
        "123"
    );
    assert!(
        to_browser(&answer, &https(), &Method::GET)
            .unwrap()
            .get("content-length")
            .is_none()
    );
}

/// Names near to those that matter, and any others.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "connection",
            "cookie",
            "host",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "keep-alive",
            "content-length",
            "proxy-authorization",
            "forwarded",
            "x-forwarded-for",
            "x_forwarded_for",
            "x.forwarded.proto",
            "x-forwarded-host",
            "x-real-ip",
            "expect",
            "authorization",
            "origin",
            "set-cookie",
            "location",
            "alt-svc",
            "x-a",
            "x-b",
        ])
        .prop_map(str::to_owned),
        "[a-z][a-z0-9._-]{0,12}",
    ]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,40}",
        Just("close, cookie, x-forwarded-for, host, x-a".to_owned()),
        Just("__Host-adit_device=secret; a=b".to_owned()),
    ]
}

fn is_of_ours(pair: &str) -> bool {
    let pair = pair.trim_matches([' ', '\t', '=']).to_ascii_lowercase();
    pair.starts_with("__host-adit_") || pair.starts_with("__secure-adit_")
}

proptest! {
    #[test]
    fn s18_nothing_hop_by_hop_crosses_and_our_word_stands_once(
        fields in prop::collection::vec((name(), value()), 0..16),
    ) {
        let given: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let out = at_device(&given);
        for name in ["te", "trailer", "transfer-encoding", "upgrade", "keep-alive",
                     "content-length", "expect", "proxy-authorization", "forwarded", "x-real-ip"] {
            prop_assert!(!out.contains_key(name), "{name}");
        }
        prop_assert_eq!(values(&out, "connection"), ["close"]);
        prop_assert_eq!(values(&out, "host"), ["192.168.1.7:8081"]);
        prop_assert_eq!(values(&out, "x-forwarded-for"), ["203.0.113.9"]);
        prop_assert_eq!(values(&out, "x-forwarded-host"), ["pump.devices.example"]);
        prop_assert_eq!(values(&out, "x-forwarded-proto"), ["https"]);
        let forwarded = out.keys().filter(|name| name.as_str().contains("forwarded")).count();
        prop_assert_eq!(forwarded, 3);
        for line in out.get_all("cookie") {
            for pair in line.to_str().unwrap().split(';') {
                prop_assert!(!is_of_ours(pair), "{pair}");
            }
        }
    }

    #[test]
    fn s18_what_connection_names_does_not_cross(named in "[a-z]{1,8}", rest in "[ -~]{0,20}") {
        prop_assume!(named != "host");
        let connection = format!("close, {named} ,{rest}");
        let out = at_device(&[("connection", &connection), (&named, "x")]);
        prop_assert!(!out.contains_key(&*named) || named == "connection");
    }

    #[test]
    fn s02_no_cookie_has_a_domain_or_a_name_of_ours(line in prop_oneof![
        "[ -~]{0,80}",
        "(__Host-adit_device|=__Host-adit_state|a|)=?[a-z]{0,3}( ?; ?(domain|Domain|DOMAIN|path|secure) ?=? ?[a-z./]{0,8}){0,4}",
    ]) {
        let out = at_browser(&[("set-cookie", &line)]);
        for line in values(&out, "set-cookie") {
            let mut parts = line.split(';');
            prop_assert!(!is_of_ours(parts.next().unwrap()), "{line}");
            for attribute in parts {
                let name = attribute.split('=').next().unwrap().trim();
                prop_assert!(!name.eq_ignore_ascii_case("domain"), "{line}");
            }
        }
    }

    #[test]
    fn s13_no_field_that_binds_crosses(fields in prop::collection::vec((name(), value()), 0..16)) {
        let mut response = Response::new(());
        *response.headers_mut() =
            headers(&fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>());
        if let Ok(out) = to_browser(&response.into_parts().0, &https(), &Method::GET) {
            for name in ["alt-svc", "connection", "transfer-encoding", "content-length", "upgrade"] {
                prop_assert!(!out.contains_key(name), "{name}");
            }
            prop_assert_eq!(values(&out, "strict-transport-security"), ["max-age=31536000"]);
        }
    }
}
