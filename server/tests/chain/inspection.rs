//! Agents behind a proxy that looks into TLS: it ends the encryption with a certificate of its own
//! CA and goes on to the server by itself.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use agent::{DeviceKey, Proxy, ServerError};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::harness::{Behaviour, RunningAgent, TestService, enroll, service, spawn};
use crate::place::Place;

struct Inspector {
    address: SocketAddr,
    folder: TempDir,
}

impl Inspector {
    /// Leads to the server at `port`, whatever it is asked for.
    async fn start(port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tls = acceptor(folder.path().join("ca.pem"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                spawn(inspect(connection, tls.clone(), port));
            }
        });
        Self { address, folder }
    }
}

fn acceptor(ca_file: PathBuf) -> TlsAcceptor {
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name
        .push(DnType::CommonName, "Acme Web Inspection");
    let ca_key = KeyPair::generate().unwrap();
    std::fs::write(ca_file, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["adit.example".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
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

async fn inspect(mut connection: TcpStream, tls: TlsAcceptor, port: u16) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(connection.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"CONNECT adit.example:443 HTTP/1.1\r\n"));
    let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
    connection.write_all(answer).await.unwrap();
    // It fails with the agent that does not trust it.
    if let Ok(mut clear) = tls.accept(connection).await {
        let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .unwrap();
        let _ = copy_bidirectional(&mut clear, &mut server).await;
    }
}

#[tokio::test]
async fn an_inspecting_proxy_needs_its_ca_file_and_the_error_names_its_issuer() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    let inspector = Inspector::start(place.port).await;
    let without = agent::Config {
        server: "https://adit.example".parse().unwrap(),
        proxy: Proxy::At(format!("http://{}", inspector.address).parse().unwrap()),
        ..place.agent_config(vec![service("echo", echo.port)])
    };
    let with = agent::Config {
        ca_file: Some(inspector.folder.path().join("ca.pem")),
        ..without.clone()
    };
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let install_key = place.install_key().await;

    let error = enroll(&without, &key, &install_key).await.unwrap_err();
    assert!(matches!(error, ServerError::Tls(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("\"Acme Web Inspection\""), "{said}");
    assert!(said.contains("set ca_file"), "{said}");

    let id = enroll(&with, &key, &install_key).await.unwrap();
    let agent = RunningAgent::start(with, &key);
    place.access.assert_echo(id).await;
    agent.stop().await;
}
