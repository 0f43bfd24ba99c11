//! Words for a terminal: how it ended, what it asks, what it does.

use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, KeyFault};

use super::{cleaned, counted};

/// What a device may say in its own words, at most.
const MOST_LETTERS: usize = 300;

/// An end as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EndWords {
    pub(crate) title: String,
    pub(crate) text: String,
    /// What the device itself said; untrusted, cleaned.
    pub(crate) said: Option<String>,
    pub(crate) way_on: WayOn,
}

/// What can be done now, besides going back to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WayOn {
    /// The same again; this is what the button says.
    Again(&'static str),
    /// To sign in to Adit.
    SignIn,
    /// Loading the page anew.
    Reload,
    Nothing,
}

fn words(title: &str, text: &str, way_on: WayOn) -> EndWords {
    EndWords {
        title: title.to_owned(),
        text: text.to_owned(),
        said: None,
        way_on,
    }
}

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

/// How a stream's failure is told.
pub(crate) fn fault_words(fault: StreamFault) -> EndWords {
    let again = WayOn::Again("Connect again");
    match fault {
        StreamFault::Offline => words(
            "The device went offline",
            "What you see is the last that it wrote. You can connect again when it is back.",
            again,
        ),
        StreamFault::Reconnecting => words(
            "The device lost its connection",
            "It is expected back in a moment. What you see is the last that it wrote.",
            again,
        ),
        StreamFault::NotSignedIn => words(
            "Your sign-in has ended",
            "Sign in to Adit again to open the device.",
            WayOn::SignIn,
        ),
        StreamFault::NotAllowed => words(
            "You may not open this",
            "Ask an administrator of your organization for access.",
            WayOn::Nothing,
        ),
        StreamFault::NotFound => words(
            "There is no such service",
            "The device or the service may have been deleted.",
            WayOn::Nothing,
        ),
        StreamFault::NotOffered => words(
            "The device does not offer this service",
            "The agent's configuration does not list it, or does not allow it.",
            WayOn::Nothing,
        ),
        StreamFault::Refused => words(
            "Nothing answers on the device",
            "Nothing listens at the service's port. Check on the device that the SSH server runs.",
            WayOn::Again("Try again"),
        ),
        StreamFault::Unreachable => words(
            "The device cannot reach the service",
            "The service's host does not answer from where the device is.",
            WayOn::Again("Try again"),
        ),
        StreamFault::TimedOut => words(
            "The service did not answer in time",
            "The device or its network may be slow. Try again in a moment.",
            WayOn::Again("Try again"),
        ),
        StreamFault::Busy => words(
            "The device carries all it can",
            "Close a session that is no longer needed, then try again.",
            WayOn::Again("Try again"),
        ),
        StreamFault::Revoked => words(
            "Your right to this device has ended",
            "The session was cut. Ask an administrator of your organization if you still need it.",
            WayOn::Nothing,
        ),
        StreamFault::Broken => words(
            "The connection to the service broke",
            "The device closed it without a word.",
            again,
        ),
        StreamFault::Draining => words(
            "The server is being restarted",
            "It is back in a moment.",
            again,
        ),
        StreamFault::Lost => words(
            "The connection was lost",
            "What you see is the last that arrived. Whether the shell still runs, only the device knows.",
            again,
        ),
        StreamFault::Internal => words(
            "Something went wrong on our side",
            "Try again. If it stays, tell an administrator.",
            WayOn::Again("Try again"),
        ),
    }
}

/// The Worker or the drawing library did not load, or broke.
pub(crate) fn module_words() -> EndWords {
    words(
        "The terminal could not be loaded",
        "A part of this page did not arrive, or stopped working. Check your connection, then load the page again.",
        WayOn::Reload,
    )
}

/// Nothing came for too long; `doing` is what was being done.
pub(crate) fn late_words(doing: &str) -> EndWords {
    words(
        "This takes too long",
        &format!("No answer while {doing}. The device or its network may be slow."),
        WayOn::Again("Try again"),
    )
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

/// `840 B`, `12.4 kB`, `3.1 MB`.
pub(crate) fn data_size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Exact to a tenth is all that is shown.
    let mut size = bytes as f64 / 1000.0;
    let mut unit = 0;
    while size >= 999.95 && unit + 1 < UNITS.len() {
        size /= 1000.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// `1 line`, `12 lines`.
pub(crate) fn lines(number: usize) -> String {
    counted(number as u64, "line", "lines")
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn sizes_read_well() {
        assert_eq!(data_size(0), "0 B");
        assert_eq!(data_size(999), "999 B");
        assert_eq!(data_size(12_400), "12.4 kB");
        assert_eq!(data_size(999_990), "1.0 MB");
        assert_eq!(data_size(104_857_600), "104.9 MB");
    }
}
