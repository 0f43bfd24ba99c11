//! Words for what a viewer shows: how it ended, and what can be done.

use remote_messages::StreamFault;

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

pub(super) fn words(title: &str, text: &str, way_on: WayOn) -> EndWords {
    EndWords {
        title: title.to_owned(),
        text: text.to_owned(),
        said: None,
        way_on,
    }
}

/// How a stream's failure is told.
pub(crate) fn fault_words(fault: StreamFault) -> EndWords {
    let again = WayOn::Again("Connect again");
    match fault {
        StreamFault::Offline => words(
            "The device went offline",
            "What you see is the last that came. You can connect again when it is back.",
            again,
        ),
        StreamFault::Reconnecting => words(
            "The device lost its connection",
            "It is expected back in a moment. What you see is the last that came.",
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
            "Nothing listens at the service's port. Check on the device that its server runs.",
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
            "What you see is the last that came. What ran there may still run.",
            again,
        ),
        StreamFault::Internal => words(
            "Something went wrong on our side",
            "Try again. If it stays, tell an administrator.",
            WayOn::Again("Try again"),
        ),
    }
}

/// A part of the page did not load, or broke; `what` is what it shows.
pub(crate) fn module_words(what: &str) -> EndWords {
    words(
        &format!("The {what} could not be loaded"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        assert_eq!(data_size(0), "0 B");
        assert_eq!(data_size(999), "999 B");
        assert_eq!(data_size(12_400), "12.4 kB");
        assert_eq!(data_size(999_990), "1.0 MB");
        assert_eq!(data_size(104_857_600), "104.9 MB");
    }
}
