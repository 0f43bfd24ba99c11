//! Why a device's page could not be shown.

use std::time::{Duration, UNIX_EPOCH};

use api::{ProblemCode, Timestamp};
use http::StatusCode;
use tunnel::wire::Code;

use crate::access::Principal;
use crate::devices::WebService;
use crate::http::ApiError;
use crate::relay::OpenError;
use crate::state::AppState;

/// What went wrong; pages and problems are made of it.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing here, or nothing the visitor may see.
    NotFound,
    /// Nobody is signed in at this host, and this request cannot change that.
    NotSignedIn,
    /// Another origin's page sent it.
    CrossOrigin,
    /// Service workers would outlive the sign-in.
    ServiceWorker,
    /// An upgrade that is no WebSocket's.
    BadUpgrade,
    Offline,
    /// Somebody keeps the device out.
    Disabled,
    Reconnecting,
    NotOffered,
    /// The service's port refuses, or its host cannot be reached.
    Refused,
    /// No answer in time.
    TimedOut,
    /// What was answered cannot be passed on, or ended in the middle.
    Broken,
    Busy,
    /// The right to it ended meanwhile.
    Revoked,
    /// Any fault that has a problem of its own.
    Other(ApiError),
}

impl Failure {
    pub(super) fn code(&self) -> ProblemCode {
        match self {
            Self::NotFound => ProblemCode::NotFound,
            Self::NotSignedIn | Self::Revoked => ProblemCode::NotSignedIn,
            Self::CrossOrigin => ProblemCode::CrossOrigin,
            Self::ServiceWorker => ProblemCode::NotAllowed,
            Self::BadUpgrade => ProblemCode::BadRequest,
            Self::Offline => ProblemCode::DeviceOffline,
            Self::Disabled => ProblemCode::DeviceDisabled,
            Self::Reconnecting => ProblemCode::DeviceReconnecting,
            Self::NotOffered => ProblemCode::ServiceNotOffered,
            Self::Refused => ProblemCode::ServiceRefused,
            Self::TimedOut => ProblemCode::ServiceTimeout,
            Self::Broken => ProblemCode::ServiceBroken,
            Self::Busy => ProblemCode::Busy,
            Self::Other(error) => error.code(),
        }
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Other(error) => error.status(),
            _ => ApiError::new(self.code()).status(),
        }
    }

    /// Seconds after which a page tries again by itself; `None` where trying helps nothing.
    pub(super) const fn retry_after_s(&self) -> Option<u32> {
        match self {
            Self::Reconnecting | Self::Busy => Some(3),
            Self::Offline | Self::Refused => Some(10),
            _ => None,
        }
    }
}

impl Failure {
    /// Once, where it is answered with a page; problems log themselves.
    pub(super) fn log(&self) {
        if let Self::Other(error) = self
            && error.code() == ProblemCode::Internal
        {
            tracing::error!(?error, "request failed");
        }
    }
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Offline => Self::Offline,
            OpenError::Disabled => Self::Disabled,
            OpenError::Reconnecting => Self::Reconnecting,
            OpenError::TimedOut => Self::TimedOut,
            OpenError::Busy => Self::Busy,
            OpenError::Revoked => Self::Revoked,
            OpenError::Refused { code, .. } => match code {
                Code::NotOffered | Code::NotAllowed => Self::NotOffered,
                Code::Refused | Code::Unreachable => Self::Refused,
                Code::TimedOut => Self::TimedOut,
                Code::Busy => Self::Busy,
                Code::Draining | Code::Reconnecting | Code::Stale => Self::Reconnecting,
                Code::Revoked => Self::Revoked,
                _ => Self::Broken,
            },
        }
    }
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Other(error)
    }
}

impl From<Failure> for ApiError {
    fn from(failure: Failure) -> Self {
        let retry_after_s = failure.retry_after_s();
        let detail = match &failure {
            Failure::ServiceWorker => Some("Service workers are not supported at device pages."),
            Failure::BadUpgrade => Some("Only WebSocket upgrades are passed on."),
            _ => None,
        };
        let mut error = match failure {
            Failure::Other(error) => return error,
            failure => Self::new(failure.code()),
        };
        if let Some(detail) = detail {
            error = error.detail(detail);
        }
        match retry_after_s {
            Some(seconds) => error.retry_after(seconds),
            None => error,
        }
    }
}

/// What is known of a device whose page could not be shown.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    pub(super) name: String,
    pub(super) service: String,
    /// Since when it is as it is, for people: `for 3 hours (since …)`.
    pub(super) since: Option<String>,
}

impl Subject {
    pub(super) fn of(state: &AppState, principal: &Principal, service: &WebService) -> Self {
        let now = state.clock.now();
        let device = state.devices.device(principal.scope(), service.device.id);
        let since = device.and_then(|device| device.last_seen.or(device.state_since));
        Self {
            name: service.device.name.clone(),
            service: service.service.clone(),
            since: since.map(|since| since_text(since, now)),
        }
    }
}

fn since_text(since: Timestamp, now: Timestamp) -> String {
    let seconds = now.seconds_since(since).max(0);
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3600 => (seconds / 60, "minute"),
        3600..172_800 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(since.0).unwrap_or(0));
    format!(
        "for {count} {unit}{plural} (since {})",
        httpdate::fmt_http_date(at)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_told_for_people() {
        let since = Timestamp(1_700_000_000_000_000);
        for (after_s, expected) in [
            (0, "for 0 seconds"),
            (1, "for 1 second "),
            (60, "for 1 minute "),
            (7200, "for 2 hours "),
            (200_000, "for 2 days "),
        ] {
            let text = since_text(since, since.plus_seconds(after_s));
            assert!(text.starts_with(expected), "{text}");
            assert!(
                text.ends_with("(since Tue, 14 Nov 2023 22:13:20 GMT)"),
                "{text}"
            );
        }
    }
}
