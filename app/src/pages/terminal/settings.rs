//! How somebody likes the terminal; kept in this browser, for all devices.

use crate::state::storage;

const FONT_KEY: &str = "adit-terminal-font-px";
const READER_KEY: &str = "adit-terminal-reader";
const USUAL_PX: u16 = 14;
const SMALLEST_PX: u16 = 8;
const LARGEST_PX: u16 = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) font_px: u16,
    /// The terminal speaks to screen readers; it draws more slowly then.
    pub(super) reader: bool,
}

impl Settings {
    pub(super) fn read() -> Self {
        let kept = |key: &str| storage().and_then(|storage| storage.get_item(key).ok().flatten());
        Self::parse(kept(FONT_KEY).as_deref(), kept(READER_KEY).as_deref())
    }

    /// Keeps them, where the browser allows it.
    pub(super) fn keep(self) {
        if let Some(storage) = storage() {
            let _ = storage.set_item(FONT_KEY, &self.font_px.to_string());
            let _ = storage.set_item(READER_KEY, if self.reader { "on" } else { "off" });
        }
    }

    pub(super) fn larger(self) -> Self {
        self.with_font(self.font_px.saturating_add(1))
    }

    pub(super) fn smaller(self) -> Self {
        self.with_font(self.font_px.saturating_sub(1))
    }

    pub(super) fn usual(self) -> Self {
        self.with_font(USUAL_PX)
    }

    fn with_font(self, font_px: u16) -> Self {
        Self {
            font_px: font_px.clamp(SMALLEST_PX, LARGEST_PX),
            ..self
        }
    }

    fn parse(font: Option<&str>, reader: Option<&str>) -> Self {
        let none = Self {
            font_px: USUAL_PX,
            reader: reader == Some("on"),
        };
        match font.and_then(|text| text.parse().ok()) {
            Some(font_px) => none.with_font(font_px),
            None => none,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_within_reason() {
        assert_eq!(
            Settings::parse(None, None),
            Settings {
                font_px: 14,
                reader: false
            }
        );
        assert_eq!(Settings::parse(Some("900"), Some("on")).font_px, 32);
        assert_eq!(
            Settings::parse(Some("x"), Some("on")),
            Settings {
                font_px: 14,
                reader: true
            }
        );
        let mut small = Settings::parse(Some("9"), None);
        for _ in 0..9 {
            small = small.smaller();
        }
        assert_eq!(small.font_px, 8);
        assert_eq!(small.usual().larger().font_px, 15);
    }
}
