//! The keys that a phone's keyboard lacks, as the bytes that a terminal sends.

use crate::pages::viewer::Hold;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Escape,
    Tab,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    Letter(char),
}

impl Key {
    /// Whether holding it down repeats it.
    pub(super) fn repeats(self) -> bool {
        matches!(self, Self::Up | Self::Down | Self::Left | Self::Right)
    }

    /// As xterm sends it; `application` is the mode of the cursor keys that full-screen programs set.
    pub(super) fn bytes(self, ctrl: bool, alt: bool, application: bool) -> String {
        let modifier = 1 + 2 * u8::from(alt) + 4 * u8::from(ctrl);
        let cursor = |letter: char| match (modifier, application) {
            (1, true) => format!("\u{1b}O{letter}"),
            (1, false) => format!("\u{1b}[{letter}"),
            _ => format!("\u{1b}[1;{modifier}{letter}"),
        };
        let page = |number: u8| match modifier {
            1 => format!("\u{1b}[{number}~"),
            _ => format!("\u{1b}[{number};{modifier}~"),
        };
        match self {
            Self::Escape => with_alt("\u{1b}".to_owned(), alt),
            Self::Tab => with_alt("\t".to_owned(), alt),
            Self::Up => cursor('A'),
            Self::Down => cursor('B'),
            Self::Right => cursor('C'),
            Self::Left => cursor('D'),
            Self::Home => cursor('H'),
            Self::End => cursor('F'),
            Self::PageUp => page(5),
            Self::PageDown => page(6),
            Self::Letter(letter) => with_alt(control(letter, ctrl).to_string(), alt),
        }
    }
}

fn with_alt(text: String, alt: bool) -> String {
    if alt { format!("\u{1b}{text}") } else { text }
}

/// Ctrl takes the letter's last five bits, where it has a meaning.
fn control(letter: char, ctrl: bool) -> char {
    match letter {
        _ if !ctrl => letter,
        'a'..='z' | 'A'..='Z' | '@' | '[' | '\\' | ']' | '^' | '_' => {
            char::from(letter as u8 & 0x1f)
        }
        ' ' | '2' => '\0',
        '/' | '-' => '\u{1f}',
        '?' => '\u{7f}',
        _ => letter,
    }
}

/// The modifiers of the key row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Modifiers {
    pub(super) ctrl: Hold,
    pub(super) alt: Hold,
}

impl Modifiers {
    pub(super) fn is_on(&self) -> bool {
        self.ctrl.is_on() || self.alt.is_on()
    }

    /// A key of the row, with what is held.
    pub(super) fn press(&mut self, key: Key, application: bool) -> String {
        let bytes = key.bytes(self.ctrl.is_on(), self.alt.is_on(), application);
        self.use_up();
        bytes
    }

    /// What the phone's own keyboard typed. What is not a single letter is none of a keyboard: it
    /// is a report of the terminal, or a word that the keyboard completed.
    pub(super) fn typed(&mut self, data: &str) -> Option<String> {
        let mut letters = data.chars();
        let (Some(letter), None) = (letters.next(), letters.next()) else {
            return None;
        };
        if !self.is_on() {
            return None;
        }
        Some(self.press(Key::Letter(letter), false))
    }

    fn use_up(&mut self) {
        self.ctrl = self.ctrl.used();
        self.alt = self.alt.used();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_send_what_xterm_sends() {
        let plain = |key: Key| key.bytes(false, false, false);
        assert_eq!(plain(Key::Escape), "\u{1b}");
        assert_eq!(plain(Key::Up), "\u{1b}[A");
        assert_eq!(Key::Up.bytes(false, false, true), "\u{1b}OA");
        assert_eq!(Key::Left.bytes(true, false, true), "\u{1b}[1;5D");
        assert_eq!(Key::Right.bytes(false, true, false), "\u{1b}[1;3C");
        assert_eq!(plain(Key::Home), "\u{1b}[H");
        assert_eq!(plain(Key::PageDown), "\u{1b}[6~");
        assert_eq!(Key::PageUp.bytes(true, true, false), "\u{1b}[5;7~");
        assert_eq!(Key::Letter('|').bytes(false, true, false), "\u{1b}|");
    }

    #[test]
    fn control_letters() {
        for (letter, sent) in [
            ('c', '\u{3}'),
            ('C', '\u{3}'),
            ('[', '\u{1b}'),
            ('-', '\u{1f}'),
        ] {
            assert_eq!(
                Key::Letter(letter).bytes(true, false, false),
                sent.to_string()
            );
        }
        assert_eq!(Key::Letter('ü').bytes(true, false, false), "ü");
    }

    #[test]
    fn a_modifier_is_for_one_key_or_until_it_is_let_go() {
        let mut held = Modifiers {
            ctrl: Hold::Off.tapped(1e9),
            alt: Hold::Off,
        };
        assert_eq!(held.typed("c").as_deref(), Some("\u{3}"));
        assert_eq!(held.typed("c"), None);
        held.ctrl = Hold::Off.tapped(1e9).tapped(150.0);
        assert_eq!(held.ctrl, Hold::Locked);
        assert_eq!(held.press(Key::Up, false), "\u{1b}[1;5A");
        assert_eq!(held.press(Key::Up, false), "\u{1b}[1;5A");
        assert_eq!(held.ctrl.tapped(100.0), Hold::Off);
        assert_eq!(Hold::Once.tapped(900.0), Hold::Off);
    }

    #[test]
    fn reports_of_the_terminal_do_not_use_a_modifier_up() {
        let mut held = Modifiers {
            ctrl: Hold::Once,
            alt: Hold::Off,
        };
        assert_eq!(held.typed("\u{1b}[3;1R"), None);
        assert_eq!(held.ctrl, Hold::Once);
    }
}
