//! Words for a desktop: how it ended.

use remote_messages::vnc::{Ended, Security};

use super::stream::{WayOn, fault_words, words};
use super::{EndWords, cleaned};

/// What a device may say in its own words, at most.
const MOST_LETTERS: usize = 300;
/// More ways to sign in than these say nothing more.
const MOST_OFFERED: usize = 6;

/// How a desktop's end is told.
pub(crate) fn desktop_end_words(ended: &Ended) -> EndWords {
    let again = WayOn::Again("Connect again");
    match ended {
        Ended::Closed => words(
            "You closed the desktop",
            "What runs on it goes on running.",
            again,
        ),
        Ended::Refused { text } => EndWords {
            said: cleaned(text, MOST_LETTERS),
            ..words(
                "The desktop's server refuses",
                "It ended the connection before anybody could sign in. After too many wrong passwords, servers do so for a while.",
                WayOn::Again("Try again"),
            )
        },
        Ended::NoSecurity { offered } => words(
            "This desktop asks for a sign-in that is not spoken here",
            &offered_words(offered),
            WayOn::Again("Try again"),
        ),
        Ended::WrongPassword { text } => EndWords {
            said: cleaned(text, MOST_LETTERS),
            ..words("The password was refused", "", WayOn::Again("Try again"))
        },
        Ended::NotSpoken => words(
            "This is no VNC server",
            "What answers at the service's port does not speak VNC. Check the port in the agent's configuration.",
            WayOn::Again("Try again"),
        ),
        Ended::Broken { text } => EndWords {
            said: None,
            ..words(
                "The desktop's server does not keep to VNC",
                &format!("The connection was ended: {text}."),
                again,
            )
        },
        Ended::Disconnected => words(
            "The device closed the desktop",
            "Its VNC server ended the connection. Another viewer may have taken its place, or the session there has ended.",
            again,
        ),
        Ended::Stream { fault } => fault_words(*fault),
    }
}

fn offered_words(offered: &[Security]) -> String {
    let mut advice: Vec<&str> = Vec::new();
    for security in offered {
        if !advice.contains(&security.advice.as_str()) {
            advice.push(&security.advice);
        }
    }
    let names: Vec<&str> = offered
        .iter()
        .take(MOST_OFFERED)
        .map(|security| security.name.as_str())
        .collect();
    match names.as_slice() {
        [] => "It offers none at all.".to_owned(),
        names => format!("It offers {}. {}", names.join(", "), advice.join(" ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_spoken_is_named_with_what_to_do() {
        let security = |name: &str| Security {
            name: name.to_owned(),
            advice: "Switch on VNC password sign-in.".to_owned(),
        };
        let offered = vec![security("VeNCrypt"), security("RA2")];
        let text = desktop_end_words(&Ended::NoSecurity { offered }).text;
        assert_eq!(
            text,
            "It offers VeNCrypt, RA2. Switch on VNC password sign-in."
        );
        let none = desktop_end_words(&Ended::NoSecurity { offered: vec![] });
        assert_eq!(none.text, "It offers none at all.");
    }

    #[test]
    fn s43_what_a_server_says_is_cleaned() {
        let text = "gone\u{202e}\u{7}".to_owned();
        let said = desktop_end_words(&Ended::Refused { text }).said;
        assert_eq!(said.as_deref(), Some("gone"));
    }
}
