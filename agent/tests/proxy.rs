//! Proxies that answer oddly: each gets a message that says what to do, and none of them, nor the
//! server behind one, gets what is not for it.

#![expect(clippy::unwrap_used, reason = "a test that fails here has failed")]

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use agent::{Config, DeviceKey, Proxy, ServerError, enroll};
use api::Enrol;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// The head of a request; `None` when the agent hangs up.
async fn head(connection: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        assert!(head.len() < 4096);
        head.push(connection.read_u8().await.ok()?);
    }
    String::from_utf8(head).ok()
}

async fn try_through(address: SocketAddr, credentials: &str) -> ServerError {
    let config = Config {
        server: "https://adit.example".parse().unwrap(),
        key_file: "unused".into(),
        ca_file: None,
        proxy: Proxy::At(format!("http://{credentials}{address}").parse().unwrap()),
        client_certificate: None,
        ssh_host_key_files: None,
        services: Vec::new(),
    };
    try_with(&config).await
}

async fn try_with(config: &Config) -> ServerError {
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let request = Enrol {
        install_key: "install-secret".into(),
        name: "device".into(),
    };
    let attempt = enroll(config, key, &request);
    timeout(Duration::from_secs(60), attempt)
        .await
        .unwrap()
        .unwrap_err()
}

/// One connection of an agent to a proxy that answers so, and what the agent sent.
async fn answered(answer: &[u8], credentials: &str) -> (ServerError, String) {
    let (listener, address) = listener().await;
    let proxy = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let request = head(&mut connection).await.unwrap();
        connection.write_all(answer).await.unwrap();
        // It closes when it has answered; an answer without an end is cut there.
        connection.shutdown().await.unwrap();
        request
    };
    futures_util::future::join(try_through(address, credentials), proxy).await
}

#[tokio::test]
async fn every_answer_says_what_to_do() {
    for (answer, said) in [
        ("HTTP/1.1 407 No\r\n\r\n", "set proxy"),
        (
            "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\
             Proxy-Authenticate: Negotiate\r\n\r\n",
            "another proof than a password (407, NTLM, Negotiate)",
        ),
        (
            "HTTP/1.1 407 No\r\nProxy-Authenticate: NTLM\r\n\
             Proxy-Authenticate: Basic realm=\"x\"\r\n\r\n",
            "wants a user name and a password",
        ),
        (
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 5\r\n\r\nhello",
            "does not allow connections to adit.example:443 (403 Forbidden)",
        ),
        (
            "HTTP/1.0 502 Bad Gateway\r\n\r\n",
            "could not connect to adit.example:443",
        ),
        ("HTTP/1.1 503 Busy\r\n\r\n", "could not connect"),
        ("HTTP/1.1 504 Late\r\n\r\n", "could not connect"),
        (
            "HTTP/1.1 405 What\r\n\r\n",
            "a web server or a sign-in page",
        ),
        (
            "HTTP/1.1 302 Found\r\nLocation: http://portal.example/\r\n\r\n",
            "a web server or a sign-in page",
        ),
        ("SSH-2.0-OpenSSH_9.2\r\n", "is no HTTP proxy"),
        ("\x15\x03\x01\x00\x02\x02\x46", "is no HTTP proxy"),
        ("", "closed the connection without an answer"),
        (
            "HTTP/1.1 200 OK\r\n",
            "closed the connection without an answer",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n",
            "the connection to adit.example broke during the TLS handshake",
        ),
        (
            "HTTP/1.1 200 OK\r\n\r\n<html>",
            "adit.example does not answer with TLS",
        ),
    ] {
        let (error, request) = answered(answer.as_bytes(), "").await;
        assert!(error.to_string().contains(said), "{answer:?}: {error}");
        let line = "CONNECT adit.example:443 HTTP/1.1\r\n";
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains("host: adit.example:443\r\n"), "{request}");
        assert!(!request.contains("proxy-authorization"), "{request}");
    }
}

