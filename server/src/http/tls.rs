//! TLS at the public port: certificate and key from files, read again on demand.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use super::client_certificate::{Authorities, ClientCertificate};
use crate::config::{DeviceCertificates, Tls};

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("{path}: {cause}")]
    File {
        path: PathBuf,
        cause: rustls_pki_types::pem::Error,
    },
    #[error("{0}: no certificate in it")]
    NoCertificate(PathBuf),
    #[error("{path}: {cause}")]
    Authority { path: PathBuf, cause: String },
    #[error("certificate and key: {0}")]
    Unusable(#[from] rustls::Error),
}

/// The certificate in use; cheap to clone.
#[derive(Clone)]
pub struct Certificate {
    files: Tls,
    current: Arc<RwLock<Arc<CertifiedKey>>>,
    devices: Option<Devices>,
}

/// Devices with client certificates, and whose count.
#[derive(Clone)]
struct Devices {
    settings: DeviceCertificates,
    current: Arc<RwLock<Arc<Authorities>>>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn load(files: Tls) -> Result<Self, TlsError> {
        let current = Arc::new(RwLock::new(Arc::new(read(&files)?)));
        Ok(Self {
            files,
            current,
            devices: None,
        })
    }

    /// The same, with a name at which devices show certificates.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn with_devices(mut self, settings: DeviceCertificates) -> Result<Self, TlsError> {
        let current = Arc::new(RwLock::new(Arc::new(Authorities::read(&settings)?)));
        self.devices = Some(Devices { settings, current });
        Ok(self)
    }

    /// Reads the files again, all or nothing. Connections that are there keep what they have; if
    /// one file is bad, so do new ones.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = Arc::new(read(&self.files)?);
        if let Some(devices) = &self.devices {
            let authorities = Arc::new(Authorities::read(&devices.settings)?);
            let current = devices.current.write();
            *current.unwrap_or_else(PoisonError::into_inner) = authorities;
        }
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) fn acceptor(&self) -> Result<Acceptor, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(self.clone()));
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        // Tickets keep sessions at the client's: nothing to store for a fleet that reconnects.
        config.ticketer = rustls::crypto::ring::Ticketer::new()?;
        Ok(Acceptor {
            usual: Arc::new(config),
            certificate: self.clone(),
        })
    }

    fn authorities(&self, name: Option<&str>) -> Option<Arc<Authorities>> {
        let devices = self.devices.as_ref()?;
        let is_theirs = name?.eq_ignore_ascii_case(devices.settings.url.host());
        let current = || {
            devices
                .current
                .read()
                .unwrap_or_else(PoisonError::into_inner)
        };
        is_theirs.then(|| Arc::clone(&current()))
    }
}

/// Shakes hands, each name in its own way.
pub(super) struct Acceptor {
    usual: Arc<ServerConfig>,
    certificate: Certificate,
}

impl Acceptor {
    /// A connection, and the certificate that its client showed where one is required.
    pub(super) async fn accept<IO: AsyncRead + AsyncWrite + Unpin>(
        &self,
        io: IO,
    ) -> io::Result<(TlsStream<IO>, Option<ClientCertificate>)> {
        let start = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), io).await?;
        let authorities = self
            .certificate
            .authorities(start.client_hello().server_name());
        let Some(authorities) = authorities else {
            return Ok((start.into_stream(Arc::clone(&self.usual)).await?, None));
        };
        let config = authorities.config(Arc::new(self.certificate.clone()));
        let config = config.map_err(io::Error::other)?;
        let stream = start.into_stream(Arc::new(config)).await?;
        let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let certificate = authorities.judge(shown).map_err(io::Error::other)?;
        Ok((stream, Some(certificate)))
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(
            &self.current.read().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

fn read(files: &Tls) -> Result<CertifiedKey, TlsError> {
    let in_file = |path: &PathBuf| {
        let path = path.clone();
        move |cause| TlsError::File { path, cause }
    };
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(in_file(&files.certificate))?;
    if chain.is_empty() {
        return Err(TlsError::NoCertificate(files.certificate.clone()));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(in_file(&files.key))?;
    let provider = rustls::crypto::ring::default_provider();
    Ok(CertifiedKey::from_der(chain, key, &provider)?)
}
