//! The program from outside: exit codes, signals, and what it must not write into its log.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

mod front_fixture;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use front_fixture::{Fixture, HOST};
use server::log::Escaping;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_adit-server"));
    program
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    program
}

/// Serves until it says so in its log.
fn serving(folder: &std::path::Path) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut child = program()
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--device-domain",
            "adit.localhost",
        ])
        .args(["--public-url", "http://adit.localhost:8080", "--data-dir"])
        .arg(folder)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("serving") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
    }
    (child, log)
}

fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(
        Command::new("sh")
            .args(["-c", &kill])
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn a_signal_ends_it_with_success() {
    for signal in ["TERM", "INT"] {
        let folder = tempfile::tempdir().unwrap();
        let (mut child, mut log) = serving(folder.path());
        send("HUP", &child);
        send(signal, &child);
        let mut rest = String::new();
        log.read_to_string(&mut rest).unwrap();
        assert!(child.wait().unwrap().success(), "{signal}: {rest}");
        assert!(rest.contains("stopped clean=true"), "{signal}: {rest}");
    }
}

/// A TLS connection that trusts these certificates; the one that the server showed.
fn secured(
    address: &str,
    trusted: &[rustls::pki_types::CertificateDer<'static>],
) -> (
    rustls::StreamOwned<rustls::ClientConnection, std::net::TcpStream>,
    Vec<u8>,
) {
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(trusted.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "adit.test".try_into().unwrap();
    let tls = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = std::net::TcpStream::connect(address).unwrap();
    let mut stream = rustls::StreamOwned::new(tls, socket);
    health(&mut stream);
    let shown = stream.conn.peer_certificates().unwrap()[0].to_vec();
    (stream, shown)
}

/// One request over a connection that stays.
fn health(stream: &mut (impl Read + Write)) {
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: adit.test\r\n\r\n")
        .unwrap();
    let mut answer = BufReader::new(stream);
    let mut length = 0;
    let mut line = String::new();
    answer.read_line(&mut line).unwrap();
    assert!(line.starts_with("HTTP/1.1 200"), "{line}");
    while line != "\r\n" {
        line.clear();
        answer.read_line(&mut line).unwrap();
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    answer.read_exact(&mut body).unwrap();
}

#[test]
fn a_hang_up_takes_another_certificate_and_drops_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let [first, second] =
        [(), ()].map(|()| rcgen::generate_simple_self_signed(["adit.test".to_owned()]).unwrap());
    let write = |made: &rcgen::CertifiedKey<rcgen::KeyPair>| {
        std::fs::write(at("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(at("key.pem"), made.signing_key.serialize_pem()).unwrap();
    };
    write(&first);
    let config = format!(
        "public_url = \"https://adit.test\"\ndevice_domain = \"d.test\"\ndata_dir = {:?}\n\
         [listen]\naddress = \"127.0.0.1:0\"\n[listen.tls]\ncertificate = {:?}\nkey = {:?}\n",
        folder.path(),
        at("cert.pem"),
        at("key.pem"),
    );
    std::fs::write(at("server.toml"), config).unwrap();
    let mut child = program()
        .args(["serve", "--config"])
        .arg(at("server.toml"))
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut until = |word: &str| {
        let mut line = String::new();
        while !line.contains(word) {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
        }
        line
    };
    let line = until("serving");
    let address = line.split("address=").nth(1).unwrap();
    let address = address.split_whitespace().next().unwrap().to_owned();
    let trusted = [&first, &second].map(|made| made.cert.der().clone());

    let (mut held, shown) = secured(&address, &trusted);
    assert_eq!(shown, first.cert.der().to_vec());
    std::fs::write(at("cert.pem"), "no certificate").unwrap();
    send("HUP", &child);
    until("the certificate in use stays");
    assert_eq!(secured(&address, &trusted).1, first.cert.der().to_vec());
    write(&second);
    send("HUP", &child);
    until("certificate read again");
    assert_eq!(secured(&address, &trusted).1, second.cert.der().to_vec());
    health(&mut held);
    send("TERM", &child);
    assert!(child.wait().unwrap().success());
}

#[test]
fn s35_it_takes_as_many_open_files_as_it_may_have() {
    let folder = tempfile::tempdir().unwrap();
    let serve = format!(
        "ulimit -Sn 300 && ulimit -Hn 700 && exec {} serve --listen 127.0.0.1:0 \
         --device-domain adit.localhost --public-url http://adit.localhost:8080 --data-dir {}",
        env!("CARGO_BIN_EXE_adit-server"),
        folder.path().display()
    );
    let mut child = Command::new("sh")
        .args(["-c", &serve])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut said = String::new();
    while !said.contains("serving") {
        assert_ne!(log.read_line(&mut said).unwrap(), 0, "it has ended: {said}");
    }
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
    send("TERM", &child);
    assert!(child.wait().unwrap().success());
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<&str> = files.unwrap().split_whitespace().collect();
    assert_eq!(words[3..5], ["700", "700"]);
    assert!(said.contains("fewer connections than configured"), "{said}");
    assert!(said.contains("tunnel_memory_bytes="), "{said}");
}

#[test]
fn a_stop_leaves_a_database_without_a_log() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, mut log) = serving(folder.path());
    assert!(folder.path().join("adit.db-wal").exists());
    send("TERM", &child);
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success(), "{rest}");
    assert!(folder.path().join("adit.db").exists());
    assert!(!folder.path().join("adit.db-wal").exists(), "{rest}");
}

#[test]
fn a_bad_configuration_ends_it_with_failure_and_a_reason() {
    let output = program()
        .args(["config", "check"])
        .env("ADIT_SERVER_PUBLIC_URL", "http://adit.localhost:8080")
        .env("ADIT_SERVER_DEVICE_DOMAIN", "adit.localhost")
        .env("ADIT_SERVER_LISTEN__ADRESS", "x")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("listen.adress (environment variable ADIT_SERVER_LISTEN__ADRESS)"),
        "{said}"
    );
    let output = program().args(["config", "print"]).output().unwrap();
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        server::config::REFERENCE
    );
}

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One thread, so that all of the server logs into this test's sink, at every level.
#[tokio::test]
async fn s25_no_secret_gets_into_the_log() {
    const CANARY: &str = "c4n4ry-5ecret";
    let sink = Sink::default();
    let copy = sink.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("server=trace")
        .with_ansi(false)
        .with_writer(Escaping(move || copy.clone()))
        .finish();
    let _log = tracing::subscriber::set_default(subscriber);
    let fixture = Fixture::new().await;
    let fields = format!(
        "Cookie: __Host-adit_session={CANARY}\r\nAuthorization: Bearer {CANARY}\r\nReferer: {CANARY}\r\n"
    );
    let (status, _) = fixture.get(&format!("/?token={CANARY}"), &fields).await;
    assert_eq!(status, 200);
    // Refused by its head as well.
    let request = format!("GET /?{CANARY} HTTP/1.1\r\nHost: {HOST}\r\n{fields}X: \0\r\n\r\n");
    assert_eq!(front_fixture::status(&fixture.exchange(request).await), 400);
    let log = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("request request_id") && log.contains("request refused"),
        "{log}"
    );
    assert!(!log.contains(CANARY), "{log}");
}