#[tokio::test]
async fn credentials_are_sent_to_the_proxy_and_shown_to_nobody() {
    for answer in ["HTTP/1.1 407 No\r\n\r\n", "HTTP/1.1 403 No\r\n\r\n", "no"] {
        let (error, request) = answered(answer.as_bytes(), "me:s3cret@").await;
        // me:s3cret
        assert!(
            request.contains("proxy-authorization: Basic bWU6czNjcmV0\r\n"),
            "{request}"
        );
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("bWU6"),
            "{shown}"
        );
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut() {
    let (listener, address) = listener().await;
    let proxy = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        head(&mut connection).await.unwrap();
        connection.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
        let mut sent = 0_usize;
        while connection.write_all(&[b'x'; 1024]).await.is_ok() {
            sent += 1024;
        }
        sent
    };
    let (error, sent) = futures_util::future::join(try_through(address, ""), proxy).await;
    assert!(error.to_string().contains("is no HTTP proxy"), "{error}");
    // The agent's 16 KiB, and what the sockets of both ends take.
    assert!(sent < 16 * 1024 * 1024, "{sent}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_never_answers_is_given_up() {
    let (listener, address) = listener().await;
    let proxy = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        head(&mut connection).await.unwrap();
        connection
    };
    let (error, _open) = futures_util::future::join(try_through(address, ""), proxy).await;
    assert!(
        error.to_string().contains("did not answer in time"),
        "{error}"
    );
}

/// `https://`: the way to the proxy itself is encrypted, and its certificate is checked before it
/// gets a password.
#[tokio::test]
async fn a_proxy_that_speaks_tls_is_checked_and_then_used() {
    let folder = tempfile::tempdir().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_file = folder.path().join("ca.pem");
    std::fs::write(&ca_file, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["proxy.localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let tls = TlsAcceptor::from(Arc::new(tls));
    let (listener, address) = listener().await;
    for (name, ca_file, said) in [
        ("proxy.localhost", Some(ca_file.clone()), "does not allow"),
        ("other.localhost", Some(ca_file), "not for the name"),
        ("proxy.localhost", None, "nobody this device trusts"),
    ] {
        let proxy = format!("https://me:s3cret@{name}:{}", address.port());
        let config = Config {
            server: "https://adit.example".parse().unwrap(),
            key_file: "unused".into(),
            ca_file,
            proxy: Proxy::At(proxy.parse().unwrap()),
            client_certificate: None,
            ssh_host_key_files: None,
            services: Vec::new(),
        };
        let proxy = async {
            let (connection, _) = listener.accept().await.unwrap();
            let mut connection = tls.accept(connection).await.ok()?;
            // A refused certificate may show as late as here.
            let request = head(&mut connection).await?;
            let no = b"HTTP/1.1 403 No\r\n\r\n";
            connection.write_all(no).await.unwrap();
            connection.shutdown().await.unwrap();
            Some(request)
        };
        let (error, request) = futures_util::future::join(try_with(&config), proxy).await;
        assert!(error.to_string().contains(said), "{error}");
        let was_trusted = said == "does not allow";
        assert_eq!(
            request.is_some_and(|request| request.contains("Basic bWU6czNjcmV0")),
            was_trusted,
            "{said}"
        );
    }
}

/// The command itself: the environment's proxy is used, its password is in no line of the log at
/// any level, and the name of the server is asked of nobody but the proxy.
#[tokio::test]
async fn the_command_reads_the_environment_and_logs_no_password() {
    let (listener, address) = listener().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.toml");
    std::fs::write(&path, "server = \"https://adit.invalid\"\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_adit-agent"))
        .args(["run", "--config"])
        .arg(&path)
        .env("HTTPS_PROXY", format!("http://me:s3cret@{address}"))
        .env_remove("https_proxy")
        .env_remove("no_proxy")
        .env("NO_PROXY", "other.invalid,10.0.0.0/8")
        .env("ADIT_LOG", "trace")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let proxy = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        let request = head(&mut connection).await.unwrap();
        connection
            .write_all(b"HTTP/1.1 407 No\r\nConnection: close\r\n\r\n")
            .await
            .unwrap();
        request
    };
    let reading = async {
        let mut said = String::new();
        while !said.contains("not connected") {
            said += &log.next_line().await.unwrap().unwrap();
            said.push('\n');
        }
        said
    };
    let both = futures_util::future::join(proxy, reading);
    let (request, said) = timeout(Duration::from_secs(30), both).await.unwrap();
    assert!(
        request.starts_with("CONNECT adit.invalid:443 "),
        "{request}"
    );
    assert!(request.contains("bWU6czNjcmV0"), "{request}");
    assert!(said.contains(&format!("proxy=http://{address}")), "{said}");
    assert!(said.contains("does not take this user name"), "{said}");
    assert!(!said.contains("s3cret") && !said.contains("bWU6"), "{said}");
    child.kill().await.unwrap();
}
