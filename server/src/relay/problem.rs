//! What a failed open means to the caller of the API.

use api::ProblemCode;
use tunnel::wire::Code;

use super::OpenError;
use crate::http::ApiError;

impl From<OpenError> for ApiError {
    /// The agent's own text stays out of it: it is untrusted, and the code says enough.
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Offline => Self::new(ProblemCode::DeviceOffline),
            OpenError::Disabled => Self::new(ProblemCode::DeviceDisabled),
            OpenError::Reconnecting => Self::new(ProblemCode::DeviceReconnecting).retry_after(2),
            OpenError::Busy => Self::new(ProblemCode::Busy).retry_after(2),
            OpenError::TimedOut => {
                Self::new(ProblemCode::ServiceTimeout).detail("The device itself did not answer.")
            }
            OpenError::Revoked => Self::new(ProblemCode::NotSignedIn),
            OpenError::Refused { code, .. } => refused(code),
        }
    }
}

fn refused(code: Code) -> ApiError {
    match code {
        Code::NotOffered => ApiError::new(ProblemCode::ServiceNotOffered),
        Code::NotAllowed => ApiError::new(ProblemCode::ServiceNotOffered)
            .detail("The device's own configuration does not let it be reached."),
        Code::Refused => ApiError::new(ProblemCode::ServiceRefused),
        Code::Unreachable => ApiError::new(ProblemCode::ServiceRefused)
            .detail("The device cannot reach the service's host, or does not find its name."),
        Code::TimedOut => ApiError::new(ProblemCode::ServiceTimeout),
        Code::Busy => ApiError::new(ProblemCode::Busy).retry_after(2),
        Code::Draining | Code::Reconnecting | Code::Stale => {
            ApiError::new(ProblemCode::DeviceReconnecting).retry_after(2)
        }
        Code::Revoked => ApiError::new(ProblemCode::NotSignedIn),
        _ => ApiError::new(ProblemCode::ServiceBroken),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_problem() {
        use ProblemCode as P;
        let refused = |code| OpenError::Refused {
            code,
            text: "<script>".into(),
        };
        for (error, code) in [
            (OpenError::Offline, P::DeviceOffline),
            (OpenError::Disabled, P::DeviceDisabled),
            (OpenError::Reconnecting, P::DeviceReconnecting),
            (OpenError::Busy, P::Busy),
            (OpenError::TimedOut, P::ServiceTimeout),
            (OpenError::Revoked, P::NotSignedIn),
            (refused(Code::NotOffered), P::ServiceNotOffered),
            (refused(Code::NotAllowed), P::ServiceNotOffered),
            (refused(Code::Refused), P::ServiceRefused),
            (refused(Code::Unreachable), P::ServiceRefused),
            (refused(Code::TimedOut), P::ServiceTimeout),
            (refused(Code::Broken), P::ServiceBroken),
            (refused(Code::Stale), P::DeviceReconnecting),
            (refused(Code::Internal), P::ServiceBroken),
            (refused(Code::Other(999)), P::ServiceBroken),
        ] {
            let problem = ApiError::from(error.clone());
            assert_eq!(problem.code(), code, "{error}");
            assert!(
                !format!("{problem:?}").contains("script"),
                "untrusted text stays out"
            );
        }
    }
}
