//! The relay is blind to what it need not see: a tap in the splice, between the two ends, after
//! unmasking.

mod ssh;

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, DeviceKey, Service};
use api::{CreateApiToken, CreateInstallKey, DeviceId, Enrol, ServiceKind, TokenScope};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Config as StreamConfig, Stream, stream_handshake};
use tunnel::wire::StreamHello;
use zeroize::Zeroizing;

use self::ssh::Sshd;
use super::tap;
use crate::access::Scope;
use crate::clock::Clock;
use crate::config::Config;
use crate::{Handle, Server};

const PATIENCE: Duration = Duration::from_secs(60);

#[expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]
fn spawn(task: impl Future<Output: Send> + Send + 'static) {
    drop(tokio::spawn(task));
}

/// A server with one device, all on the thread of the test.
struct Place {
    handle: Handle,
    port: u16,
    token: String,
    device: DeviceId,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn with(services: Vec<Service>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let public_url = format!("http://adit.localhost:{port}");
        let mut config = Config::new(&public_url, "adit.localhost").unwrap();
        config.listen.address = listener.local_addr().unwrap();
        config.database.path = folder.path().join("adit.db");
        let server = Server::build(config, Clock::system()).await.unwrap();
        let handle = server.handle();
        spawn(async move {
            let _ = server.serve(listener).await;
        });

        let password = Zeroizing::new("correct horse battery staple".to_owned());
        handle.accounts.create_admin("ada", password).await.unwrap();
        let input = CreateApiToken {
            name: "test".to_owned(),
            scope: TokenScope::Full,
            expires_in_s: None,
        };
        let token = handle.accounts.create_api_token_for("ada", input).await;
        let organization = handle.accounts.default_organization().await.unwrap();
        let input = CreateInstallKey {
            name: "test".to_owned(),
            ..CreateInstallKey::default()
        };
        let scope = Scope::of(organization);
        let install_key = handle.devices.create_install_key(scope, input).await;
        let config = agent::Config {
            server: public_url.parse().unwrap(),
            key_file: "unused".into(),
            ca_file: None,
            proxy: agent::Proxy::Environment,
            client_certificate: None,
            ssh_host_key_files: None,
            services,
        };
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let request = Enrol {
            install_key: install_key.unwrap().secret,
            name: "pump".to_owned(),
        };
        let enrolled = agent::enroll(&config, Arc::clone(&key), &request).await;
        spawn(
            Agent::new(config, key)
                .unwrap()
                .run(CancellationToken::new()),
        );
        let place = Self {
            handle,
            port,
            token: token.unwrap().secret,
            device: enrolled.unwrap().device_id,
            _folder: folder,
        };
        timeout(PATIENCE, async {
            while place.handle.relay.tunnels() == 0 {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .expect("the device's tunnel");
        place
    }

    async fn stream(&self, service: &str) -> Stream {
        let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap();
        let request = format!(
            "GET /api/v1/devices/{}/services/{service}/stream HTTP/1.1\r\n\
             Host: adit.localhost:{}\r\nAuthorization: Bearer {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: adit.stream.v1\r\n\r\n",
            self.device, self.port, self.token
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "));
        let hello = StreamHello::default();
        let opened = stream_handshake(connection, hello, StreamConfig::default()).await;
        let (_, mut opened) = opened.unwrap();
        spawn(opened.driver.run());
        opened.stream.accepted().await.unwrap();
        opened.stream
    }
}

fn service(name: &str, kind: ServiceKind, port: u16) -> Service {
    Service {
        name: name.to_owned(),
        kind,
        host: "127.0.0.1".parse().unwrap(),
        port,
        tls: false,
    }
}

async fn echo_service() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let (mut reader, mut writer) = connection.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
        }
    });
    port
}

/// The positive control of the test with SSH: the tap works.
#[tokio::test]
async fn s25_what_a_plain_service_says_is_seen_by_the_relay() {
    let echo = echo_service().await;
    let place = Place::with(vec![service("echo", ServiceKind::Tcp, echo)]).await;
    let marker = uuid::Uuid::now_v7().to_string();
    let mut stream = place.stream("echo").await;
    stream.write_all(marker.as_bytes()).await.unwrap();
    let mut echoed = vec![0; marker.len()];
    timeout(PATIENCE, stream.read_exact(&mut echoed))
        .await
        .expect("an echo")
        .unwrap();
    assert_eq!(echoed, marker.as_bytes());
    assert!(tap::saw(marker.as_bytes()));
    assert!(tap::seen_bytes() >= 2 * marker.len(), "both ways");
}

/// What is typed in a terminal and what the shell answers goes through the same splice, and nobody
/// there can read it.
#[tokio::test]
async fn s25_s42_the_relay_cannot_read_a_terminal() {
    let sshd = Sshd::start().await;
    let place = Place::with(vec![service("ssh", ServiceKind::Ssh, sshd.port)]).await;
    let shell = sshd.shell(place.stream("ssh").await).await;
    let before = tap::seen_bytes();
    let marker = uuid::Uuid::now_v7().to_string();
    shell.type_text(&format!("echo {marker}\n"));
    // As it was typed, and as it was answered.
    shell.shows(&marker, 2).await;
    assert!(
        tap::seen_bytes() >= before + 2 * marker.len(),
        "it went through the tap"
    );
    assert!(!tap::saw(marker.as_bytes()));
    // It is not the marker's length or letters that hide it: the protocol's own words are seen.
    assert!(tap::saw(b"SSH-2.0-"));
}
