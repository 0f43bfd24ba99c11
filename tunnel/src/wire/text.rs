//! Text that the other end chose: capped and without what could deceive a reader (S10).

/// `text` without control, direction and line-separator characters, cut to `max_bytes` at a
/// character's border.
#[must_use]
pub fn clean(text: &str, max_bytes: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(max_bytes));
    for character in text.chars().filter(|character| !deceives(*character)) {
        if cleaned.len() + character.len_utf8() > max_bytes {
            break;
        }
        cleaned.push(character);
    }
    cleaned
}

/// Whether a character changes how the text around it is shown, or cannot be seen itself.
fn deceives(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{061c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s10_control_and_direction_characters_are_removed() {
        assert_eq!(
            clean("a\u{202e}b\u{0}c\u{1b}[31m\nd\u{2066}", 100),
            "abc[31md"
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(clean("äöü", 5), "äö");
        assert_eq!(clean("äöü", 6), "äöü");
    }
}
