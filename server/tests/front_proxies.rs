//! The byte table once more, with a reverse proxy in front (SECURITY S15): whatever the proxy makes
//! of the bytes, the server takes each request that the proxy sent for one request, and its body
//! for a body.
//!
//! The proxies put a field of their own into each request they send, with a new value each time,
//! and keep their connections to the server. A request without that field, or with somebody
//! else's, is one that the proxy never sent: smuggled.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod front_fixture;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use front_fixture::byte_table::{MALFORMED_CHUNKS, ambiguous_framing, loose_grammar, post};
use front_fixture::programs::{Running, program};
use front_fixture::{Fixture, HOST, LIMIT, WEBSOCKET, status, statuses};
use futures_util::StreamExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// What the proxy calls its own.
const HOP: &str = "x-hop";
/// A second request that is hidden in the first.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: adit.test\r\n\r\n";

/// A proxy, listening in a folder of its own.
struct Proxy {
    socket: PathBuf,
    _running: Running,
    _folder: tempfile::TempDir,
}

impl Proxy {
    /// Starts it with the configuration that is made of its folder, and waits until it listens.
    async fn start(
        configuration: impl FnOnce(&Path) -> String,
        command: impl FnOnce(&Path) -> Command,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("proxy.conf");
        fs::write(&file, configuration(folder.path())).unwrap();
        let mut running = Running::start(&mut command(&file));
        let socket = folder.path().join("proxy.sock");
        let listens = async {
            while UnixStream::connect(&socket).await.is_err() {
                running.assert_runs();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, listens).await.unwrap();
        Self {
            socket,
            _running: running,
            _folder: folder,
        }
    }

    async fn nginx(server: &Fixture) -> Self {
        let configuration = |folder: &Path| {
            let (folder, server) = (folder.display(), server.address);
            format!(
                "daemon off; master_process off; pid {folder}/pid; error_log /dev/null;\n\
                 events {{}}\n\
                 http {{\n\
                 access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;\n\
                 fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n\
                 client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s;\n\
                 upstream adit {{ server {server}; keepalive 2; }}\n\
                 map $http_upgrade $connection_field {{ default upgrade; '' ''; }}\n\
                 server {{\n\
                 listen unix:{folder}/proxy.sock;\n\
                 location / {{\n\
                 proxy_pass http://adit; proxy_http_version 1.1; proxy_request_buffering off;\n\
                 proxy_set_header Host $http_host; proxy_set_header X-Hop $request_id;\n\
                 proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_field;\n\
                 }} }} }}\n"
            )
        };
        let command = |file: &Path| {
            let mut command = Command::new(program("nginx"));
            let folder = file.parent().unwrap();
            command.arg("-p").arg(folder).args(["-e", "stderr", "-c"]);
            command.arg(file);
            command
        };
        Self::start(configuration, command).await
    }

    async fn haproxy(server: &Fixture) -> Self {
        let configuration = |folder: &Path| {
            let (folder, server) = (folder.display(), server.address);
            format!(
                "defaults\n mode http\n timeout connect 5s\n timeout server 5s\n timeout client 1s\n \
                 timeout http-request 1s\n timeout http-keep-alive 1s\n http-reuse always\n\
                 frontend front\n bind unix@{folder}/proxy.sock\n \
                 http-request set-header X-Hop %[uuid]\n default_backend adit\n\
                 backend adit\n server adit {server}\n"
            )
        };
        let command = |file: &Path| {
            let mut command = Command::new(program("haproxy"));
            command.args(["-db", "-q", "-f"]).arg(file);
            command
        };
        Self::start(configuration, command).await
    }

    /// Sends `bytes` and reads until the proxy closes or has nothing more to say.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut socket = UnixStream::connect(&self.socket).await.unwrap();
        // It may answer and close before it has everything.
        let _ = socket.write_all(bytes).await;
        let mut answer = Vec::new();
        let mut space = [0; 16 * 1024];
        while let Ok(Ok(read @ 1..)) = tokio::time::timeout(LIMIT, socket.read(&mut space)).await {
            answer.extend_from_slice(&space[..read]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    }
}

/// The byte table, and what else is known to have parted proxies from servers.
fn attacks() -> Vec<(String, String)> {
    let mut attacks: Vec<(String, String)> = ambiguous_framing()
        .into_iter()
        .chain(loose_grammar())
        .map(|(name, bytes, _)| (name.to_owned(), bytes))
        .collect();
    for body in MALFORMED_CHUNKS {
        let bytes = post("Transfer-Encoding: chunked\r\n", body);
        attacks.push((format!("chunk {body:?}"), bytes));
    }
    // Both framings at once, the hidden request behind the end by the one and within the body by
    // the other; the second framing in all the disguises that somebody's parser has let pass.
    let chunked = format!("0\r\n\r\n{HIDDEN}");
    let chunk = format!("{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", HIDDEN.len());
    for disguise in [
        "Transfer-Encoding: chunked\r\n",
        "Transfer-Encoding:chunked\r\n",
        "Transfer-Encoding:\tchunked\r\n",
        "Transfer-Encoding: \x0bchunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "X: y\nTransfer-Encoding: chunked\r\n",
        "X: y\rTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\r\n : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: chunked\0\r\n",
        "Transfer_Encoding: chunked\r\n",
        "TRANSFER-ENCODING: CHUNKED\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: cow\r\n",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nConnection: transfer-encoding\r\n",
    ] {
        for (body, length) in [(&chunked, chunked.len()), (&chunk, 4)] {
            for fields in [
                format!("Content-Length: {length}\r\n{disguise}"),
                format!("{disguise}Content-Length: {length}\r\n"),
            ] {
                attacks.push((format!("{fields:?}"), post(&fields, body)));
            }
        }
    }
    let length = HIDDEN.len();
    for fields in [
        format!("Content-Length: 0\r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\nContent-Length: 0\r\n"),
        format!("Content-Length: 0, {length}\r\n"),
        format!("Content-Length: {length}, {length}\r\n"),
        format!("Content-Length: 0{length}\r\n"),
        format!("Content-Length: 0x{length:x}\r\n"),
        format!("Content-Length: {length} 0\r\n"),
        format!("Content-Length:\x0b{length}\r\n"),
        format!("Content-Length : {length}\r\n"),
        format!("Content_Length: {length}\r\n"),
        format!("X: y\nContent-Length: {length}\r\n"),
        format!("Connection: content-length\r\nContent-Length: {length}\r\n"),
        format!("Expect: 100-continue\r\nContent-Length: {length}\r\n"),
        format!("Expect: 100-continue \r\nContent-Length: {length}\r\n"),
        format!("Content-Length: {length}\r\n{WEBSOCKET}"),
        String::new(),
    ] {
        attacks.push((format!("{fields:?}"), post(&fields, HIDDEN)));
        let get = post(&fields, HIDDEN).replacen("POST", "GET", 1);
        attacks.push((format!("GET {fields:?}"), get));
    }
    for chunks in [
        format!("{:x};x=\n\r\n{HIDDEN}\r\n0\r\n\r\n", length),
        format!("{:x}\n{HIDDEN}\n0\n\n", length),
        format!("0{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", length),
        format!("0x{:x}\r\n{HIDDEN}\r\n0\r\n\r\n", length),
        format!(" {:x}\r\n{HIDDEN}\r\n0\r\n\r\n", length),
        format!("100000000000000{:02x}\r\n{HIDDEN}\r\n0\r\n\r\n", length),
        format!("0\r\nContent-Length: {length}\r\n\r\n{HIDDEN}"),
        format!("0\r\nX: y\n\r\n{HIDDEN}"),
        format!("0\r\n\n{HIDDEN}"),
        format!("1\r\nab\r\n0\r\n\r\n{HIDDEN}"),
    ] {
        let bytes = post("Transfer-Encoding: chunked\r\n", &chunks);
        attacks.push((format!("chunks {chunks:?}"), bytes));
    }
    let upgrade = format!("GET /api/nowhere HTTP/1.1\r\nHost: {HOST}\r\n{WEBSOCKET}\r\n{HIDDEN}");
    attacks.push(("refused upgrade".to_owned(), upgrade));
    attacks
}

async fn nothing_is_smuggled(server: Fixture, proxy: Proxy) {
    // What is well formed gets through, so that silence below means something.
    let body = post(
        &format!("Connection: close\r\nContent-Length: {}\r\n", HIDDEN.len()),
        HIDDEN,
    );
    let answer = proxy.exchange(body.as_bytes()).await;
    assert!(
        status(&answer) == 200 && answer.contains(&format!("{} bytes", HIDDEN.len())),
        "{answer}"
    );

    let behind = format!("GET /behind HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
    let exchanges = attacks().into_iter().map(|(name, bytes)| {
        let (proxy, bytes) = (&proxy, format!("{bytes}{behind}"));
        async move {
            let answer = proxy.exchange(bytes.as_bytes()).await;
            // Another person's request, perhaps on the same connection to the server.
            let other =
                format!("GET /?other HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n");
            let others = proxy.exchange(other.as_bytes()).await;
            assert!(
                statuses(&others) == [200] && others.contains("uri=/?other"),
                "{name}: another's answer: {others}\nafter {answer}"
            );
        }
    });
    futures_util::stream::iter(exchanges)
        .buffer_unordered(8)
        .collect::<()>()
        .await;

    let seen = server.seen();
    let mut hops = HashSet::new();
    for request in &seen {
        let own: Vec<_> = request.headers.get_all(HOP).into_iter().collect();
        assert_eq!(own.len(), 1, "no request of the proxy's: {request:?}");
        assert!(hops.insert(own[0].clone()), "twice: {request:?}");
    }
    let others = seen.iter().filter(|request| request.uri == "/?other");
    let others = others.count();
    assert_eq!(others, attacks().len());
    // Not all are for the proxy to refuse; else this would be a test of the proxy alone.
    assert!(seen.len() > others + others / 4, "{}", seen.len());
}

#[tokio::test]
async fn s15_behind_nginx() {
    let server = Fixture::new().await;
    let proxy = Proxy::nginx(&server).await;
    nothing_is_smuggled(server, proxy).await;
}

#[tokio::test]
async fn s15_behind_haproxy() {
    let server = Fixture::new().await;
    let proxy = Proxy::haproxy(&server).await;
    nothing_is_smuggled(server, proxy).await;
}
