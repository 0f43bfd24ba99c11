//! S27: the device's own certificate, shown to a server that asks for one.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that fails here has failed"
)]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent::{ClientCertificate, Config, DeviceKey, ServerError, enroll};
use api::Enrol;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

const NAME: &str = "adit.localhost";

/// An authority, and a server that lets in whom it has signed.
struct Scene {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Scene {
    async fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();

        let key = KeyPair::generate().unwrap();
        let own = CertificateParams::new(vec![NAME.to_owned()]).unwrap();
        let own = own.signed_by(&key, &authority).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
            Arc::new(roots),
            Arc::clone(&provider),
        );
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(
                vec![own.der().clone()],
                PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
            )
            .unwrap();
        Self {
            authority,
            folder,
            listener: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a new certificate of the device where its agent looks for it.
    fn renew(&self) -> CertificateDer<'static> {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["dev-0001".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &self.authority).unwrap();
        std::fs::write(self.path("device.pem"), certificate.pem()).unwrap();
        std::fs::write(self.path("device.key"), key.serialize_pem()).unwrap();
        certificate.der().clone()
    }

    /// Tries to enrol. What the server was shown, and what the agent says.
    async fn attempt(&self, shows: bool) -> (Option<CertificateDer<'static>>, ServerError) {
        let port = self.listener.local_addr().unwrap().port();
        let config = Config {
            server: format!("https://{NAME}:{port}").parse().unwrap(),
            key_file: "unused".into(),
            ca_file: Some(self.path("ca.pem")),
            client_certificate: shows.then(|| ClientCertificate {
                certificate_file: self.path("device.pem"),
                key_file: self.path("device.key"),
            }),
            proxy: agent::Proxy::None,
            ssh_host_key_files: None,
            services: Vec::new(),
        };
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let request = Enrol {
            install_key: "install-secret".into(),
            name: "device".into(),
        };
        let serve = async {
            let (socket, _) = self.listener.accept().await.unwrap();
            let mut socket = self.acceptor.accept(socket).await.ok()?;
            let shown = socket.get_ref().1.peer_certificates().unwrap()[0].clone();
            let mut request = vec![0; 4096];
            let length = socket.read(&mut request).await.unwrap();
            assert!(length > 0, "a request");
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
            socket.write_all(answer).await.unwrap();
            socket.flush().await.unwrap();
            Some(shown.into_owned())
        };
        let attempt = async { enroll(&config, key, &request).await.unwrap_err() };
        timeout(Duration::from_secs(10), async {
            tokio::join!(serve, attempt)
        })
        .await
        .expect("it took too long")
    }
}

#[tokio::test]
async fn s27_a_server_that_asks_is_shown_the_certificate_that_is_there_now() {
    let scene = Scene::new().await;
    let mut before = None;
    for _ in 0..2 {
        let certificate = scene.renew();
        let (shown, error) = scene.attempt(true).await;
        assert_eq!(shown, Some(certificate));
        assert_ne!(shown, before);
        // The handshake was good: the answer is what it complains of.
        assert!(matches!(error, ServerError::Answer(_)), "{error:?}");
        before = shown;
    }
}

#[tokio::test]
async fn s27_without_a_certificate_there_is_no_handshake() {
    let scene = Scene::new().await;
    let (shown, error) = scene.attempt(false).await;
    assert_eq!(shown, None);
    assert!(!matches!(error, ServerError::Answer(_)), "{error:?}");
}

#[tokio::test]
async fn files_that_are_of_no_use_are_named() {
    let scene = Scene::new().await;
    scene.renew();
    for (name, text) in [("device.key", "no key"), ("device.pem", "no certificate")] {
        std::fs::write(scene.path(name), text).unwrap();
        let error = said(&scene).await;
        assert!(error.contains(name), "{error}");
    }
}

/// What an agent says that does not even connect.
async fn said(scene: &Scene) -> String {
    let files = ClientCertificate {
        certificate_file: scene.path("device.pem"),
        key_file: scene.path("device.key"),
    };
    let config = Config {
        server: format!("https://{NAME}:1").parse().unwrap(),
        key_file: "unused".into(),
        ca_file: Some(Path::new(&scene.path("ca.pem")).to_owned()),
        client_certificate: Some(files),
        proxy: agent::Proxy::None,
        ssh_host_key_files: None,
        services: Vec::new(),
    };
    let request = Enrol {
        install_key: "install-secret".into(),
        name: "device".into(),
    };
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let error = enroll(&config, key, &request).await.unwrap_err();
    assert!(
        matches!(error, ServerError::ClientCertificate { .. }),
        "{error:?}"
    );
    error.to_string()
}
