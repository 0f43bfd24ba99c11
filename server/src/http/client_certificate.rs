//! Certificates of devices: asked for at a name of their own, and what they say.
//!
//! Which certificates are good is rustls' judgement; here is whose they are. A certificate names one
//! device, in one way, or it names none (SECURITY S27).

use std::sync::Arc;

use api::{OrganizationId, Timestamp};
use ring::digest::{SHA256, digest};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::tls::TlsError;
use crate::config::DeviceCertificates;

/// Longer ones are cut: they are for people.
const SUBJECT_MAX_CHARS: usize = 200;

/// What a client proved by TLS. A request extension, at the name for it and nowhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// Whose authority signed it.
    pub organization: OrganizationId,
    /// What it calls its device: a DNS label.
    pub device: String,
    /// SHA-256 of its public key (SPKI).
    pub spki_sha256: [u8; 32],
    pub subject: String,
    /// Hexadecimal, two digits a byte.
    pub serial: String,
    pub not_after: Timestamp,
}

/// Why a good certificate is nobody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Nobodys {
    #[error("the certificate cannot be read")]
    Unreadable,
    #[error("the certificate must name one device: by one DNS label, one urn:uuid, or its CN")]
    Name,
    #[error("the certificate's authority is not of one organization")]
    Authority,
}

/// The authorities of all organizations.
pub(super) struct Authorities {
    together: Arc<dyn ClientCertVerifier>,
    each: Vec<(OrganizationId, Arc<dyn ClientCertVerifier>)>,
}

impl Authorities {
    pub(super) fn read(settings: &DeviceCertificates) -> Result<Self, TlsError> {
        let mut all = RootCertStore::empty();
        let mut each = Vec::new();
        for authority in &settings.authorities {
            let file = &authority.file;
            let certificates = CertificateDer::pem_file_iter(file)
                .and_then(Iterator::collect::<Result<Vec<_>, _>>)
                .map_err(|cause| TlsError::File {
                    path: file.clone(),
                    cause,
                })?;
            if certificates.is_empty() {
                return Err(TlsError::NoCertificate(file.clone()));
            }
            let unusable = |cause: String| TlsError::Authority {
                path: file.clone(),
                cause,
            };
            let mut roots = RootCertStore::empty();
            for certificate in certificates {
                all.add(certificate.clone())
                    .and_then(|()| roots.add(certificate))
                    .map_err(|error| unusable(error.to_string()))?;
            }
            let verifier = verifier(roots).map_err(unusable)?;
            each.push((authority.organization, verifier));
        }
        let together = verifier(all).map_err(|cause| TlsError::Authority {
            path: "listen.device_certificates".into(),
            cause,
        })?;
        Ok(Self { together, each })
    }

    /// For one handshake. Nothing is resumed: each connection's certificate is judged anew.
    pub(super) fn config(
        &self,
        resolver: Arc<dyn ResolvesServerCert>,
    ) -> Result<ServerConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(Arc::clone(&self.together))
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(config)
    }

    /// Whose certificate it is that a handshake accepted.
    pub(super) fn judge(&self, shown: &[CertificateDer<'_>]) -> Result<ClientCertificate, Nobodys> {
        let (own, chain) = shown.split_first().ok_or(Nobodys::Unreadable)?;
        let now = UnixTime::now();
        let signed = |verifier: &Arc<dyn ClientCertVerifier>| {
            verifier.verify_client_cert(own, chain, now).is_ok()
        };
        let mut organizations: Vec<_> = self
            .each
            .iter()
            .filter(|(_, verifier)| signed(verifier))
            .map(|(organization, _)| *organization)
            .collect();
        organizations.sort_by_key(|organization| organization.0);
        organizations.dedup();
        let [organization] = organizations[..] else {
            return Err(Nobodys::Authority);
        };
        let (rest, read) = X509Certificate::from_der(own).map_err(|_| Nobodys::Unreadable)?;
        if !rest.is_empty() {
            return Err(Nobodys::Unreadable);
        }
        let mut spki_sha256 = [0; 32];
        spki_sha256.copy_from_slice(digest(&SHA256, read.public_key().raw).as_ref());
        let subject = read.subject().to_string();
        let not_after = read.validity().not_after.timestamp();
        Ok(ClientCertificate {
            organization,
            device: device_of(&read).ok_or(Nobodys::Name)?,
            spki_sha256,
            subject: api::text::cleaned(&subject, SUBJECT_MAX_CHARS),
            serial: data_encoding::HEXLOWER.encode(read.raw_serial()),
            not_after: Timestamp(not_after.saturating_mul(1_000_000)),
        })
    }
}

fn verifier(roots: RootCertStore) -> Result<Arc<dyn ClientCertVerifier>, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| error.to_string())
}

/// The one name in a certificate. Where it has alternative names, the CN says nothing.
fn device_of(certificate: &X509Certificate<'_>) -> Option<String> {
    let names = certificate.subject_alternative_name().ok()?;
    if let Some(names) = names {
        let [name] = &names.value.general_names[..] else {
            return None;
        };
        return match name {
            GeneralName::DNSName(name) => label(name),
            GeneralName::URI(uri) => label(uri.strip_prefix("urn:uuid:")?),
            _ => None,
        };
    }
    let mut names = certificate.subject().iter_common_name();
    let (name, None) = (names.next()?, names.next()) else {
        return None;
    };
    label(name.as_str().ok()?)
}

/// Lower case letters, digits and hyphens: no wildcard, no dot, nothing to split.
fn label(text: &str) -> Option<String> {
    let is_label = (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    is_label.then(|| text.to_owned())
}
