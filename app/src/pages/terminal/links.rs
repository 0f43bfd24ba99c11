//! Addresses that a shell has written.

use crate::state::window;

/// Only these are followed: a script in an address would run in our origin.
pub(super) fn is_web(address: &str) -> bool {
    let scheme = address.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| {
        scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
    })
}

/// Opens a tab that cannot reach back. Must run in the click itself.
pub(super) fn open(address: &str) {
    if let Some(window) = window()
        && is_web(address)
    {
        // With `noopener` nothing is given back, and nothing can be told of a blocked tab.
        let _ =
            window.open_with_url_and_target_and_features(address, "_blank", "noopener,noreferrer");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s43_only_web_addresses_are_links() {
        assert!(is_web("https://adit.example/x"));
        assert!(is_web("HTTP://pump"));
        for evil in [
            "javascript:alert(1)//://",
            "data:text/html,x",
            "file:///etc",
            "//x",
            "ssh://x",
        ] {
            assert!(!is_web(evil), "{evil}");
        }
    }
}
