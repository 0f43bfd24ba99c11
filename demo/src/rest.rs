//! A few calls of the server's REST API, each on a connection of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::header::{AUTHORIZATION, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::layout::Site;

const TIMEOUT: Duration = Duration::from_secs(5);

/// The server on loopback, called by its public name.
#[derive(Clone)]
pub(crate) struct Rest {
    address: SocketAddr,
    host: &'static str,
    tls: Option<TlsConnector>,
    token: String,
}

impl Rest {
    /// Calls the manager of `site`.
    ///
    /// # Errors
    /// The site's certificate could not be read.
    pub(crate) fn new(site: &Site, token: String) -> Result<Self> {
        let tls = site.certificate.as_ref().map(|certificate| {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(&certificate.file)?)?;
            let config = ClientConfig::builder()
                .with_root_certificates(roots)
                .with_no_client_auth();
            anyhow::Ok(TlsConnector::from(Arc::new(config)))
        });
        Ok(Self {
            // The name is for the server: no resolver here need know it.
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, site.port)),
            host: site.host,
            tls: tls.transpose()?,
            token,
        })
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
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            None => self.exchange_over(stream, path).await,
            Some(tls) => {
                let stream = tls
                    .connect(ServerName::try_from(self.host)?, stream)
                    .await?;
                self.exchange_over(stream, path).await
            }
        }
    }

    async fn exchange_over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        path: &str,
    ) -> Result<(StatusCode, Bytes)> {
        let (mut send, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let request = Request::get(path)
            .header(HOST, format!("{}:{}", self.host, self.address.port()))
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
