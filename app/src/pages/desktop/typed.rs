//! What a phone's keyboard has done to the hidden field, as keys: it tells no keys, it changes text.

/// What the field holds when nothing is typed: something to delete, or the keyboard would not tell
/// that it deletes.
pub(super) const PADDING: &str = "........";

/// From one text of the field to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// So many letters at the end are gone.
    pub(super) deleted: usize,
    pub(super) text: String,
}

/// The change between two texts, seen from the end.
pub(super) fn change(before: &str, after: &str) -> Typed {
    let same = before
        .chars()
        .zip(after.chars())
        .take_while(|(old, new)| old == new)
        .count();
    Typed {
        deleted: before.chars().count() - same,
        text: after.chars().skip(same).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_what_was_deleted_and_what_was_typed() {
        let typed = |before, after| {
            let Typed { deleted, text } = change(before, after);
            (deleted, text)
        };
        assert_eq!(typed("..", "..a"), (0, "a".to_owned()));
        assert_eq!(typed("..a", "..ä"), (1, "ä".to_owned()));
        assert_eq!(typed("..teh", "..the "), (2, "he ".to_owned()));
        assert_eq!(typed("..", "."), (1, String::new()));
        assert_eq!(typed("..", ".."), (0, String::new()));
    }
}
