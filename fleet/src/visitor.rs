//! A person's program: `adit.stream.v1` with an API token.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use api::DeviceId;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tunnel::STREAM_PROTOCOL;
use tunnel::driver::{Config, stream_handshake};
use tunnel::wire::StreamHello;

use crate::load::{ANSWER_BYTES, ASKED_BYTES, SERVICE};
use crate::server::Server;

const PATIENCE: Duration = Duration::from_secs(20);
const HEAD_BYTES: usize = 8192;

pub(crate) struct Visitor {
    port: u16,
    authority: String,
    token: String,
    tls: TlsConnector,
    name: ServerName<'static>,
}

impl Visitor {
    pub(crate) fn of(server: &Server) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(server.certificate())?)?;
        let tls = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let authority = server.authority();
        let host = authority.split(':').next().unwrap_or_default().to_owned();
        Ok(Self {
            port: server.port,
            token: server.token.clone(),
            tls: TlsConnector::from(Arc::new(tls)),
            name: ServerName::try_from(host)?,
            authority,
        })
    }

    /// Opens a stream to the device's service, asks, reads the answer, closes.
    pub(crate) async fn ask(&self, device: DeviceId) -> anyhow::Result<()> {
        timeout(PATIENCE, self.exchange(device))
            .await
            .context("no answer in time")?
    }

    async fn exchange(&self, device: DeviceId) -> anyhow::Result<()> {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).await?;
        connection.set_nodelay(true)?;
        let mut connection = self.tls.connect(self.name.clone(), connection).await?;
        let request = format!(
            "GET /api/v1/devices/{device}/services/{SERVICE}/stream HTTP/1.1\r\nHost: {}\r\n\
             Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: {STREAM_PROTOCOL}\r\nAuthorization: Bearer {}\r\n\r\n",
            self.authority, self.token
        );
        connection.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            ensure!(head.len() < HEAD_BYTES, "an endless head");
            head.push(connection.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head);
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.starts_with("HTTP/1.1 101 "), "{status}");
        let (_, opened) =
            stream_handshake(connection, StreamHello::default(), Config::default()).await?;
        let mut stream = opened.stream;
        let driver = tokio::spawn(opened.driver.run());
        let exchange = async {
            stream.accepted().await?;
            stream.write_all(&[b'?'; ASKED_BYTES]).await?;
            let mut answer = [0; ANSWER_BYTES];
            stream.read_exact(&mut answer).await?;
            stream.shutdown().await?;
            anyhow::Ok(())
        };
        let outcome = exchange.await;
        drop(stream);
        opened.tunnel.close();
        driver.await?;
        outcome
    }
}
