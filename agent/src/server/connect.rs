//! `CONNECT` at an HTTP proxy (RFC 9110 section 9.3.6).

use std::io;

use bytes::Bytes;
use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::Full;

use super::http1::{Connection, Failure};
use super::{Io, ServerError, plain};
use crate::proxy::{ProxyUrl, ProxyVariableError};

/// Why a proxy leads nowhere, and what to do about it. Never holds what it was told as password.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The environment names none that can be used.
    #[error(transparent)]
    Variable(#[from] ProxyVariableError),
    /// Its name has no address.
    #[error("the name of the proxy {proxy} could not be resolved: {source}")]
    Resolve {
        /// Which.
        proxy: String,
        /// Why.
        source: io::Error,
    },
    /// No connection to it.
    #[error("no connection to the proxy {proxy}: {source}")]
    Unreachable {
        /// Which.
        proxy: String,
        /// Why.
        source: io::Error,
    },
    /// It took the connection and says nothing.
    #[error(
        "the proxy {proxy} did not answer in time; it may be overloaded, or no proxy is at this \
         address"
    )]
    TimedOut {
        /// Which.
        proxy: String,
    },
    /// It hung up.
    #[error(
        "the proxy {proxy} closed the connection without an answer: is this an HTTP proxy, at the \
         right port, that serves this device?"
    )]
    Closed {
        /// Which.
        proxy: String,
    },
    /// It speaks, but not HTTP.
    #[error(
        "what answers at the proxy's address {proxy} is no HTTP proxy: check host, port and \
         http:// or https://"
    )]
    NoProxy {
        /// Which.
        proxy: String,
    },
    /// 407 to an agent that has no credentials.
    #[error(
        "the proxy {proxy} wants a user name and a password (407): set proxy = \
         \"http://USER:PASSWORD@HOST:PORT\" in the agent's configuration"
    )]
    CredentialsWanted {
        /// Which.
        proxy: String,
    },
    /// 407, or tinyproxy's 401, to the credentials it was given.
    #[error(
        "the proxy {proxy} does not take this user name and password ({status}): correct them in \
         the agent's configuration (special characters as %40)"
    )]
    CredentialsRefused {
        /// Which.
        proxy: String,
        /// What it said.
        status: StatusCode,
    },
    /// 407, and Basic is not among what it takes.
    #[error(
        "the proxy {proxy} wants another proof than a password (407, {schemes}), which this agent \
         cannot give: ask for an exception for {target}, or for Basic"
    )]
    CredentialsOther {
        /// Which.
        proxy: String,
        /// Where to.
        target: String,
        /// What it takes.
        schemes: String,
    },
    /// 401 or 403.
    #[error(
        "the proxy {proxy} does not allow connections to {target} ({status}): ask whoever runs it \
         to allow CONNECT to it"
    )]
    Forbidden {
        /// Which.
        proxy: String,
        /// Where to.
        target: String,
        /// What it said.
        status: StatusCode,
    },
    /// 500, 502, 503 or 504.
    #[error(
        "the proxy {proxy} could not connect to {target} ({status}): is the server's address \
         right, does it run, and may the proxy reach it?"
    )]
    NoRoute {
        /// Which.
        proxy: String,
        /// Where to.
        target: String,
        /// What it said.
        status: StatusCode,
    },
    /// Anything else.
    #[error(
        "the proxy {proxy} does not connect to {target} ({status}): it may be a web server or a \
         sign-in page instead of a proxy"
    )]
    Refused {
        /// Which.
        proxy: String,
        /// Where to.
        target: String,
        /// What it said.
        status: StatusCode,
    },
}

impl ProxyError {
    /// Whether only a person can change it. Asking again soon could lock an account.
    pub(super) const fn is_lasting(&self) -> bool {
        matches!(
            self,
            Self::Variable(_)
                | Self::CredentialsWanted { .. }
                | Self::CredentialsRefused { .. }
                | Self::CredentialsOther { .. }
                | Self::Forbidden { .. }
        )
    }
}

/// Asks the proxy at the other end of `io` for a connection to `host` and `port`. Bounded in time
/// and size as every answer is.
pub(super) async fn connect(
    io: Box<dyn Io>,
    proxy: &ProxyUrl,
    target: String,
) -> Result<Box<dyn Io>, ServerError> {
    let mut connection = Connection::open(io).await?;
    let request = compose(proxy, &target)?;
    let answer = connection
        .exchange(request)
        .await
        .map_err(|failure| explain(&failure, proxy))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(Box::new(connection.upgrade(answer).await?));
    }
    Err(refused(status, answer.headers(), proxy, target).into())
}

fn compose(proxy: &ProxyUrl, target: &str) -> Result<Request<Full<Bytes>>, ServerError> {
    let malformed = ServerError::Answer("its address fits into no request");
    let (Ok(host), Ok(authority)) = (HeaderValue::from_str(target), target.parse::<Authority>())
    else {
        return Err(malformed);
    };
    let mut request = Request::new(Full::default());
    *request.method_mut() = Method::CONNECT;
    *request.uri_mut() = Uri::from(authority);
    let headers = request.headers_mut();
    headers.insert(header::HOST, host);
    let user_agent = concat!("adit-agent/", env!("CARGO_PKG_VERSION"));
    headers.insert(header::USER_AGENT, HeaderValue::from_static(user_agent));
    if let Some(authorization) = proxy.authorization() {
        headers.insert(header::PROXY_AUTHORIZATION, authorization);
    }
    Ok(request)
}

fn explain(failure: &Failure, proxy: &ProxyUrl) -> ServerError {
    let proxy = proxy.to_string();
    let error = match failure {
        Failure::TimedOut => ProxyError::TimedOut { proxy },
        Failure::Broken(error) if error.is_parse() => ProxyError::NoProxy { proxy },
        Failure::Broken(_) => ProxyError::Closed { proxy },
    };
    error.into()
}

fn refused(
    status: StatusCode,
    headers: &HeaderMap,
    proxy: &ProxyUrl,
    target: String,
) -> ProxyError {
    let has_credentials = proxy.has_credentials();
    let proxy = proxy.to_string();
    match status {
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => match other_schemes(headers) {
            Some(schemes) => ProxyError::CredentialsOther {
                proxy,
                target,
                schemes,
            },
            None if has_credentials => ProxyError::CredentialsRefused { proxy, status },
            None => ProxyError::CredentialsWanted { proxy },
        },
        StatusCode::UNAUTHORIZED if has_credentials => {
            ProxyError::CredentialsRefused { proxy, status }
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProxyError::Forbidden {
            proxy,
            target,
            status,
        },
        StatusCode::INTERNAL_SERVER_ERROR
        | StatusCode::BAD_GATEWAY
        | StatusCode::SERVICE_UNAVAILABLE
        | StatusCode::GATEWAY_TIMEOUT => ProxyError::NoRoute {
            proxy,
            target,
            status,
        },
        _ => ProxyError::Refused {
            proxy,
            target,
            status,
        },
    }
}

/// The names of what the proxy takes; `None` when Basic is among them or it does not say.
fn other_schemes(headers: &HeaderMap) -> Option<String> {
    let challenges: Vec<&str> = headers
        .get_all(header::PROXY_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split_ascii_whitespace().next())
        .collect();
    let has_basic = challenges
        .iter()
        .any(|scheme| scheme.eq_ignore_ascii_case("basic"));
    (!challenges.is_empty() && !has_basic).then(|| plain(&challenges.join(", ")))
}
