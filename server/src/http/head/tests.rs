use proptest::prelude::*;
use tunnel::webtunnel::{AGENT_PROTOCOL, CLIENT_PROTOCOL};

use super::*;

fn judged(head: &str) -> Result<Body, u16> {
    let status = |refusal: Refusal| refusal.status().as_u16();
    match find_end(head.as_bytes(), 0).map_err(status)? {
        Some(end) if end == head.len() => judge(head.as_bytes()).map_err(status),
        other => panic!("{head:?} ends at {other:?}"),
    }
}

fn get(fields: &str) -> Result<Body, u16> {
    judged(&format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n"))
}

#[test]
fn s15_framing_is_told_in_one_way_only() {
    assert_eq!(get(""), Ok(Body::Fixed(0)));
    assert_eq!(get("Content-Length: 12\r\n"), Ok(Body::Fixed(12)));
    assert_eq!(get("transfer-encoding:\tCHUNKED \r\n"), Ok(Body::Chunked));
    for fields in [
        "Content-Length: 4\r\nContent-Length: 4\r\n",
        "Content-Length: 4, 4\r\n",
        "Content-Length: +4\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: 0x4\r\n",
        "Content-Length:\r\n",
        "Content-Length: 9999999999999999999\r\n",
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding:\r\n",
        "Content-Length : 4\r\n",
        " Content-Length: 4\r\n",
        "X: a\r\n folded\r\n",
        "X: a\x01b\r\n",
        ": no name\r\n",
        "no colon\r\n",
        "X\x7f: a\r\n",
    ] {
        assert_eq!(get(fields), Err(400), "{fields:?}");
    }
    let old = "POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    assert_eq!(judged(old), Err(400));
}

#[test]
fn s16_host_and_target_agree() {
    for (head, expected) in [
        ("GET / HTTP/1.1\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(400)),
        (
            "GET http://a/x HTTP/1.1\r\nHost: A\r\n\r\n",
            Ok(Body::Fixed(0)),
        ),
        (
            "GET HTTPS://a?x HTTP/1.1\r\nHost: a\r\n\r\n",
            Ok(Body::Fixed(0)),
        ),
        ("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
        ("GET http://a:80/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
        ("GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(421)),
        ("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET a HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET * HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Body::Fixed(0))),
        ("GET /#x HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET /\u{e4} HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET / HTTP/1.1 \r\nHost: a\r\n\r\n", Err(400)),
        ("GET /\r\nHost: a\r\n\r\n", Err(400)),
        ("GET / http/1.1\r\nHost: a\r\n\r\n", Err(400)),
        ("GET / HTTP/1.2\r\nHost: a\r\n\r\n", Err(505)),
        ("PRI * HTTP/2.0\r\n\r\n", Err(505)),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", Err(405)),
        ("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", Err(405)),
        ("G\u{e4}T / HTTP/1.1\r\nHost: a\r\n\r\n", Err(400)),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: gold\r\n\r\n",
            Err(417),
        ),
        (
            "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\n\r\n",
            Ok(Body::Fixed(0)),
        ),
    ] {
        assert_eq!(judged(head), expected, "{head:?}");
    }
}

#[test]
fn s16_limits() {
    let of_length = |length: usize| {
        judged(&format!(
            "GET /{} HTTP/1.1\r\nHost: a\r\n\r\n",
            "x".repeat(length - 1)
        ))
    };
    assert_eq!(of_length(8192), Ok(Body::Fixed(0)));
    assert_eq!(of_length(8193), Err(414));
    assert_eq!(get(&"X: y\r\n".repeat(99)), Ok(Body::Fixed(0)));
    assert_eq!(get(&"X: y\r\n".repeat(100)), Err(431));
    assert_eq!(get(&"X: y\r\n".repeat(600)), Err(431));
    let upgrade = |protocol: &str, fields: usize| {
        judged(&format!(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {protocol}\r\n{}\r\n",
            "X: y\r\n".repeat(fields - 6)
        ))
    };
    assert_eq!(upgrade(AGENT_PROTOCOL, 512), Ok(Body::Upgrade));
    assert_eq!(upgrade(AGENT_PROTOCOL, 513), Err(431));
    assert_eq!(upgrade(CLIENT_PROTOCOL, 100), Ok(Body::Upgrade));
    assert_eq!(upgrade(CLIENT_PROTOCOL, 101), Err(431));
    let filler = |length: usize| format!("X: {}\r\n", "y".repeat(length));
    let frame = "GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n".len();
    assert_eq!(get(&filler(MAX_HEAD_BYTES - frame)), Ok(Body::Fixed(0)));
    assert_eq!(get(&filler(MAX_HEAD_BYTES - frame + 1)), Err(431));
}

#[test]
fn s16_line_ends_are_whole() {
    for (text, reason) in [
        ("GET / HTTP/1.1\nHost: a\n\n", "bare LF"),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", "bare LF"),
        ("\n", "bare LF"),
        ("GET / HTTP/1.1\rHost: a\r\n\r\n", "bare CR"),
        ("GET / HTTP/1.1\r\nX: a\rb\r\n\r\n", "bare CR"),
        ("GET / HTTP/1.1\r\nX: \0\r\n\r\n", "NUL"),
    ] {
        assert_eq!(
            find_end(text.as_bytes(), 0),
            Err(Refusal::Malformed(reason)),
            "{text:?}"
        );
    }
}

#[test]
fn s17_the_only_upgrade_is_a_whole_websocket_one() {
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let whole = format!(
        "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n{key}Sec-WebSocket-Version: 13\r\n"
    );
    assert_eq!(get(&whole), Ok(Body::Upgrade));
    for (from, to) in [
        ("WebSocket\r", "h2c\r"),
        ("WebSocket\r", "h2c, websocket\r"),
        ("keep-alive, Upgrade", "keep-alive"),
        (key, ""),
        ("dGhlIHNhbXBsZSBub25jZQ==", "c2hvcnQ="),
        (": 13", ": 8"),
        ("Upgrade: W", "Content-Length: 1\r\nUpgrade: W"),
        ("Upgrade: W", "Transfer-Encoding: chunked\r\nUpgrade: W"),
        ("Upgrade: W", "Upgrade: websocket\r\nUpgrade: W"),
        (
            "Upgrade: W",
            "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nUpgrade: W",
        ),
    ] {
        assert_eq!(get(&whole.replace(from, to)), Err(400), "{to:?}");
    }
    assert_eq!(get("HTTP2-Settings: x\r\n"), Err(400));
    let post = format!("POST / HTTP/1.1\r\nHost: a\r\n{whole}\r\n");
    assert_eq!(judged(&post), Err(400));
}

#[test]
fn s17_a_connect_is_one_of_webtunnels_tools_or_refused() {
    let connect = |target: &str, host: &str, more: &str| {
        judged(&format!(
            "CONNECT {target} HTTP/1.1\r\nHost: {host}\r\n{more}Connection: Keep-Alive\r\n\r\n"
        ))
    };
    let credential = "Proxy-Authorization: Bearer x\r\n";
    assert_eq!(connect("a.b:22", "a.b:22", credential), Ok(Body::Upgrade));
    for (target, host, more) in [
        ("a.b:22", "a.b:22", ""),
        ("a.b:22", "a.b:23", credential),
        ("a.b", "a.b", credential),
        ("a.b:", "a.b:", credential),
        ("a.b:022222", "a.b:022222", credential),
        ("u@a.b:22", "u@a.b:22", credential),
        ("[::1]:22", "[::1]:22", credential),
        ("http://a.b:22/", "a.b:22", credential),
        ("/", "a.b:22", credential),
        (
            "a.b:22",
            "a.b:22",
            "Proxy-Authorization: x\r\nContent-Length: 0\r\n",
        ),
        (
            "a.b:22",
            "a.b:22",
            "Proxy-Authorization: x\r\nTransfer-Encoding: chunked\r\n",
        ),
        (
            "a.b:22",
            "a.b:22",
            "Proxy-Authorization: x\r\nUpgrade: websocket\r\n",
        ),
    ] {
        assert_eq!(
            connect(target, host, more),
            Err(405),
            "{target} {host} {more:?}"
        );
    }
}

#[test]
fn s17_a_post_becomes_a_websocket_for_webtunnel_alone() {
    let post = |target: &str, more: &str| {
        judged(&format!(
            "POST {target} HTTP/1.1\r\n{more}Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Host: a\r\n\r\n"
        ))
    };
    let protocol = |name: &str| format!("Sec-WebSocket-Protocol: {name}\r\n");
    let agent = protocol(AGENT_PROTOCOL);
    assert_eq!(post("/", &agent), Ok(Body::Upgrade));
    assert_eq!(post("http://a/x", &agent), Ok(Body::Upgrade));
    assert_eq!(post("http://b/x", &agent), Err(421));
    assert_eq!(post("/", &protocol(CLIENT_PROTOCOL)), Ok(Body::Upgrade));
    for more in [
        String::new(),
        protocol("adit.tunnel.v1"),
        protocol("COM.APPINF.WEBTUNNEL.SERVER/1.0"),
        protocol(&format!("{AGENT_PROTOCOL}, {CLIENT_PROTOCOL}")),
        format!("{agent}{agent}"),
        format!("{agent}Content-Length: 0\r\n"),
        format!("{agent}Content-Length: 1\r\n"),
        format!("{agent}Transfer-Encoding: chunked\r\n"),
    ] {
        assert_eq!(post("/", &more), Err(400), "{more:?}");
    }
    let put = format!("PUT / HTTP/1.1\r\nHost: a\r\n{agent}Upgrade: websocket\r\n\r\n");
    assert_eq!(judged(&put), Err(400));
}

proptest! {
    #[test]
    fn s15_no_bytes_panic_and_pieces_end_where_the_whole_does(
        bytes in proptest::collection::vec(prop_oneof![Just(b'\r'), Just(b'\n'), any::<u8>()], 0..200),
        cut in 0_usize..200,
    ) {
        let whole = find_end(&bytes, 0);
        let cut = cut.min(bytes.len());
        let pieces = match find_end(&bytes[..cut], 0) {
            Ok(None) => find_end(&bytes, cut),
            done => done,
        };
        prop_assert_eq!(whole, pieces);
        let _ = judge(&bytes);
    }

    /// Whatever passes here, hyper's parser takes as well, whole and with the same fields.
    #[test]
    fn s15_what_passes_is_one_whole_head_to_hyper_too(
        name in "[A-Za-z0-9_.:^ -]{0,12}",
        value in "[ -~\t]{0,40}",
        target in "/[ -~]{0,30}",
    ) {
        let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n{name}:{value}\r\n\r\n");
        if judge(head.as_bytes()).is_ok() {
            let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
            let mut request = httparse::Request::new(&mut fields);
            let parsed = request.parse(head.as_bytes());
            prop_assert_eq!(parsed, Ok(httparse::Status::Complete(head.len())));
            prop_assert_eq!(request.path, Some(target.as_str()));
            prop_assert_eq!(request.headers.len(), 2);
        }
    }
}
