//! Why the server could not be had, in words for the person at the device.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use api::{Problem, ProblemCode};
use http::{HeaderMap, StatusCode, header};
use tunnel::driver::{Closed, GoAway, GoAwayReason, HandshakeError};

use super::connect::ProxyError;
use crate::reconnect::Advice;

/// Why the server could not be reached, trusted or understood.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Its name has no address.
    #[error("the server's name {host} could not be resolved: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// Why.
        source: io::Error,
    },
    /// No address answers.
    #[error("no connection to {authority}: {source}")]
    Connect {
        /// Host and port.
        authority: String,
        /// Why, at the last address tried.
        source: io::Error,
    },
    /// The way through the proxy is closed.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// Its certificate is not to be trusted, or there is no TLS at the other end.
    #[error("{0}")]
    Tls(String),
    /// The configured certificates cannot be used.
    #[error("the certificates in {path}: {reason}", path = path.display())]
    CaFile {
        /// `ca_file`.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The device's own certificate cannot be used.
    #[error("the device's certificate, {path}: {reason}", path = path.display())]
    ClientCertificate {
        /// Of `client_certificate`.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Nothing came in time.
    #[error("the server took too long: {0}")]
    TimedOut(&'static str),
    /// The connection broke while a request was under way.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// It is no Adit server, or speaks another language.
    #[error("this does not look like an Adit server: {0}")]
    Answer(&'static str),
    /// Following would hand the device to whoever wrote the redirect.
    #[error(
        "the server redirects to {0:?}; redirects are never followed, configure the address itself"
    )]
    Redirect(String),
    /// It said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The HELLOs failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}

/// The server's no.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server refuses ({status}): {text}")]
pub struct Refusal {
    /// The HTTP status.
    pub status: StatusCode,
    /// Why, for programs.
    pub code: Option<ProblemCode>,
    /// Why, for people; cut and cleaned.
    pub text: String,
    /// When to try again.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// From an answer that is not the one hoped for.
    pub(super) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let problem: Option<Problem> = serde_json::from_slice(body).ok();
        let retry_after = headers.get(header::RETRY_AFTER).and_then(|value| {
            value
                .to_str()
                .ok()?
                .trim()
                .parse()
                .ok()
                .map(Duration::from_secs)
        });
        let text = problem.as_ref().map_or_else(
            || {
                status
                    .canonical_reason()
                    .unwrap_or("no reason given")
                    .to_owned()
            },
            |problem| {
                let detail = problem.detail.as_deref().unwrap_or_default();
                plain(&format!("{} {detail}", problem.title))
            },
        );
        Self {
            status,
            code: problem.map(|problem| problem.code),
            text,
            retry_after,
        }
    }
}

impl ServerError {
    /// What it means for the next attempt.
    pub(crate) fn advice(&self) -> Advice {
        match self {
            Self::Refused(refusal) => match (refusal.retry_after, refusal.status) {
                (Some(wait), _) => Advice::After(wait),
                (_, StatusCode::CONFLICT) => Advice::Replaced,
                (
                    _,
                    StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::UPGRADE_REQUIRED,
                ) => Advice::Slow,
                _ => Advice::None,
            },
            Self::Proxy(error) if error.is_lasting() => Advice::Slow,
            Self::Redirect(_) | Self::CaFile { .. } => Advice::Slow,
            Self::Handshake(HandshakeError::GoAway(goaway)) => advice_of(goaway),
            Self::Handshake(HandshakeError::Protocol(_)) => Advice::Slow,
            _ => Advice::None,
        }
    }
}

/// What a tunnel's end means for the next attempt.
pub(crate) fn advice_after(closed: &Closed) -> Advice {
    match closed {
        Closed::GoAway(goaway) => advice_of(goaway),
        Closed::Protocol(_) => Advice::Slow,
        _ => Advice::None,
    }
}

/// The URL of a GOAWAY is not looked at: this agent knows one server, its own (S30).
fn advice_of(goaway: &GoAway) -> Advice {
    match goaway.reason {
        GoAwayReason::Restart => Advice::Restart(goaway.reconnect_after),
        GoAwayReason::Move | GoAwayReason::Ids => Advice::AtOnce,
        GoAwayReason::Replaced => Advice::Replaced,
        GoAwayReason::Disabled | GoAwayReason::Protocol => Advice::Slow,
        GoAwayReason::Other(_) => Advice::After(goaway.reconnect_after),
    }
}

/// Text from the network for a log line: one line, short, nothing that moves a terminal's cursor.
pub(super) fn plain(text: &str) -> String {
    let clean = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    clean.take(300).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refusal(status: u16, retry_after: Option<&'static str>) -> ServerError {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
        }
        Refusal::from_answer(StatusCode::from_u16(status).unwrap(), &headers, b"{}").into()
    }

    #[test]
    fn r07_refusals_are_understood() {
        for (status, retry_after, advice) in [
            (401, None, Advice::Slow),
            (403, None, Advice::Slow),
            (409, None, Advice::Replaced),
            (426, None, Advice::Slow),
            (429, Some("7"), Advice::After(Duration::from_secs(7))),
            (503, Some("2"), Advice::After(Duration::from_secs(2))),
            (503, Some("Wed, 21 Oct 2026 07:28:00 GMT"), Advice::None),
            (503, None, Advice::None),
            (500, None, Advice::None),
        ] {
            assert_eq!(refusal(status, retry_after).advice(), advice, "{status}");
        }
    }

    #[test]
    fn a_refusal_tells_what_the_server_told_without_its_control_characters() {
        let body = br#"{"code":"install_key_invalid","status":403,"title":"No.","detail":"\u001b[2JAsk."}"#;
        let refusal = Refusal::from_answer(StatusCode::FORBIDDEN, &HeaderMap::new(), body);
        assert_eq!(refusal.code, Some(ProblemCode::InstallKeyInvalid));
        assert_eq!(refusal.text, "No.  [2JAsk.");
    }

    #[test]
    fn s30_a_goaway_never_names_another_server() {
        let goaway = GoAway {
            reason: GoAwayReason::Move,
            reconnect_after: Duration::ZERO,
            url: Some("https://evil.example".into()),
        };
        assert_eq!(advice_after(&Closed::GoAway(goaway)), Advice::AtOnce);
    }
}
