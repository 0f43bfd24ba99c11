//! Which texts people may give, and what becomes of texts that machines give.
//!
//! A name that holds control or bidirectional characters can be shown as another name, or end a
//! line of a log or a terminal. People are told so; what a device reports is cleaned.

/// The most characters of a name: of a device, a token, an install key, a title.
pub const NAME_MAX_CHARS: usize = 64;

/// Why a name is not acceptable, as a sentence for people; `None` when it is.
#[must_use]
pub fn name_fault(name: &str) -> Option<&'static str> {
    if name.trim().is_empty() {
        Some("It must not be empty.")
    } else if name.chars().count() > NAME_MAX_CHARS {
        Some("It may have 64 characters at most.")
    } else if name.chars().any(is_deceptive) {
        Some("It must not hold control characters or ones that change the direction of writing.")
    } else {
        None
    }
}

/// `text` without deceptive characters, with single spaces, and `max_chars` long at most.
#[must_use]
pub fn cleaned(text: &str, max_chars: usize) -> String {
    let mut clean = String::new();
    let mut length = 0;
    let mut space = false;
    for character in text.chars() {
        if character.is_whitespace() || character.is_control() {
            space = length > 0;
            continue;
        }
        if is_deceptive(character) {
            continue;
        }
        let needed = 1 + usize::from(space);
        if length + needed > max_chars {
            break;
        }
        if space {
            clean.push(' ');
        }
        clean.push(character);
        length += needed;
        space = false;
    }
    clean
}

/// Whether a character is invisible or makes a text look like another one.
#[must_use]
pub fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for good in [
            "a",
            "Pump 7 (north)",
            "Gerät",
            "ポンプ",
            "<script>alert(1)</script>",
        ] {
            assert_eq!(name_fault(good), None, "{good}");
        }
        let long = "x".repeat(65);
        for bad in [
            "",
            " ",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{0}",
            "a\u{200b}b",
            &long,
        ] {
            assert!(name_fault(bad).is_some(), "{bad:?}");
        }
    }

    #[test]
    fn s10_reported_text_is_cleaned_and_capped() {
        for (raw, clean) in [
            ("  Debian \t\r\n 13 ", "Debian 13"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("a\u{1b}[31mb", "a [31mb"),
            ("1234567890abc", "1234567890"),
            ("123456789 abc", "123456789"),
            ("", ""),
        ] {
            assert_eq!(cleaned(raw, 10), clean, "{raw:?}");
        }
        assert_eq!(cleaned("äöü€", 3), "äöü");
    }
}
