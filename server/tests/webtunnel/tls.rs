//! The real front with TLS: agents and `remote-connect` at the device domain itself.

use std::net::Ipv4Addr;
use std::sync::Arc;

use rustls_pki_types::ServerName;
use server::config::Tls;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use crate::harness::PASSWORD;
use crate::place::{AGENT_ID, Scene, counting};
use crate::stub::Stub;
use crate::tools::{password, remote_connect};
use crate::waiting::{soon, spawn};

const DOMAIN: &str = "devices.localhost";

/// A certificate of the device domain and all below it, and who trusts it.
fn certificate(folder: &TempDir) -> (Tls, TlsConnector) {
    let names = [DOMAIN.to_owned(), format!("*.{DOMAIN}")];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let tls = Tls {
        certificate: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    std::fs::write(&tls.certificate, made.cert.pem()).unwrap();
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (tls, TlsConnector::from(Arc::new(config)))
}

/// A port whose connections go on to the server over TLS, with this name in the handshake.
async fn over_tls(connector: &TlsConnector, name: &str, server_port: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let connector = connector.clone();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    spawn(async move {
        while let Ok((mut clear, _)) = listener.accept().await {
            let (connector, name) = (connector.clone(), name.clone());
            spawn(async move {
                let server = TcpStream::connect((Ipv4Addr::LOCALHOST, server_port)).await;
                let mut secret = connector.connect(name, server.unwrap()).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut clear, &mut secret).await;
            });
        }
    });
    port
}

#[tokio::test]
async fn w11_over_tls_agents_and_connect_are_answered_at_the_apex() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, connector) = certificate(&folder);
    let mut scene = Scene::with(DOMAIN, |config| {
        let port = config.listen.address.port();
        config.public_url = format!("https://adit.localhost:{port}").parse().unwrap();
        config.listen.tls = Some(tls);
    })
    .await;
    let server_port = scene.place.port;
    let counts = counting().await;
    scene.settings.ports.push(counts);
    scene.settings.port = over_tls(&connector, DOMAIN, server_port).await;
    let _stub = scene.connect().await;

    scene.place.port = scene.settings.port;
    let credential = format!("Proxy-Authorization: {}\r\n", password("ada", PASSWORD));
    let target = format!("{AGENT_ID}.{DOMAIN}:{counts}");
    let (line, mut socket) = remote_connect(&scene, &target, &credential).await;
    assert_eq!(line, "HTTP/1.1 200 OK");
    socket.write_all(&vec![7; 1_000_000]).await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    soon("the answer", socket.read_to_string(&mut answer))
        .await
        .unwrap();
    assert_eq!(answer, "1000000 bytes");

    // A handshake for another name is no way in, neither for tools nor for agents.
    let at_device = format!("{AGENT_ID}.{DOMAIN}");
    let elsewhere = over_tls(&connector, &at_device, server_port).await;
    scene.place.port = elsewhere;
    let (line, _) = remote_connect(&scene, &target, &credential).await;
    assert_eq!(line, "HTTP/1.1 421 Misdirected Request");
    scene.settings.port = elsewhere;
    let refused = Stub::connect(&scene.settings).await.err().unwrap();
    assert_ne!(refused.status, 101);
}
