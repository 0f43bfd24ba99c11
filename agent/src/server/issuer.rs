//! Who signed a certificate that nobody here trusts: the one thing a person needs to know to tell
//! an inspecting proxy or a private CA from an attack.

use std::fmt;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

use super::plain;

/// The usual verifier; where it knows no issuer, the error says which one there was.
#[derive(Debug)]
pub(super) struct NamingVerifier(pub(super) Arc<WebPkiServerVerifier>);

/// Instead of [`CertificateError::UnknownIssuer`].
#[derive(Debug)]
pub(super) struct UnknownIssuer {
    /// Cut and cleaned; `None` where it has no name.
    pub(super) issuer: Option<String>,
}

impl fmt::Display for UnknownIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.issuer {
            Some(issuer) => write!(f, "unknown issuer {issuer:?}"),
            None => f.write_str("unknown issuer without a name"),
        }
    }
}

impl std::error::Error for UnknownIssuer {}

impl ServerCertVerifier for NamingVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verdict =
            self.0
                .verify_server_cert(certificate, intermediates, name, ocsp_response, now);
        match verdict {
            // A false CA may bear the true one's name: then the signature gives it away.
            Err(Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            )) => {
                let issuer = issuer_of(intermediates.last().unwrap_or(certificate));
                let error = OtherError(Arc::new(UnknownIssuer { issuer }));
                Err(Error::InvalidCertificate(CertificateError::Other(error)))
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
/// Object identifiers with their tag: 2.5.4.3, 2.5.4.10, 2.5.4.11.
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ORGANIZATION: &[u8] = &[0x55, 4, 10];
const UNIT: &[u8] = &[0x55, 4, 11];

fn issuer_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    name_of(certificate.issuer())
}

/// The common name and the organization of a distinguished name (RFC 5280 section 4.1.2.4).
fn name_of(mut distinguished_name: &[u8]) -> Option<String> {
    let (mut common_name, mut organization) = (None, None);
    while let Some((SET, mut set, rest)) = element(distinguished_name) {
        distinguished_name = rest;
        while let Some((SEQUENCE, pair, rest)) = element(set) {
            set = rest;
            let (_, kind, value) = element(pair)?;
            let (_, value, _) = element(value)?;
            let text = || Some(plain(&String::from_utf8_lossy(value)));
            match kind {
                COMMON_NAME => common_name = text(),
                ORGANIZATION => organization = text(),
                UNIT if organization.is_none() => organization = text(),
                _ => {}
            }
        }
    }
    match (common_name, organization) {
        (Some(name), Some(organization)) => Some(format!("{name}, {organization}")),
        (name, organization) => name.or(organization),
    }
}

/// Tag, content and what follows of the first DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => {
            let (length, rest) = rest.split_first_chunk::<2>()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        // No name is that long.
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair};

    use super::*;

    fn issuer(parts: &[(DnType, &str)]) -> Option<String> {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, text) in parts {
            params.distinguished_name.push(kind.clone(), *text);
        }
        let key = KeyPair::generate().unwrap();
        issuer_of(params.self_signed(&key).unwrap().der())
    }

    #[test]
    fn the_issuer_is_named_as_people_know_it() {
        let long = "x".repeat(2000);
        for (parts, name) in [
            (
                &[
                    (DnType::CountryName, "DE"),
                    (DnType::OrganizationName, "Größe AG"),
                    (DnType::OrganizationalUnitName, "IT"),
                    (DnType::CommonName, "Inspection CA"),
                ][..],
                Some("Inspection CA, Größe AG".to_owned()),
            ),
            (
                &[(DnType::OrganizationalUnitName, "IT")],
                Some("IT".to_owned()),
            ),
            (
                &[(DnType::CommonName, "a\u{1b}[2Jb\nc")],
                Some("a [2Jb c".to_owned()),
            ),
            (&[(DnType::CommonName, &long)], Some("x".repeat(300))),
            (&[], None),
        ] {
            assert_eq!(issuer(parts), name);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = name_of(&bytes);
            let _ = issuer_of(&CertificateDer::from(bytes));
        }
    }
}
