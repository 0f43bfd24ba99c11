//! What a tool is told where it is not connected: it shows the reason phrase.

use ::http::StatusCode;
use api::ProblemCode;
use axum::response::{IntoResponse, Response};
use hyper::ext::ReasonPhrase;

use crate::accounts::AccountsError;
use crate::http::ApiError;
use crate::relay::OpenError;

/// Why not.
#[derive(Debug)]
pub(super) enum Phrase {
    Browser,
    NotWebTunnel,
    NoPort,
    NoCredential,
    Token,
    Password,
    SecondFactor,
    TooManyAttempts(u32),
    NotAllowed,
    NoDevice,
    Failed,
    Open(OpenError),
}

impl Phrase {
    pub(super) fn of_account(error: AccountsError) -> Self {
        match error {
            AccountsError::WrongCredentials => Self::Password,
            AccountsError::SecondFactorWanted => Self::SecondFactor,
            AccountsError::Ended => Self::Token,
            AccountsError::TooManyAttempts { retry_after_s } => {
                Self::TooManyAttempts(retry_after_s)
            }
            AccountsError::Busy => Self::Open(OpenError::Busy),
            error => {
                tracing::error!(%error, "a tool could not be checked");
                Self::Failed
            }
        }
    }

    pub(super) const fn of_open(error: OpenError) -> Self {
        Self::Open(error)
    }

    pub(super) fn answer(self) -> Response {
        use ProblemCode as P;
        let (error, phrase) = match self {
            Self::Browser => (ApiError::new(P::CrossOrigin), "No browser belongs here"),
            Self::NotWebTunnel => (ApiError::new(P::BadRequest), "Not a WebTunnel request"),
            Self::NoPort => (ApiError::new(P::BadRequest), "No remote port given"),
            Self::NoCredential => (
                ApiError::new(P::NotSignedIn),
                "User name and password or a token wanted",
            ),
            Self::Token => (
                ApiError::new(P::NotSignedIn),
                "The token is unknown or has expired",
            ),
            Self::Password => (
                ApiError::new(P::WrongCredentials),
                "User name or password is wrong",
            ),
            Self::SecondFactor => (
                ApiError::new(P::WrongCredentials),
                "A one-time code is wanted: use remote-login",
            ),
            Self::TooManyAttempts(seconds) => (
                ApiError::new(P::TooManyAttempts).retry_after(seconds),
                "Too many attempts: try again later",
            ),
            Self::NotAllowed => (
                ApiError::new(P::NotAllowed),
                "You may not connect to devices",
            ),
            Self::NoDevice => (ApiError::new(P::NotFound), "There is no such device"),
            Self::Failed => (ApiError::new(P::Unavailable), "The server has a fault"),
            Self::Open(error) => {
                let error = ApiError::from(error);
                let phrase = of_problem(error.code());
                (error, phrase)
            }
        };
        let mut response = error.into_response();
        tell(&mut response, phrase);
        response
    }
}

const fn of_problem(code: ProblemCode) -> &'static str {
    use ProblemCode as P;
    match code {
        P::DeviceOffline => "The device is offline",
        P::DeviceDisabled => "The device is disabled",
        P::DeviceReconnecting => "The device is reconnecting",
        P::ServiceNotOffered => "The device does not forward this port",
        P::ServiceRefused => "Nothing answers at this port of the device",
        P::ServiceTimeout => "The device did not answer in time",
        P::NotSignedIn => "The right to connect has ended",
        P::Busy => "Too many connections: try again later",
        _ => "The connection to the device broke",
    }
}

fn tell(response: &mut Response, phrase: &'static str) {
    debug_assert!(response.status() != StatusCode::SWITCHING_PROTOCOLS);
    if let Ok(phrase) = ReasonPhrase::try_from(phrase.as_bytes()) {
        response.extensions_mut().insert(phrase);
    }
}
