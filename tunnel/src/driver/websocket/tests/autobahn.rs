//! The cases of the Autobahn test suite, run by [kosoku](https://pypi.org/project/kosoku/), which
//! `cargo xtask setup` brings: its client talks to an echo of ours.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::*;

/// The largest message of a case.
const CASE_BYTES: usize = 16 << 20;

/// How one case went, of kosoku's `index.json`.
#[derive(Debug, Deserialize)]
struct Outcome {
    behavior: String,
    #[serde(rename = "behaviorClose")]
    behavior_close: String,
}

/// Strict: neither end of a case is worse than the specification asks for. Compression (12, 13) is
/// never offered nor taken, which those cases tell as "unimplemented".
#[tokio::test]
async fn s37_the_cases_of_autobahn() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let mut echoes = FuturesUnordered::new();
        loop {
            tokio::select! {
                accepted = listener.accept() => echoes.push(echo(accepted.unwrap().0)),
                Some(()) = echoes.next() => {}
            }
        }
    };
    let folder = kosoku();
    let report = tempfile::tempdir().unwrap();
    let mut kosoku = Command::new(folder.join("bin/kosoku"));
    kosoku
        .env("PYTHONPATH", &folder)
        .args(["--mode", "fuzzingclient", "--parallelism", "4", "--outdir"])
        .arg(report.path())
        .arg(format!("ws://{address}"))
        .kill_on_drop(true);
    let run = tokio::select! {
        run = kosoku.output() => run.expect("kosoku; `cargo xtask setup` installs it"),
        () = server => unreachable!("it serves for ever"),
    };
    let index = std::fs::read(report.path().join("index.json"))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&run.stderr)));
    let index: BTreeMap<String, BTreeMap<String, Outcome>> =
        serde_json::from_slice(&index).unwrap();
    let cases: BTreeMap<String, Outcome> = index.into_values().flatten().collect();
    let (compressed, plain): (Vec<_>, Vec<_>) = cases
        .iter()
        .partition(|(id, _)| id.starts_with("12.") || id.starts_with("13."));
    assert!(plain.len() > 240, "{} cases", plain.len());
    let good = |outcome: &str| matches!(outcome, "OK" | "INFORMATIONAL");
    for (id, outcome) in plain {
        assert!(
            good(&outcome.behavior) && good(&outcome.behavior_close),
            "case {id}: {outcome:?}"
        );
    }
    for (id, outcome) in compressed {
        assert_eq!(outcome.behavior, "UNIMPLEMENTED", "case {id}");
    }
}

/// Where setup puts it.
fn kosoku() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/kosoku")
}

/// Accepts as a server does that knows no extensions, and sends everything back.
async fn echo(mut socket: TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let key = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("sec-websocket-key")
            .then(|| value.trim())
    });
    let accept = derive_accept_key(key.expect("a key").as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    socket.write_all(answer.as_bytes()).await.unwrap();
    let mut socket = WebSocket::new(socket, Role::Server, CASE_BYTES);
    loop {
        match std::future::poll_fn(|cx| socket.poll_event(cx)).await {
            Ok(Event::Binary(bytes)) => socket.start(Opcode::Binary, bytes),
            Ok(Event::Text(bytes)) => socket.start(Opcode::Text, bytes),
            Ok(Event::Ping(_) | Event::Pong) => {}
            Ok(Event::Close(_)) => break,
            Err(error) => {
                let code = match error {
                    Error::TooLarge => code::TOO_LARGE,
                    Error::NotUtf8 => code::NOT_UTF8,
                    Error::Io(_) | Error::Protocol(_) => code::PROTOCOL,
                };
                let reason = String::new();
                socket.start_close(Some(CloseFrame { code, reason }));
                break;
            }
        }
        if std::future::poll_fn(|cx| socket.poll_flush(cx))
            .await
            .is_err()
        {
            return;
        }
    }
    // Whether or not it is still heard.
    let _ = std::future::poll_fn(|cx| socket.poll_flush(cx)).await;
    let _ = socket.socket_mut().shutdown().await;
}
