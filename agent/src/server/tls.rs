//! TLS to the server: full checks of name and chain, and no switch to turn them off.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;
use std::sync::Arc;

use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::{CertificateError, CipherSuite, ClientConfig, Error, OtherError, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};

use super::ServerError;
use super::client_certificate::FromFiles;
use super::issuer::{NamingVerifier, UnknownIssuer};
use crate::config::ClientCertificate;
use crate::host::Host;

/// Trusts `ca_file` alone where given, else what the system trusts. Shows `own` to a server that
/// asks for a certificate.
pub(crate) fn client_config(
    ca_file: Option<&Path>,
    own: Option<&ClientCertificate>,
) -> Result<Arc<ClientConfig>, ServerError> {
    let roots = match ca_file {
        Some(path) => roots_of(path).map_err(|reason| ServerError::CaFile {
            path: path.to_owned(),
            reason,
        })?,
        None => system_roots(),
    };
    let provider = Arc::new(provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider))
            .build()
            .map_err(|error| ServerError::Tls(error.to_string()))?;
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| ServerError::Tls(error.to_string()))?
        // The usual checks, all of them: only the error says more.
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(NamingVerifier(verifier)));
    let mut config = match own {
        Some(files) => {
            let own = FromFiles::new(files.clone(), provider)?;
            config.with_client_cert_resolver(Arc::new(own))
        }
        None => config.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // One server: room for its tickets, not for the 256 names of the default.
    config.resumption = Resumption::in_memory_sessions(2);
    Ok(Arc::new(config))
}

/// A processor with AES in hardware takes AES-128 first: 5 % less work for both ends than AES-256,
/// which is the usual first. Without it ChaCha20 comes first: AES in software is slow, and its time
/// tells about its keys.
fn provider() -> CryptoProvider {
    let mut provider = rustls::crypto::ring::default_provider();
    let first = if has_aes() {
        CipherSuite::TLS13_AES_128_GCM_SHA256
    } else {
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256
    };
    provider
        .cipher_suites
        .sort_by_key(|suite| suite.suite() != first);
    provider
}

#[cfg(any(target_arch = "x86_64", target_arch = "x86"))]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes")
}

#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "x86", target_arch = "aarch64")))]
const fn has_aes() -> bool {
    false
}

pub(crate) fn server_name(host: &Host) -> Result<ServerName<'static>, ServerError> {
    match host {
        Host::Address(address) => Ok(ServerName::IpAddress((*address).into())),
        Host::Name(name) => ServerName::try_from(name.clone()).map_err(|_| {
            ServerError::Tls(format!("{name} is no name that a certificate can have"))
        }),
    }
}

/// What went wrong and what to do about it.
pub(super) fn explain(error: &io::Error, host: &Host) -> ServerError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let text = match tls {
        Some(Error::InvalidCertificate(fault)) => explain_certificate(fault, host),
        Some(Error::InvalidMessage(_)) => {
            format!("{host} does not answer with TLS; is this the right port?")
        }
        Some(Error::AlertReceived(alert)) => {
            format!("{host} broke off the TLS handshake ({alert:?})")
        }
        Some(other) => format!("TLS with {host} failed: {other}"),
        None => format!("the connection to {host} broke during the TLS handshake: {error}"),
    };
    ServerError::Tls(text)
}

fn explain_certificate(fault: &CertificateError, host: &Host) -> String {
    use CertificateError as C;
    match fault {
        C::NotValidForName | C::NotValidForNameContext { .. } => format!(
            "the certificate is valid, but not for the name {host}: this may be another server"
        ),
        C::Expired | C::ExpiredContext { .. } => {
            format!("the certificate of {host} has expired (or this device's clock is wrong)")
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet (or this device's clock is wrong)")
        }
        C::Revoked => format!("the certificate of {host} was revoked"),
        C::Other(OtherError(other)) if other.is::<UnknownIssuer>() => {
            let issuer = other
                .downcast_ref::<UnknownIssuer>()
                .and_then(|unknown| unknown.issuer.as_deref())
                .unwrap_or("an issuer without a name");
            format!(
                "the certificate of {host} is signed by nobody this device trusts, but by \
                 {issuer:?}: a private CA, a proxy or firewall that looks into TLS, or an \
                 attacker. If you know this issuer, set ca_file to a file with its certificate \
                 (PEM)"
            )
        }
        // webpki says so of a self-signed certificate that is a CA at the same time.
        C::Other(other) if other.to_string().contains("CaUsedAsEndEntity") => format!(
            "the certificate of {host} is signed by itself: set ca_file to a CA and give the \
             server a certificate of that CA"
        ),
        other => format!("the certificate of {host} is not acceptable: {other}"),
    }
}

fn roots_of(path: &Path) -> Result<RootCertStore, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(file)) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.is_empty() {
        return Err("there is none in it".to_owned());
    }
    Ok(roots)
}

/// The system's, where it has any; a bare system (a container, a router) gets Mozilla's list.
fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}
