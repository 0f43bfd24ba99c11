//! Errors as HTTP answers: the one table from code to status.

use std::fmt;

use api::{Problem, ProblemCode};
use axum::body::{Body, Bytes};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use http_body_util::Full;

use super::RequestId;

/// An error on its way to the client. Features turn their own errors into one of these with a
/// [`ProblemCode`]; status and wording follow from the code.
#[derive(Debug)]
pub struct ApiError {
    code: ProblemCode,
    detail: Option<String>,
    field: Option<String>,
    retry_after_s: Option<u32>,
    challenge: Option<HeaderValue>,
    /// For the log alone, where it is written once.
    cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl ApiError {
    /// An error that the code alone explains.
    #[must_use]
    pub const fn new(code: ProblemCode) -> Self {
        Self {
            code,
            detail: None,
            field: None,
            retry_after_s: None,
            challenge: None,
            cause: None,
        }
    }

    /// A fault of ours; `cause` goes to the log, never to the client.
    pub fn internal(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(ProblemCode::Internal)
        }
    }

    /// An input field that is not acceptable, and what would be.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            detail: Some(detail.into()),
            ..Self::new(ProblemCode::InvalidField)
        }
    }

    /// What it means here, and what to do.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// When to try again.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// How to authenticate (`WWW-Authenticate`).
    #[must_use]
    pub fn challenge(mut self, challenge: HeaderValue) -> Self {
        self.challenge = Some(challenge);
        self
    }

    #[must_use]
    pub const fn code(&self) -> ProblemCode {
        self.code
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        answer(self.code).0
    }
}

/// Status and title of each code.
fn answer(code: ProblemCode) -> (StatusCode, &'static str) {
    use ProblemCode as P;
    match code {
        P::BadRequest => (StatusCode::BAD_REQUEST, "The request is not well formed."),
        P::InvalidField => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "A field is not acceptable.",
        ),
        P::NotSignedIn => (StatusCode::UNAUTHORIZED, "Nobody is signed in."),
        P::WrongCredentials => (StatusCode::UNAUTHORIZED, "User name or password is wrong."),
        P::TooManyAttempts => (StatusCode::TOO_MANY_REQUESTS, "Too many attempts."),
        P::NotAllowed => (StatusCode::FORBIDDEN, "You may not do this."),
        P::CrossOrigin => (
            StatusCode::FORBIDDEN,
            "Requests from other origins are refused.",
        ),
        P::NotFound => (StatusCode::NOT_FOUND, "There is nothing here."),
        P::MethodNotAllowed => (
            StatusCode::METHOD_NOT_ALLOWED,
            "This method is not supported here.",
        ),
        P::Conflict => (StatusCode::CONFLICT, "It collides with what is there."),
        P::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "The body is too large."),
        P::UnsupportedMediaType => (
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "This content type is not accepted here.",
        ),
        P::InstallKeyInvalid => (StatusCode::FORBIDDEN, "The install key is not valid."),
        P::ProofInvalid => (
            StatusCode::UNAUTHORIZED,
            "The device's proof was not accepted.",
        ),
        P::UnsupportedProtocol => (
            StatusCode::UPGRADE_REQUIRED,
            "None of the offered protocols is spoken here.",
        ),
        P::DeviceOffline => (StatusCode::SERVICE_UNAVAILABLE, "The device is offline."),
        P::DeviceDisabled => (StatusCode::FORBIDDEN, "The device is disabled."),
        P::DeviceReconnecting => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The device is reconnecting.",
        ),
        P::ServiceNotOffered => (
            StatusCode::BAD_GATEWAY,
            "The device does not offer this service.",
        ),
        P::ServiceRefused => (
            StatusCode::BAD_GATEWAY,
            "Nothing answers at the service's port.",
        ),
        P::ServiceTimeout => (
            StatusCode::GATEWAY_TIMEOUT,
            "The service did not answer in time.",
        ),
        P::ServiceBroken => (StatusCode::BAD_GATEWAY, "The service broke off its answer."),
        P::Busy => (
            StatusCode::SERVICE_UNAVAILABLE,
            "There is too much to do right now.",
        ),
        P::Unavailable => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The server is stopping or starting.",
        ),
        // `ProblemCode` may gain codes before this table does; a fault of ours then.
        _ => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong here.",
        ),
    }
}

/// For the command line, whose user is the operator.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(
            self.detail
                .as_deref()
                .unwrap_or_else(|| answer(self.code).1),
        )?;
        self.cause
            .as_ref()
            .map_or(Ok(()), |cause| write!(f, " ({cause})"))
    }
}

impl std::error::Error for ApiError {}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, title) = answer(self.code);
        if let Some(cause) = &self.cause {
            tracing::error!(error = %cause, "request failed");
        }
        let problem = Problem {
            code: self.code,
            status: status.as_u16(),
            title: title.to_owned(),
            detail: self.detail,
            field: self.field,
            request_id: None,
        };
        let mut response = (status, axum::Json(&problem)).into_response();
        // For [`complete`], which knows the request's id.
        response.extensions_mut().insert(problem);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

const CONTENT_TYPE: &str = "application/problem+json";

/// A problem whose status is not its code's own: the refusals of heads, of which HTTP has more
/// kinds than programs need to tell apart.
pub(super) fn with_status(code: ProblemCode, status: StatusCode, detail: &str) -> Response {
    let mut response = ApiError::new(code).detail(detail).into_response();
    *response.status_mut() = status;
    if let Some(problem) = response.extensions_mut().get_mut::<Problem>() {
        problem.status = status.as_u16();
    }
    response
}

/// Writes the request's id into a problem. With `is_api`, errors that are no problems yet (the
/// framework's own) become some: programs get one kind of error only.
pub(super) fn complete(mut response: Response, id: &RequestId, is_api: bool) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        return rewritten(response, problem, id);
    }
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(CONTENT_TYPE.as_bytes()));
    if !is_api || !is_error || is_problem {
        return response;
    }
    let code = match status {
        StatusCode::NOT_FOUND => ProblemCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ProblemCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemCode::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemCode::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => ProblemCode::InvalidField,
        status if status.is_client_error() => ProblemCode::BadRequest,
        _ => ProblemCode::Internal,
    };
    let mut problem = Problem {
        code,
        status: status.as_u16(),
        title: answer(code).1.to_owned(),
        detail: None,
        field: None,
        request_id: None,
    };
    if status.is_client_error() {
        problem.detail = ready_text(response.body_mut());
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    rewritten(response, problem, id)
}

fn rewritten(response: Response, mut problem: Problem, id: &RequestId) -> Response {
    problem.request_id = Some(id.0.clone());
    let Ok(json) = serde_json::to_vec(&problem) else {
        return response;
    };
    let mut response = response.map(|_| Body::new(Full::new(Bytes::from(json))));
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_LENGTH);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

/// What a framework's rejection says, which it has at hand: why an input was not understood.
fn ready_text(body: &mut Body) -> Option<String> {
    use futures_util::FutureExt;
    use http_body_util::BodyExt;

    let frame = body.frame().now_or_never()??.ok()?;
    let text = String::from_utf8(frame.into_data().ok()?.to_vec()).ok()?;
    let text: String = text
        .trim()
        .chars()
        .filter(|char| !char.is_control())
        .take(500)
        .collect();
    (!text.is_empty()).then_some(text)
}
