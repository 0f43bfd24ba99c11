//! What an agent is told where it is not let in. It shows `X-PTTH-Error`, and tries again.

use ::http::HeaderValue;
use api::ProblemCode;
use axum::response::Response;

use crate::http::{ApiError, webtunnel_refusal};
use crate::relay::NotAdmitted;

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Browser,
    NotWebTunnel,
    NoCredential,
    NoDomain,
    Wrong,
    Certificate,
    Busy,
    Crowded,
    Failed,
    NotAdmitted(NotAdmitted),
}

impl Refusal {
    pub(super) fn answer(self) -> Response {
        let unauthorized = || {
            ApiError::new(ProblemCode::ProofInvalid)
                .challenge(HeaderValue::from_static("Basic realm=\"WebTunnel\""))
        };
        let later = |code| ApiError::new(code).retry_after(5);
        let (error, text) = match self {
            Self::Browser => (
                ApiError::new(ProblemCode::CrossOrigin),
                "No browser belongs here.",
            ),
            Self::NotWebTunnel => (
                ApiError::new(ProblemCode::BadRequest),
                "This is no request for a WebTunnel.",
            ),
            Self::NoCredential => (
                unauthorized(),
                "Who is this? Set webtunnel.username to deviceId@domain, and webtunnel.password.",
            ),
            Self::NoDomain => (
                unauthorized(),
                "This server does not know the domain: check webtunnel.domain.",
            ),
            Self::Wrong => (
                unauthorized(),
                "The password is wrong, or the domain has no such device.",
            ),
            Self::Certificate => (
                unauthorized(),
                "The device needs its client certificate, and this is not it, or it is revoked.",
            ),
            Self::Busy => (
                later(ProblemCode::Busy),
                "Too many passwords are being checked: try again later.",
            ),
            Self::Crowded => (
                later(ProblemCode::Busy),
                "Too many new devices register themselves in this domain: try again later.",
            ),
            Self::Failed => (
                later(ProblemCode::Unavailable),
                "The server has a fault: its log says more.",
            ),
            Self::NotAdmitted(NotAdmitted::Stopping) => (
                later(ProblemCode::Unavailable),
                "The server is just stopping: try again later.",
            ),
            Self::NotAdmitted(NotAdmitted::Disabled) => (
                ApiError::new(ProblemCode::DeviceDisabled),
                "Device disabled",
            ),
            Self::NotAdmitted(NotAdmitted::Duplicate) => (
                ApiError::new(ProblemCode::Conflict),
                "Another agent with this device id is connected, and the two kept replacing each \
                 other.",
            ),
            Self::NotAdmitted(NotAdmitted::Full) => {
                (later(ProblemCode::Busy), "The server is full.")
            }
            Self::NotAdmitted(NotAdmitted::Busy) => (
                later(ProblemCode::Busy),
                "Too many devices come at once: try again later.",
            ),
        };
        webtunnel_refusal(error, text)
    }
}
