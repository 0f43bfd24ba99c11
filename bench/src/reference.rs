//! The reference pair: the socket and crypto work that a tunnel cannot avoid, and nothing else.
//!
//! tokio + rustls with ring, TLS 1.3, `copy_bidirectional` with its 16 KiB buffers. One TLS
//! connection per stream.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional_with_sizes};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::child;

const COPY_BUFFER: usize = 16 * 1024;

/// Arguments of the far half.
#[derive(clap::Args)]
pub(crate) struct Far {
    /// The origin's ports; one listener each.
    #[arg(required = true)]
    to: Vec<u16>,
    /// Certificate and key, as [`certificate`] writes them.
    #[arg(long)]
    certificate: std::path::PathBuf,
    #[arg(long)]
    key: std::path::PathBuf,
}

/// Arguments of the near half.
#[derive(clap::Args)]
pub(crate) struct Near {
    /// The far half's ports; one listener each.
    #[arg(required = true)]
    to: Vec<u16>,
    #[arg(long)]
    certificate: std::path::PathBuf,
}

/// TLS in, plain out.
pub(crate) fn run_far(args: &Far) -> anyhow::Result<()> {
    let certificate = CertificateDer::from(std::fs::read(&args.certificate)?);
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(std::fs::read(&args.key)?));
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    listen(&args.to, move |user, port| {
        let acceptor = acceptor.clone();
        async move {
            let user = acceptor.accept(user).await?;
            let origin = TcpStream::connect(("127.0.0.1", port)).await?;
            origin.set_nodelay(true)?;
            splice(user, origin).await
        }
    })
}

/// Plain in, TLS out.
pub(crate) fn run_near(args: &Near) -> anyhow::Result<()> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from(std::fs::read(&args.certificate)?))?;
    let config = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    listen(&args.to, move |user, port| {
        let connector = connector.clone();
        async move {
            let far = TcpStream::connect(("127.0.0.1", port)).await?;
            far.set_nodelay(true)?;
            let far = connector
                .connect(ServerName::try_from("localhost")?, far)
                .await?;
            splice(user, far).await
        }
    })
}

/// A self-signed P-256 certificate for these names, both in DER.
pub(crate) fn certificate(names: &[&str]) -> anyhow::Result<(Vec<u8>, Vec<u8>)> {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names)?;
    Ok((made.cert.der().to_vec(), made.signing_key.serialize_der()))
}

/// The same as text.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[tokio::main]
async fn listen<A, F>(ports: &[u16], answer: A) -> anyhow::Result<()>
where
    A: Fn(TcpStream, u16) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let mut own = Vec::new();
    for port in ports.iter().copied() {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        own.push(listener.local_addr()?.port());
        let answer = answer.clone();
        tokio::spawn(async move {
            while let Ok((user, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    // A peer that went away is the normal end of a measured connection.
                    let _ = user.set_nodelay(true);
                    let _ = answer(user, port).await;
                });
            }
        });
    }
    child::report(&own)?;
    std::future::pending().await
}

async fn splice(
    mut one: impl AsyncRead + AsyncWrite + Unpin,
    mut other: impl AsyncRead + AsyncWrite + Unpin,
) -> anyhow::Result<()> {
    copy_bidirectional_with_sizes(&mut one, &mut other, COPY_BUFFER, COPY_BUFFER).await?;
    Ok(())
}
