//! The device's own certificate, for servers that ask for one.

use std::path::Path;
use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::ServerError;
use crate::config::ClientCertificate;

/// Reads the files anew for each handshake: a certificate is often short-lived, and whoever renews
/// it need not tell the agent.
#[derive(Debug)]
pub(super) struct FromFiles {
    files: ClientCertificate,
    provider: Arc<CryptoProvider>,
}

impl FromFiles {
    /// # Errors
    /// [`ServerError::ClientCertificate`] where the files are of no use now.
    pub(super) fn new(
        files: ClientCertificate,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, ServerError> {
        let this = Self { files, provider };
        this.read()?;
        Ok(this)
    }

    fn read(&self) -> Result<CertifiedKey, ServerError> {
        let ClientCertificate {
            certificate_file,
            key_file,
        } = &self.files;
        let chain = CertificateDer::pem_file_iter(certificate_file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| unusable(certificate_file, &error))?;
        if chain.is_empty() {
            return Err(unusable(certificate_file, &"no certificate in it"));
        }
        let key =
            PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable(key_file, &error))?;
        CertifiedKey::from_der(chain, key, &self.provider)
            .map_err(|error| unusable(certificate_file, &error))
    }
}

impl ResolvesClientCert for FromFiles {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        match self.read() {
            Ok(key) => Some(Arc::new(key)),
            Err(error) => {
                tracing::warn!(%error, "the server asks for a certificate, and gets none");
                None
            }
        }
    }

    fn has_certs(&self) -> bool {
        true
    }
}

fn unusable(path: &Path, reason: &dyn std::fmt::Display) -> ServerError {
    ServerError::ClientCertificate {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
