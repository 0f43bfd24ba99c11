//! S29: whom the agent takes for its server, and that it says why when it does not.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here has failed"
)]

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent::{Config, DeviceKey, ServerError, enroll};
use api::Enrol;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// A private CA and the folder its certificate lies in.
struct Ca {
    issuer: Issuer<'static, KeyPair>,
    folder: TempDir,
}

impl Ca {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("ca.pem"),
            params.self_signed(&key).unwrap().pem(),
        )
        .unwrap();
        Self {
            issuer: Issuer::new(params, key),
            folder,
        }
    }

    fn sign(&self, params: CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().unwrap();
        acceptor(params.signed_by(&key, &self.issuer).unwrap(), &key)
    }
}

fn acceptor(certificate: rcgen::Certificate, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

fn certificate_for(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A server in the place of the real one. Counts the requests that reach it.
struct Stub {
    address: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Stub {
    /// Answers every request with `answer`, over TLS where `tls` is given.
    #[expect(
        clippy::disallowed_methods,
        reason = "a test's stub ends with its runtime"
    )]
    async fn start(tls: Option<TlsAcceptor>, answer: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                match &tls {
                    None => answer_all(tcp, answer, &counted).await,
                    Some(tls) => {
                        if let Ok(encrypted) = tls.accept(tcp).await {
                            answer_all(encrypted, answer, &counted).await;
                        }
                    }
                }
            }
        });
        Self { address, requests }
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn answer_all(
    mut io: impl AsyncRead + AsyncWrite + Unpin,
    answer: &str,
    count: &AtomicUsize,
) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(length) = io.read(&mut buffer).await {
        if length == 0 {
            return;
        }
        request.extend_from_slice(&buffer[..length]);
        // A clear-text server answers a TLS record too, with what it has.
        let is_tls_record = request.starts_with(&[0x16]);
        if is_tls_record || request.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(!String::from_utf8_lossy(&request).contains("install-secret"));
            count.fetch_add(1, Ordering::SeqCst);
            request.clear();
            if io.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

async fn try_to_enroll(server: &str, ca_file: Option<&Path>) -> ServerError {
    let config = Config {
        server: server.parse().unwrap(),
        key_file: "unused".into(),
        ca_file: ca_file.map(Path::to_owned),
        proxy: agent::Proxy::Environment,
        client_certificate: None,
        ssh_host_key_files: None,
        services: Vec::new(),
    };
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let request = Enrol {
        install_key: "install-secret".into(),
        name: "device".into(),
    };
    let attempt = enroll(&config, key, &request);
    timeout(Duration::from_secs(10), attempt)
        .await
        .expect("it took too long")
        .unwrap_err()
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";

#[tokio::test]
async fn s29_bad_certificates_are_refused_with_the_reason() {
    let ca = Ca::new();
    let self_signed = {
        let key = KeyPair::generate().unwrap();
        acceptor(
            certificate_for("adit.localhost").self_signed(&key).unwrap(),
            &key,
        )
    };
    let self_signed_ca = {
        let mut params = certificate_for("adit.localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        acceptor(params.self_signed(&key).unwrap(), &key)
    };
    let mut expired = certificate_for("adit.localhost");
    expired.not_before = date_time_ymd(2001, 1, 1);
    expired.not_after = date_time_ymd(2002, 1, 1);
    let mut future = certificate_for("adit.localhost");
    future.not_before = date_time_ymd(2999, 1, 1);
    future.not_after = date_time_ymd(2999, 12, 1);

    for (tls, reason) in [
        (self_signed, "signed by nobody this device trusts"),
        (self_signed_ca, "signed by itself"),
        (
            Ca::new().sign(certificate_for("adit.localhost")),
            "signed by nobody this device trusts",
        ),
        (
            ca.sign(certificate_for("other.localhost")),
            "not for the name adit.localhost",
        ),
        (
            ca.sign(certificate_for("*.adit.localhost")),
            "not for the name adit.localhost",
        ),
        (ca.sign(expired), "has expired"),
        (ca.sign(future), "not valid yet"),
    ] {
        let stub = Stub::start(Some(tls), OK).await;
        let server = format!("https://adit.localhost:{}", stub.address.port());
        let error = try_to_enroll(&server, Some(&ca.folder.path().join("ca.pem"))).await;
        assert!(matches!(error, ServerError::Tls(_)), "{error:?}");
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(stub.requests(), 0, "nothing was said to it");
    }
}

#[tokio::test]
async fn s29_a_good_certificate_of_a_configured_ca_is_accepted_and_of_the_system_not() {
    let ca = Ca::new();
    let stub = Stub::start(Some(ca.sign(certificate_for("adit.localhost"))), OK).await;
    let server = format!("https://adit.localhost:{}", stub.address.port());
    let error = try_to_enroll(&server, Some(&ca.folder.path().join("ca.pem"))).await;
    assert!(
        matches!(error, ServerError::Answer("it asks for no proof")),
        "{error:?}"
    );
    assert_eq!(stub.requests(), 1);
    let error = try_to_enroll(&server, None).await;
    assert!(error.to_string().contains("ca_file"), "{error}");
}

#[tokio::test]
async fn s29_clear_text_in_the_place_of_tls_is_refused() {
    let stub = Stub::start(None, OK).await;
    let error = try_to_enroll(
        &format!("https://adit.localhost:{}", stub.address.port()),
        None,
    )
    .await;
    assert!(
        matches!(error, ServerError::Tls(_) | ServerError::TimedOut(_)),
        "{error:?}"
    );
}

#[tokio::test]
async fn s29_a_redirect_is_never_followed() {
    let target = Stub::start(None, OK).await;
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://{}/tunnel\r\ncontent-length: 0\r\n\r\n",
        target.address
    );
    let stub = Stub::start(None, answer.leak()).await;
    let error = try_to_enroll(&format!("http://{}", stub.address), None).await;
    assert!(
        matches!(&error, ServerError::Redirect(to) if to.contains("/tunnel")),
        "{error:?}"
    );
    assert_eq!((stub.requests(), target.requests()), (1, 0));
}

#[tokio::test]
async fn the_install_key_goes_only_to_a_server_that_asks_for_proof() {
    // The stub itself asserts that the secret is not in what it reads.
    let stub = Stub::start(None, OK).await;
    let error = try_to_enroll(&format!("http://{}", stub.address), None).await;
    assert!(matches!(error, ServerError::Answer(_)), "{error:?}");
    assert_eq!(stub.requests(), 1);
}

#[tokio::test]
async fn a_certificate_file_without_certificates_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    for path in [empty, folder.path().join("absent.pem")] {
        let error = try_to_enroll("https://adit.localhost:1", Some(&path)).await;
        assert!(matches!(error, ServerError::CaFile { .. }), "{error:?}");
    }
}
