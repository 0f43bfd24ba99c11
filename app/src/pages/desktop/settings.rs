//! How somebody likes desktops; kept in this browser, for all devices.

use remote_messages::vnc::Quality;

use crate::state::storage;

const QUALITY_KEY: &str = "adit-desktop-quality";

/// In the order in which they are shown.
pub(super) const QUALITIES: [(Quality, &str, &str); 5] = [
    (Quality::Automatic, "automatic", "Automatic quality"),
    (Quality::Lossless, "lossless", "Lossless"),
    (Quality::High, "high", "High quality"),
    (Quality::Medium, "medium", "Medium quality"),
    (Quality::Low, "low", "Low quality"),
];

/// The quality that was chosen last.
pub(super) fn quality() -> Quality {
    let kept = storage().and_then(|storage| storage.get_item(QUALITY_KEY).ok().flatten());
    named(kept.as_deref())
}

/// Keeps it, where the browser allows it.
pub(super) fn keep_quality(quality: Quality) {
    let name = QUALITIES.iter().find(|(known, ..)| *known == quality);
    if let (Some(storage), Some((_, name, _))) = (storage(), name) {
        let _ = storage.set_item(QUALITY_KEY, name);
    }
}

fn named(kept: Option<&str>) -> Quality {
    QUALITIES
        .iter()
        .find(|(_, name, _)| Some(*name) == kept)
        .map_or_else(Quality::default, |(quality, ..)| *quality)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_and_what_is_unknown_is_not() {
        assert_eq!(named(Some("low")), Quality::Low);
        assert_eq!(named(Some("best")), Quality::Automatic);
        assert_eq!(named(None), Quality::Automatic);
    }
}
