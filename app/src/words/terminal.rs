//! Words for a terminal: how it ended, what it asks, what it does.

use remote_messages::ssh::{Ended, KeyFault};

use super::stream::{WayOn, fault_words, words};
use super::{EndWords, cleaned, counted};

/// What a device may say in its own words, at most.
const MOST_LETTERS: usize = 300;

/// How a session's end is told. A host key that is another is not told here: it has a page of its
/// own.
pub(crate) fn end_words(ended: &Ended) -> EndWords {
    let again = WayOn::Again("Sign in again");
    match ended {
        Ended::Exit { status, signal } => words(
            "The shell has ended",
            &exit(*status, signal.as_deref()),
            again,
        ),
        Ended::Closed => words(
            "You ended the session",
            "The shell and what ran in it are gone.",
            again,
        ),
        Ended::HostKeyMismatch { .. } => {
            words("This is not the device that was known", "", WayOn::Nothing)
        }
        Ended::SignInRefused => words(
            "The device takes no more attempts",
            "It ended the connection after too many refused sign-ins. Check the user name and what you sign in with, then try again.",
            WayOn::Again("Try again"),
        ),
        Ended::NoShell => words(
            "This account has no shell",
            "The device accepted the sign-in but gives this account no terminal. Sign in with another account.",
            again,
        ),
        Ended::Disconnected { text } => EndWords {
            said: cleaned(text, MOST_LETTERS),
            ..words(
                "The device closed the connection",
                "Its SSH server ended the session.",
                WayOn::Again("Connect again"),
            )
        },
        Ended::NotSpoken { text } => EndWords {
            said: cleaned(text, MOST_LETTERS),
            ..words(
                "This is no SSH server that can be used",
                "What answers at the service's port does not speak SSH, or offers nothing that is safe. Check the port in the agent's configuration.",
                WayOn::Again("Try again"),
            )
        },
        Ended::Stream { fault } => fault_words(*fault),
    }
}

fn exit(status: Option<u32>, signal: Option<&str>) -> String {
    match (status, signal.and_then(|name| cleaned(name, 20))) {
        (_, Some(signal)) => format!("Signal {signal} ended it."),
        (Some(0), None) => "It ended in order.".to_owned(),
        (Some(status), None) => format!("Its exit status was {status}."),
        (None, None) => "The device did not say how.".to_owned(),
    }
}

/// Beside the key or its passphrase.
pub(crate) const fn key_words(fault: KeyFault) -> &'static str {
    match fault {
        KeyFault::Unreadable => {
            "This is no private key that can be read. It begins with “-----BEGIN”."
        }
        KeyFault::Encrypted => "This key is locked: enter its passphrase.",
        KeyFault::WrongPassphrase => "The passphrase does not open this key.",
    }
}

/// `1 line`, `12 lines`.
pub(crate) fn lines(number: usize) -> String {
    counted(number as u64, "line", "lines")
}

#[cfg(test)]
mod tests {
    use remote_messages::StreamFault;

    use super::*;

    #[test]
    fn an_exit_says_how() {
        let text = |status, signal: Option<&str>| {
            let signal = signal.map(str::to_owned);
            end_words(&Ended::Exit { status, signal }).text
        };
        assert_eq!(text(Some(0), None), "It ended in order.");
        assert_eq!(text(Some(130), None), "Its exit status was 130.");
        assert_eq!(text(None, Some("KILL")), "Signal KILL ended it.");
        assert_eq!(text(None, None), "The device did not say how.");
    }

    #[test]
    fn s43_what_a_device_says_is_cleaned_and_capped() {
        let text = format!("bye\u{202e}\u{1b}[2J{}", "x".repeat(10_000));
        let said = end_words(&Ended::Disconnected { text }).said.unwrap();
        assert!(said.starts_with("bye[2Jx"), "{said}");
        assert!(said.chars().count() <= MOST_LETTERS + 1);
        let silent = Ended::Disconnected {
            text: "\u{0}".to_owned(),
        };
        assert_eq!(end_words(&silent).said, None);
    }

    #[test]
    fn a_right_that_ended_and_another_host_key_have_no_way_on() {
        for ended in [
            Ended::Stream {
                fault: StreamFault::Revoked,
            },
            Ended::HostKeyMismatch {
                presented: remote_messages::ssh::HostKey {
                    key: String::new(),
                    algorithm: String::new(),
                    fingerprint: String::new(),
                },
                known: Vec::new(),
            },
        ] {
            assert_eq!(end_words(&ended).way_on, WayOn::Nothing);
        }
    }
}
