//! Who may read the figures: they tell how much is used and when, so not everybody (SECURITY S44).

use std::net::IpAddr;

use http::{HeaderMap, StatusCode, header};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::config;

/// A shorter one could be guessed.
const TOKEN_LEAST_CHARS: usize = 16;

/// Why the token's file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    #[error("the file {path} cannot be read")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error("the file {path} holds fewer than {TOKEN_LEAST_CHARS} characters, or a space inside")]
    Unfit { path: String },
}

/// Decides it for each request.
pub struct Access {
    token: Option<Zeroizing<String>>,
    /// Without a token only a page that this machine itself calls by address is no page of others.
    checks_host: bool,
}

impl Access {
    /// By the configuration; reads the token's file.
    ///
    /// # Errors
    /// [`TokenError`]
    pub fn new(config: &config::Metrics) -> Result<Self, TokenError> {
        let token = config.token_file.as_deref().map(|file| {
            let path = file.display().to_string();
            let text = std::fs::read_to_string(file).map(Zeroizing::new);
            let text = text.map_err(|source| TokenError::File {
                path: path.clone(),
                source,
            })?;
            let token = Zeroizing::new(text.trim().to_owned());
            let fit =
                token.len() >= TOKEN_LEAST_CHARS && token.bytes().all(|b| b.is_ascii_graphic());
            fit.then_some(token).ok_or(TokenError::Unfit { path })
        });
        let token = token.transpose()?;
        Ok(Self {
            checks_host: token.is_none() && !config.allow_remote,
            token,
        })
    }

    /// Whether this request may read.
    ///
    /// # Errors
    /// The status to answer with.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), StatusCode> {
        if let Some(token) = &self.token {
            let given = headers
                .get(header::AUTHORIZATION)
                .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
            let right = given.is_some_and(|given| bool::from(given.ct_eq(token.as_bytes())));
            return right.then_some(()).ok_or(StatusCode::UNAUTHORIZED);
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        // A page on the web can have its own name lead to this machine, and then read: not by
        // address.
        if self.checks_host && !host.is_some_and(is_literal) {
            return Err(StatusCode::MISDIRECTED_REQUEST);
        }
        Ok(())
    }
}

/// An address or `localhost`, with or without port.
fn is_literal(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, value.parse().unwrap())])
    }

    #[test]
    fn s44_without_a_token_only_an_address_is_answered() {
        let access = Access::new(&config::Metrics::default()).unwrap();
        for (host, answered) in [
            ("127.0.0.1:9464", true),
            ("[::1]:9464", true),
            ("localhost:9464", true),
            ("127.0.0.1", true),
            ("evil.example:9464", false),
            ("localhost.evil.example", false),
            ("", false),
        ] {
            let judged = access.check(&headers(header::HOST, host));
            assert_eq!(judged.is_ok(), answered, "{host}");
        }
        assert!(access.check(&HeaderMap::new()).is_err());
    }

    #[test]
    fn s44_a_token_is_compared_whole() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        let config = config::Metrics {
            token_file: Some(file.clone()),
            ..config::Metrics::default()
        };
        assert!(matches!(Access::new(&config), Err(TokenError::File { .. })));
        std::fs::write(&file, "short\n").unwrap();
        assert!(matches!(
            Access::new(&config),
            Err(TokenError::Unfit { .. })
        ));
        std::fs::write(&file, "0123456789abcdef\n").unwrap();
        let access = Access::new(&config).unwrap();
        for (given, right) in [
            ("Bearer 0123456789abcdef", true),
            ("Bearer 0123456789abcdeF", false),
            ("Bearer 0123456789abcde", false),
            ("Bearer ", false),
            ("Basic 0123456789abcdef", false),
        ] {
            let judged = access.check(&headers(header::AUTHORIZATION, given));
            assert_eq!(judged.is_ok(), right, "{given}");
        }
        assert_eq!(
            access.check(&HeaderMap::new()),
            Err(StatusCode::UNAUTHORIZED)
        );
    }
}
