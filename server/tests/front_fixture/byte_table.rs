//! The byte table: requests that two parsers may take differently (SECURITY S15, S16).

use super::{DEVICE, HOST};

/// A name, the bytes, and the status that the server itself answers.
pub(crate) type Case = (&'static str, String, u16);

pub(crate) fn post(fields: &str, body: &str) -> String {
    format!("POST /body HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n{body}")
}

/// It can be told in two ways where the body ends.
pub(crate) fn ambiguous_framing() -> Vec<Case> {
    vec![
        (
            "CL and TE",
            post(
                "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
                "0\r\n\r\n",
            ),
            400,
        ),
        (
            "two CL",
            post("Content-Length: 4\r\nContent-Length: 5\r\n", "abcde"),
            400,
        ),
        ("CL +4", post("Content-Length: +4\r\n", "abcd"), 400),
        ("CL -1", post("Content-Length: -1\r\n", ""), 400),
        (
            "TE list",
            post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "TE xchunked",
            post("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
            400,
        ),
        (
            "two TE",
            post(
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                "",
            ),
            400,
        ),
        (
            "TE in 1.0",
            format!(
                "POST / HTTP/1.0\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
            400,
        ),
        (
            "blank before colon",
            post("Content-Length : 4\r\n", "abcd"),
            400,
        ),
        ("fold", post("X: a\r\n b\r\n", ""), 400),
        ("bare CR", post("X: a\rb\r\n", ""), 400),
        ("NUL", post("X: a\0b\r\n", ""), 400),
    ]
}

/// What hyper alone would let pass.
pub(crate) fn loose_grammar() -> Vec<Case> {
    let get = |fields: &str| format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n{fields}\r\n");
    vec![
        ("bare LF", format!("GET / HTTP/1.1\nHost: {HOST}\n\n"), 400),
        ("no Host", "GET / HTTP/1.1\r\n\r\n".into(), 400),
        (
            "two Hosts",
            format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nHost: {HOST}\r\n\r\n"),
            400,
        ),
        (
            "other authority",
            format!("GET http://x/ HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
            421,
        ),
        ("101 fields", get(&"X: y\r\n".repeat(100)), 431),
        (
            "500 KB",
            get(&format!("X: {}\r\n", "y".repeat(500_000))),
            431,
        ),
        (
            "long target",
            format!("GET /{} HTTP/1.1\r\nHost: {HOST}\r\n\r\n", "x".repeat(8192)),
            414,
        ),
        (
            "TRACE",
            format!("TRACE / HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
            405,
        ),
        (
            "TRACE at a device",
            format!("TRACE / HTTP/1.1\r\nHost: {DEVICE}\r\n\r\n"),
            405,
        ),
        (
            "CONNECT",
            "CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n".into(),
            405,
        ),
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(), 505),
        (
            "Host with an unreal port",
            "GET / HTTP/1.1\r\nHost: dev1.d.test:99999\r\n\r\n".into(),
            400,
        ),
        (
            "punycode",
            "GET / HTTP/1.1\r\nHost: xn--nxasmq6b.d.test\r\n\r\n".into(),
            400,
        ),
        (
            "long Host",
            format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a".repeat(300)),
            400,
        ),
        (
            "%00 in Host",
            "GET / HTTP/1.1\r\nHost: %00.d.test\r\n\r\n".into(),
            400,
        ),
        (
            "IPv6 Host",
            "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n".into(),
            400,
        ),
        (
            "one label",
            "GET / HTTP/1.1\r\nHost: dev1\r\n\r\n".into(),
            421,
        ),
        (
            "another port",
            format!("GET / HTTP/1.1\r\nHost: {HOST}:444\r\n\r\n"),
            421,
        ),
    ]
}

/// Chunked bodies whose end depends on who reads them.
pub(crate) const MALFORMED_CHUNKS: [&str; 3] = [
    "4\nabcd\r\n0\r\n\r\n",
    "4;a\nb\r\nabcd\r\n0\r\n\r\n",
    "12345678901234567\r\nabc",
];
