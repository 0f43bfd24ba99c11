//! Which fault a page is told, from whatever told us.

use remote_messages::StreamFault;
use tunnel::mux::{OpenError, StreamError};
use tunnel::wire::Code;

/// The fault of a stream that was refused or cut.
pub(crate) fn of_error(error: &StreamError) -> StreamFault {
    match error {
        StreamError::Reset { code, .. } | StreamError::Open(OpenError::Rejected { code, .. }) => {
            of_code(*code)
        }
        StreamError::Open(OpenError::Busy) => StreamFault::Busy,
        StreamError::Open(OpenError::Draining) => StreamFault::Draining,
        StreamError::Open(OpenError::Closed) | StreamError::TunnelLost => StreamFault::Lost,
        StreamError::Open(OpenError::BadTarget) | StreamError::Finished => StreamFault::Internal,
    }
}

fn of_code(code: Code) -> StreamFault {
    match code {
        Code::Offline => StreamFault::Offline,
        Code::Reconnecting => StreamFault::Reconnecting,
        Code::Revoked => StreamFault::Revoked,
        // Of the device's own configuration: what a user may is said before the upgrade.
        Code::NotOffered | Code::NotAllowed => StreamFault::NotOffered,
        Code::Refused => StreamFault::Refused,
        Code::Unreachable => StreamFault::Unreachable,
        Code::TimedOut => StreamFault::TimedOut,
        Code::Busy => StreamFault::Busy,
        Code::Broken | Code::Cancelled => StreamFault::Broken,
        Code::Draining => StreamFault::Draining,
        Code::Stale => StreamFault::Lost,
        _ => StreamFault::Internal,
    }
}

/// The fault of a WebSocket that closed under the stream.
pub(crate) fn of_close(code: u16) -> StreamFault {
    match code {
        1001 | 1012 | 1013 => StreamFault::Draining,
        1002 | 1003 | 1007..=1011 => StreamFault::Internal,
        _ => StreamFault::Lost,
    }
}

/// Whether a WebSocket was lost to the network: the browser's own code for one that ended without
/// a close. A close is somebody's will, and final.
pub(crate) const fn is_loss(code: u16) -> bool {
    matches!(code, 1006 | 1015)
}

/// Whether dialling again is of no use.
pub(crate) const fn is_final(fault: StreamFault) -> bool {
    use StreamFault::{NotAllowed, NotFound, NotOffered, NotSignedIn, Revoked};
    matches!(
        fault,
        NotSignedIn | NotAllowed | NotFound | NotOffered | Revoked
    )
}

/// The fault that a problem document tells: a browser hides why an upgrade was refused, but not
/// what a plain GET of the same address answers.
pub(crate) fn of_problem(code: &str) -> StreamFault {
    match code {
        "not_signed_in" => StreamFault::NotSignedIn,
        "not_allowed" | "cross_origin" => StreamFault::NotAllowed,
        "not_found" => StreamFault::NotFound,
        "device_offline" => StreamFault::Offline,
        "device_reconnecting" => StreamFault::Reconnecting,
        "service_not_offered" => StreamFault::NotOffered,
        "service_refused" => StreamFault::Refused,
        "service_timeout" => StreamFault::TimedOut,
        "service_broken" => StreamFault::Broken,
        "busy" | "too_many_attempts" => StreamFault::Busy,
        "unavailable" => StreamFault::Draining,
        // All was well with the asking: it was the network, or is over by now.
        "unsupported_protocol" => StreamFault::Lost,
        _ => StreamFault::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_the_wire_has_its_fault() {
        let rejected = |code| {
            of_error(&StreamError::Open(OpenError::Rejected {
                code,
                text: String::new(),
            }))
        };
        assert_eq!(rejected(Code::Offline), StreamFault::Offline);
        assert_eq!(rejected(Code::Other(999)), StreamFault::Internal);
        let cut = StreamError::Reset {
            code: Code::Revoked,
            text: String::new(),
        };
        assert_eq!(of_error(&cut), StreamFault::Revoked);
        assert_eq!(of_error(&StreamError::TunnelLost), StreamFault::Lost);
    }

    #[test]
    fn a_close_says_what_it_can() {
        assert_eq!(of_close(1006), StreamFault::Lost);
        assert_eq!(of_close(1001), StreamFault::Draining);
        assert_eq!(of_close(1002), StreamFault::Internal);
    }

    #[test]
    fn a_loss_is_told_apart_from_an_end() {
        assert!(is_loss(1006));
        assert!(
            [1000, 1001, 1002, 1012]
                .into_iter()
                .all(|code| !is_loss(code))
        );
        assert!(is_final(of_problem("not_signed_in")) && is_final(of_problem("not_found")));
        assert!(!is_final(of_problem("unsupported_protocol")) && !is_final(StreamFault::Busy));
    }

    #[test]
    fn a_problem_is_told_apart_from_the_network() {
        assert_eq!(of_problem("not_signed_in"), StreamFault::NotSignedIn);
        assert_eq!(of_problem("cross_origin"), StreamFault::NotAllowed);
        assert_eq!(of_problem("unsupported_protocol"), StreamFault::Lost);
        assert_eq!(of_problem("a code of later"), StreamFault::Internal);
    }
}
