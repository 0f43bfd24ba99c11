//! Errors as the API tells them (RFC 9457).

use serde::{Deserialize, Serialize};

/// The body of every error answer, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Stable, for programs.
    pub code: ProblemCode,
    /// The HTTP status, repeated.
    pub status: u16,
    /// One sentence for people: what happened.
    pub title: String,
    /// What it means here, and what to do; never anything internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The input field that is wrong, as a dotted path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Names this request in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// What went wrong, stable across versions. A client that does not know a code goes by the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemCode {
    /// The request is not well formed.
    BadRequest,
    /// A field of the input is not acceptable; `field` names it.
    InvalidField,
    /// Nobody is signed in, or the sign-in has ended.
    NotSignedIn,
    /// User name or password is wrong.
    WrongCredentials,
    /// Too many attempts; `Retry-After` says when to try again.
    TooManyAttempts,
    /// Signed in, but not allowed to do this.
    NotAllowed,
    /// A browser sent this from another origin.
    CrossOrigin,
    /// There is nothing here, or nothing the caller may see.
    NotFound,
    /// The method is not supported here.
    MethodNotAllowed,
    /// It collides with what is there.
    Conflict,
    /// The body is larger than accepted.
    TooLarge,
    /// The content type is not accepted here.
    UnsupportedMediaType,
    /// The install key is unknown, used up, expired or revoked.
    InstallKeyInvalid,
    /// The device's proof of its key did not verify.
    ProofInvalid,
    /// None of the offered sub-protocols is spoken here.
    UnsupportedProtocol,
    /// The device has no tunnel to the server now.
    DeviceOffline,
    /// Somebody has disabled the device: it is kept out until it is enabled again.
    DeviceDisabled,
    /// The device lost its tunnel a moment ago and is expected back.
    DeviceReconnecting,
    /// The device answered that it has no such service, or will not let it be reached.
    ServiceNotOffered,
    /// The device could not connect to the service: nothing listens there.
    ServiceRefused,
    /// The service did not answer in time.
    ServiceTimeout,
    /// The service broke off or answered what cannot be passed on.
    ServiceBroken,
    /// The server or the device has all it can carry; try again shortly.
    Busy,
    /// The server is stopping or not ready yet.
    Unavailable,
    /// A fault of the server. The request id finds it in the log.
    Internal,
}
