//! A user of the server: its API, and streams of `adit.stream.v1`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ring::digest::{self, SHA256};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tunnel::driver::{Closed, Config, Stream, stream_handshake};
use tunnel::wire::StreamHello;

use crate::namespace::SERVER_NAME;
use crate::place::FIRST_DEVICE;

const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

const PATIENT: Duration = Duration::from_secs(600);

/// Who asks, and whom.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) port: u16,
    pub(crate) token: String,
    pub(crate) tls: Arc<rustls::ClientConfig>,
}

/// An open stream to a service; its connection ends when it is dropped.
pub(crate) struct Open {
    pub(crate) stream: Stream,
    driver: JoinHandle<Closed>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Client {
    /// A connection that is ready for a request.
    ///
    /// # Errors
    /// The server is not there.
    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let connecting = async {
            let tcp = TcpStream::connect(("127.0.0.1", self.port)).await?;
            tcp.set_nodelay(true)?;
            let name = ServerName::try_from(SERVER_NAME)?;
            let tls = TlsConnector::from(Arc::clone(&self.tls));
            anyhow::Ok(tls.connect(name, tcp).await?)
        };
        timeout(ANSWER_TIMEOUT, connecting).await?
    }

    /// The body of the answer to a GET.
    ///
    /// # Errors
    /// There is none in time, or it is not 200.
    pub(crate) async fn read(&self, path: &str) -> Result<String> {
        let mut connection = self.connect().await?;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {SERVER_NAME}:{}\r\nConnection: close\r\n\
             Authorization: Bearer {}\r\n\r\n",
            self.port, self.token
        );
        connection.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        // A close without TLS's own farewell is fine: the length says whether all is there.
        let _ = timeout(ANSWER_TIMEOUT, connection.read_to_end(&mut answer)).await?;
        let answer = String::from_utf8(answer)?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
        Ok(body.to_owned())
    }

    /// The first device: its id and state.
    ///
    /// # Errors
    /// No answer.
    pub(crate) async fn device(&self) -> Result<(String, String)> {
        self.device_called(FIRST_DEVICE).await
    }

    /// The device of this name: its id and state.
    ///
    /// # Errors
    /// No answer, or there is none.
    pub(crate) async fn device_called(&self, name: &str) -> Result<(String, String)> {
        let text = self.read("/api/v1/devices").await?;
        let json: serde_json::Value = serde_json::from_str(&text)?;
        let list = json["devices"].as_array().or_else(|| json.as_array());
        let device = list
            .or_else(|| json["items"].as_array())
            .and_then(|list| list.iter().find(|device| device["name"] == name))
            .with_context(|| format!("no device {name} in {text}"))?;
        let text = |key: &str| device[key].as_str().unwrap_or_default().to_owned();
        Ok((text("id"), text("state")))
    }

    /// Opens a stream as soon as the device is there.
    ///
    /// # Errors
    /// It is not there in this time.
    pub(crate) async fn open_within(&self, service: &str, patience: Duration) -> Result<Open> {
        let give_up_at = Instant::now() + patience;
        loop {
            match timeout(ANSWER_TIMEOUT, self.open(service)).await {
                Ok(Ok(open)) => return Ok(open),
                Ok(Err(error)) if Instant::now() > give_up_at => return Err(error),
                Err(_) if Instant::now() > give_up_at => bail!("no answer to an OPEN"),
                _ => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    /// Opens a stream to the first device.
    ///
    /// # Errors
    /// The server or the device does not want it.
    pub(crate) async fn open(&self, service: &str) -> Result<Open> {
        self.open_at(FIRST_DEVICE, service).await
    }

    /// Opens a stream to the device of this name.
    ///
    /// # Errors
    /// The server or the device does not want it.
    pub(crate) async fn open_at(&self, name: &str, service: &str) -> Result<Open> {
        let (device, _) = self.device_called(name).await?;
        let mut connection = self.connect().await?;
        let request = format!(
            "GET /api/v1/devices/{device}/services/{service}/stream HTTP/1.1\r\n\
             Host: {SERVER_NAME}:{}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: adit.stream.v1\r\nAuthorization: Bearer {}\r\n\r\n",
            self.port, self.token
        );
        connection.write_all(request.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(connection.read_u8().await?);
        }
        let head = String::from_utf8(head)?;
        ensure!(head.starts_with("HTTP/1.1 101"), "{head}");
        // The other ends are to notice; this one is patient.
        let config = Config {
            keepalive_busy: PATIENT,
            miss_after: PATIENT,
            ..Config::default()
        };
        let (_, opened) = stream_handshake(connection, StreamHello::default(), config).await?;
        let mut open = Open {
            stream: opened.stream,
            driver: spawn(opened.driver.run()),
        };
        open.stream.accepted().await?;
        Ok(open)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a case's tasks end with its process"
)]
pub(crate) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}

impl Open {
    /// A keystroke and its echo.
    ///
    /// # Errors
    /// It was not echoed in this time.
    pub(crate) async fn key(&mut self, patience: Duration) -> Result<Duration> {
        let pressed = Instant::now();
        let echo = async {
            self.stream.write_all(b"k").await?;
            self.stream.read_u8().await
        };
        let byte = timeout(patience, echo)
            .await
            .with_context(|| format!("no echo in {patience:?}"))??;
        ensure!(byte == b'k', "another byte came back");
        Ok(pressed.elapsed())
    }

    /// Bytes through an echo and back, to the end of the stream; compared by SHA-256.
    ///
    /// # Errors
    /// Others come back, or not in this time.
    pub(crate) async fn transfer(self, bytes: usize, patience: Duration) -> Result<Duration> {
        let began = Instant::now();
        let mut open = self;
        let sent: Vec<u8> = (0..bytes)
            .map(|n| (n % 251) as u8 ^ (n >> 8) as u8 ^ (n >> 16) as u8)
            .collect();
        let hash = digest::digest(&SHA256, &sent);
        let (mut reader, mut writer) = tokio::io::split(&mut open.stream);
        let mut received = Vec::with_capacity(bytes);
        let both = async {
            tokio::try_join!(
                async {
                    writer.write_all(&sent).await?;
                    writer.shutdown().await
                },
                reader.read_to_end(&mut received)
            )
        };
        timeout(patience, both)
            .await
            .with_context(|| format!("not all of {bytes} bytes in {patience:?}"))??;
        let back = digest::digest(&SHA256, &received);
        ensure!(back.as_ref() == hash.as_ref(), "SHA-256 differs");
        Ok(began.elapsed())
    }
}
