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
}
