//! The caller of an API request.

use api::ProblemCode;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, header};

use crate::access::{Action, Decision, Principal, decide};
use crate::http::ApiError;
use crate::state::AppState;

use super::{Presented, SIGN_IN_COOKIE, cookies, presented};

/// Extracts the caller from cookie or bearer token; refuses when there is none.
/// A request with a bearer token is judged by it and its cookies are ignored.
pub struct Caller(pub Principal);

impl Caller {
    /// The principal, if it may do this.
    ///
    /// # Errors
    /// `not_allowed`
    pub fn may(self, action: Action) -> Result<Principal, ApiError> {
        match decide(&self.0, action) {
            Decision::Allow => Ok(self.0),
            Decision::Deny => Err(ApiError::new(ProblemCode::NotAllowed)),
        }
    }
}

/// Nobody is signed in, or the database failed. Answers also make the browser forget a cookie
/// that no longer opens anything.
#[derive(Debug)]
pub struct CallerRefused {
    error: ApiError,
    forget_cookie: bool,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = CallerRefused;

    async fn from_request_parts(
        parts: &mut Parts,
        state: &AppState,
    ) -> Result<Self, CallerRefused> {
        let failed = |error| CallerRefused {
            error,
            forget_cookie: false,
        };
        match bearer(&parts.headers) {
            Bearer::Absent => match state.accounts.signed_in(&parts.headers).await {
                Ok(Some(principal)) => Ok(Self(principal)),
                Ok(None) => Err(CallerRefused {
                    error: ApiError::new(ProblemCode::NotSignedIn),
                    forget_cookie: presented(&parts.headers, SIGN_IN_COOKIE) != Presented::Nothing,
                }),
                Err(error) => Err(failed(error)),
            },
            Bearer::Malformed => Err(failed(bad_token())),
            Bearer::Token(token) => match state.accounts.bearer(token).await {
                Ok(Some(principal)) => Ok(Self(principal)),
                Ok(None) => Err(failed(bad_token())),
                Err(error) => Err(failed(error.into())),
            },
        }
    }
}

impl From<CallerRefused> for ApiError {
    fn from(refused: CallerRefused) -> Self {
        refused.error
    }
}

impl IntoResponse for CallerRefused {
    fn into_response(self) -> Response {
        let mut response = self.error.into_response();
        if self.forget_cookie
            && let Some(line) = cookies::clear(SIGN_IN_COOKIE)
        {
            response.headers_mut().append(header::SET_COOKIE, line);
        }
        response
    }
}

enum Bearer<'a> {
    Absent,
    Malformed,
    Token(&'a str),
}

fn bearer(headers: &HeaderMap) -> Bearer<'_> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let Some(line) = lines.next() else {
        return Bearer::Absent;
    };
    let Ok(text) = line.to_str() else {
        return Bearer::Malformed;
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if lines.next().is_some() || !scheme.eq_ignore_ascii_case("bearer") {
        return Bearer::Malformed;
    }
    Bearer::Token(token.trim())
}

fn bad_token() -> ApiError {
    ApiError::new(ProblemCode::NotSignedIn)
        .detail("The token is unknown, deleted or expired.")
        .challenge(HeaderValue::from_static("Bearer error=\"invalid_token\""))
}
