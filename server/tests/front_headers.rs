//! What every answer of the manager carries, and what no answer does.

mod front_fixture;

use front_fixture::{Fixture, HOST};
use server::Server;
use server::clock::Clock;
use server::config::Config;
use tokio::net::TcpListener;

const ALWAYS: [&str; 6] = [
    "content-security-policy: default-src 'none'; script-src 'self' 'wasm-unsafe-eval'",
    "frame-ancestors 'none'",
    "x-content-type-options: nosniff",
    "referrer-policy: no-referrer",
    "cross-origin-opener-policy: same-origin",
    "cross-origin-resource-policy: same-origin",
];

#[tokio::test]
async fn s11_every_kind_of_answer_is_secured() {
    let fixture = Fixture::new().await;
    let post = |path: &str, fields: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\nContent-Length: {}\r\n{fields}\r\n{body}",
            body.len()
        )
    };
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let json = "Content-Type: application/json\r\n";
    for (request, status, code) in [
        (get("/"), 200, None),
        (get("/not-modified"), 304, None),
        (get("/nowhere"), 404, None),
        (get("/api/v1/nowhere"), 404, Some("not_found")),
        (get("/api/v1/json"), 405, Some("method_not_allowed")),
        (get("/api/v1/panic"), 500, Some("internal")),
        (post("/api/v1/json", json, "{}"), 200, None),
        (post("/api/v1/json", json, "{"), 400, Some("bad_request")),
        (
            post("/api/v1/json", "Content-Type: text/plain\r\n", "{}"),
            415,
            Some("unsupported_media_type"),
        ),
        (
            post("/api/v1/json", json, &format!("\"{}\"", "x".repeat(70_000))),
            413,
            Some("too_large"),
        ),
        (
            post(
                "/api/v1/json",
                "Origin: https://dev1.d.test\r\nContent-Type: application/json\r\n",
                "{}",
            ),
            403,
            Some("cross_origin"),
        ),
        (
            "GET / HTTP/1.1\r\n\r\n".to_owned(),
            400,
            Some("bad_request"),
        ),
    ] {
        let answer = fixture.exchange(&request).await;
        assert_eq!(front_fixture::status(&answer), status, "{answer}");
        for header in ALWAYS {
            assert!(answer.contains(header), "{header}: {answer}");
        }
        assert!(
            answer.contains("strict-transport-security: max-age=31536000"),
            "{answer}"
        );
        if request.contains("/api/") {
            assert!(answer.contains("cache-control: no-store"), "{answer}");
        }
        if let Some(code) = code {
            assert!(
                answer.contains("content-type: application/problem+json"),
                "{answer}"
            );
            let body = answer.split("\r\n\r\n").nth(1).unwrap();
            let problem: api::Problem = serde_json::from_str(body).unwrap();
            assert_eq!(problem.status, status);
            assert_eq!(serde_json::to_value(problem.code).unwrap(), code);
            assert_eq!(problem.request_id.unwrap().len(), 16);
        }
    }
}

#[tokio::test]
async fn s09_no_origin_is_let_in() {
    let fixture = Fixture::new().await;
    for origin in [
        "null",
        "https://adit.test.evil.example",
        "https://eviladit.test",
        "https://dev1.d.test",
        "https://adit.test",
    ] {
        for method in ["GET", "OPTIONS"] {
            let answer = fixture
                .exchange(format!(
                    "{method} /api/v1/json HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {origin}\r\n\
                     Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"
                ))
                .await;
            assert!(
                !answer.to_lowercase().contains("access-control-"),
                "{origin}: {answer}"
            );
        }
    }
}

/// The server as it is shipped: its own routes, its app, its stop.
#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a test has no lifecycle to own its server"
)]
async fn the_whole_server_answers_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::new("http://adit.localhost:8080", "adit.localhost").unwrap();
    config.data_dir = folder.path().to_owned();
    config.database.path = folder.path().join("adit.db");
    let server = Server::build(config, Clock::system()).await.unwrap();
    let handle = server.handle();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = tokio::spawn(server.serve(listener));
    let get = async |path: &str, fields: &str| {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: adit.localhost:8080\r\nConnection: close\r\n{fields}\r\n"
        );
        tokio::io::AsyncWriteExt::write_all(&mut socket, request.as_bytes())
            .await
            .unwrap();
        front_fixture::read_to_close(&mut socket).await
    };
    for (path, fields, status, part) in [
        ("/healthz", "", 200, "{\"status\":\"ok\"}"),
        ("/readyz", "", 200, "{\"status\":\"ok\"}"),
        ("/api/v1/openapi.json", "", 200, "\"openapi\":\"3.1."),
        ("/", "", 200, "<!doctype html"),
        ("/devices/1", "Accept: text/html\r\n", 200, "<!doctype html"),
        (
            "/devices/1",
            "Sec-Fetch-Mode: cors\r\nAccept: text/html\r\n",
            404,
            "not_found",
        ),
        (
            "/api/v1/nowhere",
            "Accept: text/html\r\n",
            404,
            "\"code\":\"not_found\"",
        ),
        ("/pkg/nothing.js", "Accept: text/html\r\n", 404, "not_found"),
        ("/%2e%2e/%2e%2e/Cargo.toml", "", 404, "not_found"),
        ("/../../Cargo.toml", "", 404, "not_found"),
    ] {
        let answer = get(path, fields).await;
        assert_eq!(front_fixture::status(&answer), status, "{path}: {answer}");
        assert!(
            answer.to_lowercase().contains(&part.to_lowercase()),
            "{path}: {answer}"
        );
        assert!(
            answer.contains("frame-ancestors 'none'"),
            "{path}: {answer}"
        );
        // Plain HTTP on loopback must not pin anybody to HTTPS.
        assert!(
            !answer.contains("strict-transport-security"),
            "{path}: {answer}"
        );
    }
    let page = get("/", "").await;
    assert!(page.contains("cache-control: no-cache"), "{page}");
    let tag = page
        .lines()
        .find_map(|line| line.strip_prefix("etag: "))
        .unwrap()
        .trim();
    let again = get("/", &format!("If-None-Match: \"x\", {tag}\r\n")).await;
    assert_eq!(front_fixture::status(&again), 304);
    assert!(again.contains("frame-ancestors 'none'"), "{again}");

    handle.shutdown();
    let outcome = tokio::time::timeout(front_fixture::LIMIT, serving)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(outcome, server::lifecycle::Outcome::Stopped { clean: true });
}
