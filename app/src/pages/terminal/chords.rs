//! The keys that the page keeps for itself; all others go to the shell.

/// What a key pressed with others asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chord {
    Copy,
    Paste,
    Search,
    Larger,
    Smaller,
    UsualSize,
    /// Takes the focus out of the terminal, which takes Tab for itself.
    Leave,
}

/// How [`Chord::Leave`] is written.
pub(super) const LEAVE: &str = "Ctrl+Shift+↑";

/// A key as the browser tells it.
#[derive(Clone, Copy)]
pub(super) struct Press<'a> {
    pub(super) key: &'a str,
    pub(super) ctrl: bool,
    pub(super) shift: bool,
    pub(super) alt: bool,
    pub(super) meta: bool,
}

pub(super) fn chord(press: Press<'_>) -> Option<Chord> {
    if press.alt || !(press.ctrl || press.meta) {
        return None;
    }
    // On a Mac the command key is none of the shell's: it needs no Shift.
    let ours = press.shift || press.meta;
    match press.key {
        "c" | "C" if ours => Some(Chord::Copy),
        "v" | "V" if ours => Some(Chord::Paste),
        "f" | "F" if ours => Some(Chord::Search),
        "ArrowUp" if press.shift => Some(Chord::Leave),
        "+" | "=" => Some(Chord::Larger),
        // With Shift it is a control letter of its own.
        "-" if !press.shift => Some(Chord::Smaller),
        "0" if !press.shift => Some(Chord::UsualSize),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(words: &str) -> Option<Chord> {
        let key = words.rsplit(' ').next().unwrap();
        let held = |name: &str| words.split(' ').any(|word| word == name);
        chord(Press {
            key,
            ctrl: held("ctrl"),
            shift: held("shift"),
            alt: held("alt"),
            meta: held("meta"),
        })
    }

    #[test]
    fn the_shell_keeps_its_control_letters() {
        for words in [
            "ctrl c",
            "ctrl v",
            "ctrl f",
            "ctrl alt c",
            "c",
            "shift C",
            "ctrl shift _",
            "ctrl ArrowUp",
        ] {
            assert_eq!(pressed(words), None, "{words}");
        }
    }

    #[test]
    fn the_page_keeps_few() {
        for (words, wanted) in [
            ("ctrl shift C", Chord::Copy),
            ("meta c", Chord::Copy),
            ("ctrl shift V", Chord::Paste),
            ("ctrl shift F", Chord::Search),
            ("ctrl shift ArrowUp", Chord::Leave),
            ("ctrl shift +", Chord::Larger),
            ("ctrl =", Chord::Larger),
            ("ctrl -", Chord::Smaller),
            ("ctrl 0", Chord::UsualSize),
        ] {
            assert_eq!(pressed(words), Some(wanted), "{words}");
        }
    }
}
