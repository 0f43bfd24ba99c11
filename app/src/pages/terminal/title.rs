//! The title that a shell sets: text of the device, shown beside our own.

use crate::words::misleads;

/// More than this says nothing in a tab.
const MOST_LETTERS: usize = 60;

/// What may be shown of it: one line, no control or direction letters, not too long. `None`: nothing
/// is left.
pub(super) fn clean(title: &str) -> Option<String> {
    let mut words = String::new();
    // Read no further than can matter: a title may be megabytes long.
    for letter in title.chars().take(16 * MOST_LETTERS) {
        if letter.is_whitespace() {
            if !words.is_empty() && !words.ends_with(' ') {
                words.push(' ');
            }
        } else if !misleads(letter) {
            words.push(letter);
        }
    }
    let words = words.trim_end();
    let cut = words.char_indices().nth(MOST_LETTERS);
    let shown = match cut {
        Some((at, _)) => format!("{}…", words[..at].trim_end()),
        None => words.to_owned(),
    };
    (!shown.is_empty()).then_some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s43_a_title_loses_controls_and_directions_and_is_capped() {
        assert_eq!(clean("root@pump: /etc").as_deref(), Some("root@pump: /etc"));
        assert_eq!(clean("a\u{202e}b\u{7}c\u{200b}").as_deref(), Some("abc"));
        assert_eq!(clean("  two\r\n\t lines ").as_deref(), Some("two lines"));
        assert_eq!(clean(" \u{1b} "), None);
        let long = clean(&"x".repeat(1_000_000)).unwrap();
        assert_eq!(long.chars().count(), MOST_LETTERS + 1);
        assert!(long.ends_with('…'));
    }
}
