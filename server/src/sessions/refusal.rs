//! What a failed open means to the client of a stream.

use tunnel::wire::Code;

use crate::relay::OpenError;

/// Code and text of the REJECT. The agent's own text goes on to the client, which shows it as
/// what it is: the device's words.
pub(super) fn refusal(error: &OpenError) -> (Code, &str) {
    match error {
        OpenError::Offline => (Code::Offline, "the device is offline"),
        OpenError::Disabled => (Code::Offline, "the device is disabled"),
        OpenError::Reconnecting => (Code::Reconnecting, "the device is reconnecting"),
        OpenError::Refused { code, text } => (*code, text),
        OpenError::TimedOut => (Code::TimedOut, "the device did not answer"),
        OpenError::Busy => (Code::Busy, "the device carries all it can"),
        OpenError::Revoked => REVOKED,
    }
}

/// What a stream is refused or cut with when its right has ended.
pub(super) const REVOKED: (Code, &str) = (Code::Revoked, "the right to this stream has ended");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_code() {
        let refused = OpenError::Refused {
            code: Code::Refused,
            text: "nothing listens".into(),
        };
        for (error, expected) in [
            (OpenError::Offline, Code::Offline),
            (OpenError::Disabled, Code::Offline),
            (OpenError::Reconnecting, Code::Reconnecting),
            (OpenError::TimedOut, Code::TimedOut),
            (OpenError::Busy, Code::Busy),
            (OpenError::Revoked, Code::Revoked),
            (refused, Code::Refused),
        ] {
            assert_eq!(refusal(&error).0, expected, "{error}");
        }
    }
}
