//! The app's own addresses, and which foreign ones may be followed.

use std::fmt::Write as _;

use api::DeviceId;

pub(crate) const DEVICES: &str = "/";
pub(crate) const ADD_DEVICE: &str = "/add-device";
pub(crate) const ADD_WEBTUNNEL: &str = "/add-device/webtunnel";
pub(crate) const SETTINGS: &str = "/settings";
pub(crate) const SIGN_IN: &str = "/sign-in";

/// Where a device's page is.
pub(crate) fn device(id: DeviceId) -> String {
    format!("/devices/{id}")
}

/// Where a service fills the window. Names of services are `[a-z0-9-]`: nothing to encode.
pub(crate) fn viewer(id: DeviceId, service: &str) -> String {
    format!("/devices/{id}/services/{service}")
}

/// The sign-in page that leads back to `path` afterwards.
pub(crate) fn sign_in_then(path: &str) -> String {
    if path == DEVICES || is_sign_in(path) {
        return SIGN_IN.to_owned();
    }
    format!("{SIGN_IN}?next={}", encode(path))
}

/// Where to go after signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A page of the app.
    Page(String),
    /// A page that the server answers itself: a full navigation.
    Server(String),
}

/// Judges the `next` parameter of the sign-in page: only paths of this very origin are followed,
/// all else leads to the devices.
pub(crate) fn next(wanted: Option<&str>) -> Next {
    let Some(path) = wanted.filter(|path| is_local(path) && !is_sign_in(path)) else {
        return Next::Page(DEVICES.to_owned());
    };
    if path.starts_with("/launch/") {
        Next::Server(path.to_owned())
    } else {
        Next::Page(path.to_owned())
    }
}

/// Browsers read `//host`, `/\host` and a tab or line break in between as another origin.
fn is_local(path: &str) -> bool {
    let mut letters = path.chars();
    letters.next() == Some('/')
        && !matches!(letters.next(), Some('/' | '\\'))
        && !path
            .chars()
            .any(|letter| letter.is_control() || letter == '\\')
}

fn is_sign_in(path: &str) -> bool {
    path.split(['?', '#']).next() == Some(SIGN_IN)
}

/// Percent-encodes everything that is not unreserved.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str) -> Next {
        Next::Page(path.to_owned())
    }

    #[test]
    fn only_local_paths_are_followed() {
        for evil in [
            "https://evil.example/",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/x\\y",
            "javascript:alert(1)",
            "devices",
            "",
        ] {
            assert_eq!(next(Some(evil)), page("/"), "{evil:?}");
        }
        assert_eq!(next(None), page("/"));
        assert_eq!(next(Some("/settings")), page("/settings"));
        assert_eq!(next(Some("/?search=a//b")), page("/?search=a//b"));
    }

    #[test]
    fn a_launch_is_the_servers() {
        let path = "/launch/pump-07--web?state=x";
        assert_eq!(next(Some(path)), Next::Server(path.to_owned()));
    }

    #[test]
    fn sign_in_never_leads_to_itself() {
        assert_eq!(next(Some("/sign-in?next=/sign-in")), page("/"));
        assert_eq!(sign_in_then("/sign-in?next=/x"), "/sign-in");
        assert_eq!(sign_in_then("/"), "/sign-in");
    }

    #[test]
    fn the_way_back_survives_encoding() {
        assert_eq!(
            sign_in_then("/?search=a&b=ü"),
            "/sign-in?next=/%3Fsearch%3Da%26b%3D%C3%BC"
        );
    }
}
