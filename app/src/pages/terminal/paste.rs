//! What may be pasted into a shell, and what is asked about first.
//!
//! A line break runs a command, and text copied from a page may hold more than was seen. A shell
//! with bracketed paste tells pasted text from typed; without it the person decides.

/// What to do with a text from the clipboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Paste {
    /// Nothing is left of it.
    Nothing,
    /// Goes in as it is.
    Now(String),
    /// Would run at once: the person sees it first.
    Ask(String),
}

/// Cleans the text and judges it. Control letters never go in: an escape could end the brackets.
pub(super) fn judge(text: &str, bracketed: bool) -> Paste {
    let text: String = text.chars().filter(|letter| is_text(*letter)).collect();
    if text.is_empty() {
        Paste::Nothing
    } else if !bracketed && text.contains(['\n', '\r']) {
        Paste::Ask(text)
    } else {
        Paste::Now(text)
    }
}

/// The beginning of a text for people: at most so many lines, each not too long, and how many lines
/// there are in all.
pub(super) fn preview(text: &str, most_lines: usize) -> (String, usize) {
    let all = text.trim_end_matches(['\n', '\r']).lines().count().max(1);
    let shown: Vec<String> = text
        .lines()
        .take(most_lines)
        .map(|line| line.chars().take(200).collect())
        .collect();
    (shown.join("\n"), all)
}

fn is_text(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r') || !letter.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_lines_are_asked_about_unless_the_shell_knows_a_paste() {
        assert_eq!(judge("ls -l", false), Paste::Now("ls -l".to_owned()));
        assert_eq!(judge("a\nb", true), Paste::Now("a\nb".to_owned()));
        assert_eq!(judge("a\nb", false), Paste::Ask("a\nb".to_owned()));
        assert_eq!(judge("reboot\n", false), Paste::Ask("reboot\n".to_owned()));
        assert_eq!(judge("a\rb", false), Paste::Ask("a\rb".to_owned()));
    }

    #[test]
    fn s43_a_paste_cannot_leave_its_brackets() {
        let evil = "echo\u{1b}[201~; reboot\u{9b}201~\u{7f}\u{3}";
        assert_eq!(
            judge(evil, true),
            Paste::Now("echo[201~; reboot201~".to_owned())
        );
        assert_eq!(judge("\u{1b}\u{0}", false), Paste::Nothing);
    }

    #[test]
    fn a_preview_counts_all_lines() {
        assert_eq!(preview("a\nb\nc\n", 2), ("a\nb".to_owned(), 3));
        assert_eq!(preview("a\n", 5), ("a".to_owned(), 1));
    }
}
