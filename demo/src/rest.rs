//! A few calls of the server's REST API, each on a connection of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The server on loopback, called by its public name.
#[derive(Clone)]
pub(crate) struct Rest {
    port: u16,
    token: String,
}

impl Rest {
    pub(crate) fn new(port: u16, token: String) -> Self {
        Self { port, token }
    }

    /// Whether the server takes requests.
    pub(crate) async fn is_ready(&self) -> bool {
        self.get("/readyz")
            .await
            .is_ok_and(|(status, _)| status.is_success())
    }

    /// The devices, as many as one page holds.
    ///
    /// # Errors
    /// The server did not answer, or said no.
    pub(crate) async fn devices(&self) -> Result<Vec<api::Device>> {
        let page: api::Page<api::Device> = self.read("/api/v1/devices?limit=200").await?;
        Ok(page.items)
    }

    async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let (status, body) = self.get(path).await?;
        if !status.is_success() {
            bail!("GET {path}: {status}: {}", String::from_utf8_lossy(&body));
        }
        serde_json::from_slice(&body).with_context(|| format!("GET {path}"))
    }

    async fn get(&self, path: &str) -> Result<(StatusCode, Bytes)> {
        tokio::time::timeout(TIMEOUT, self.exchange(path))
            .await
            .context("no answer in time")?
    }

    async fn exchange(&self, path: &str) -> Result<(StatusCode, Bytes)> {
        // `*.localhost` is not a name for Debian's resolver: straight to loopback.
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let stream = TcpStream::connect(address).await?;
        let (mut send, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(path)
            .header(HOST, format!("adit.localhost:{}", self.port))
            .header(AUTHORIZATION, format!("Bearer {}", self.token))
            .body(Empty::<Bytes>::new())?;
        let answer = async move {
            let response = send.send_request(request).await?;
            let status = response.status();
            let body = response.into_body().collect().await?.to_bytes();
            anyhow::Ok((status, body))
        };
        // The connection moves only while it is polled, and ends with this call.
        let (answer, _) = tokio::join!(answer, async { connection.await.ok() });
        answer
    }
}
