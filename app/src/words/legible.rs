//! Text that a device told about itself, made safe to look at.
//!
//! The page shows it as text nodes only; what is left to mend are characters that change how the
//! text around them reads: controls, and overrides of the writing direction.

use std::fmt::Write as _;

/// `text` with each control or direction character written out as its code point.
pub(crate) fn legible(text: &str) -> String {
    let mut legible = String::with_capacity(text.len());
    for letter in text.chars() {
        if misleads(letter) {
            // Writing to a String cannot fail.
            let _ = write!(legible, "\u{2039}U+{:04X}\u{203a}", u32::from(letter));
        } else {
            legible.push(letter);
        }
    }
    legible
}

/// `text` on one line without those letters, cut after `most_letters`: for words of a device beside
/// our own. `None`: nothing is left.
pub(crate) fn cleaned(text: &str, most_letters: usize) -> Option<String> {
    let mut words = String::new();
    // Reads no further than can matter: it may be megabytes long.
    for letter in text.chars().take(16 * most_letters) {
        if letter.is_whitespace() {
            if !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
        } else if !misleads(letter) {
            words.push(letter);
        }
    }
    let words = words.trim_end();
    let shown = match words.char_indices().nth(most_letters) {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words.to_owned(),
    };
    (!shown.is_empty()).then_some(shown)
}

fn misleads(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{061c}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_direction_overrides_and_controls_are_written_out() {
        assert_eq!(legible("pump\u{202e}70"), "pump‹U+202E›70");
        assert_eq!(legible("a\u{0}b\nc\u{200f}"), "a‹U+0000›b‹U+000A›c‹U+200F›");
        assert_eq!(legible("\u{2066}x\u{2069}"), "‹U+2066›x‹U+2069›");
    }

    #[test]
    fn names_of_all_scripts_stay_as_they_are() {
        for name in [
            "pump-07",
            "Halle 3 · edge",
            "مضخة ٧",
            "משאבה",
            "ポンプ",
            "<b>x</b>",
        ] {
            assert_eq!(legible(name), name);
        }
    }
    #[test]
    fn s43_a_title_loses_controls_and_directions_and_is_capped() {
        assert_eq!(
            cleaned("root@pump: /etc", 60).as_deref(),
            Some("root@pump: /etc")
        );
        assert_eq!(
            cleaned("a\u{202e}b\u{7}c\u{200b}", 60).as_deref(),
            Some("abc")
        );
        assert_eq!(
            cleaned("  two\r\n\t lines ", 60).as_deref(),
            Some("two lines")
        );
        assert_eq!(cleaned(" \u{1b} ", 60), None);
        let long = cleaned(&"x".repeat(1_000_000), 60).unwrap();
        assert_eq!(long.chars().count(), 61);
        assert!(long.ends_with('…'));
    }
}
