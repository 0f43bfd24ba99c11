//! From a browser's keys to keysyms: X11's numbers for what a key means (X11/keysymdef.h).
//!
//! Scancodes are not sent: a server that gets them reads them by its own layout, and what was
//! typed on a German keyboard would arrive as on an American one.

use xkeysym::Keysym;

/// A key as a browser tells it (UI Events: `key`, `code`, `location`).
#[derive(Clone, Copy, Debug)]
pub struct Press<'a> {
    /// What it means: a character, or a name such as `Enter`.
    pub key: &'a str,
    /// Where it is: `KeyQ`, `ControlLeft`.
    pub code: &'a str,
    /// 1: left, 2: right, 3: numeric pad, 0: elsewhere.
    pub location: u32,
}

/// A key event to be sent: the keysym, and whether it went down.
pub type KeyEvent = (u32, bool);

/// Keys at one place, in the order of their names.
const NAMED: &[(&str, u32)] = &[
    ("Again", 0xff66),
    ("ArrowDown", 0xff54),
    ("ArrowLeft", 0xff51),
    ("ArrowRight", 0xff53),
    ("ArrowUp", 0xff52),
    ("AudioVolumeDown", 0x1008_ff11),
    ("AudioVolumeMute", 0x1008_ff12),
    ("AudioVolumeUp", 0x1008_ff13),
    ("Backspace", 0xff08),
    ("BrowserBack", 0x1008_ff26),
    ("BrowserForward", 0x1008_ff27),
    ("BrowserHome", 0x1008_ff18),
    ("BrowserRefresh", 0x1008_ff29),
    ("BrowserSearch", 0x1008_ff1b),
    ("CapsLock", 0xffe5),
    ("Clear", 0xff0b),
    ("ContextMenu", 0xff67),
    ("Convert", 0xff23),
    ("Delete", 0xffff),
    ("Eisu", 0xff2f),
    ("End", 0xff57),
    ("Enter", 0xff0d),
    ("Escape", 0xff1b),
    ("Execute", 0xff62),
    ("F1", 0xffbe),
    ("F10", 0xffc7),
    ("F11", 0xffc8),
    ("F12", 0xffc9),
    ("F13", 0xffca),
    ("F14", 0xffcb),
    ("F15", 0xffcc),
    ("F16", 0xffcd),
    ("F17", 0xffce),
    ("F18", 0xffcf),
    ("F19", 0xffd0),
    ("F2", 0xffbf),
    ("F20", 0xffd1),
    ("F21", 0xffd2),
    ("F22", 0xffd3),
    ("F23", 0xffd4),
    ("F24", 0xffd5),
    ("F3", 0xffc0),
    ("F4", 0xffc1),
    ("F5", 0xffc2),
    ("F6", 0xffc3),
    ("F7", 0xffc4),
    ("F8", 0xffc5),
    ("F9", 0xffc6),
    ("Find", 0xff68),
    ("HangulMode", 0xff31),
    ("HanjaMode", 0xff34),
    ("Help", 0xff6a),
    ("Hiragana", 0xff25),
    ("HiraganaKatakana", 0xff27),
    ("Home", 0xff50),
    ("Insert", 0xff63),
    ("KanaMode", 0xff2d),
    ("Katakana", 0xff26),
    ("MediaPlayPause", 0x1008_ff14),
    ("MediaStop", 0x1008_ff15),
    ("MediaTrackNext", 0x1008_ff17),
    ("MediaTrackPrevious", 0x1008_ff16),
    ("ModeChange", 0xff7e),
    ("NonConvert", 0xff22),
    ("NumLock", 0xff7f),
    ("PageDown", 0xff56),
    ("PageUp", 0xff55),
    ("Pause", 0xff13),
    ("PrintScreen", 0xff61),
    ("Romaji", 0xff24),
    ("ScrollLock", 0xff14),
    ("Select", 0xff60),
    ("Tab", 0xff09),
    ("Undo", 0xff65),
    ("Zenkaku", 0xff28),
    ("ZenkakuHankaku", 0xff2a),
];

/// Keys that are there twice, left and right.
const SIDED: &[(&str, u32, u32)] = &[
    ("Alt", 0xffe9, 0xffea),
    ("Control", 0xffe3, 0xffe4),
    ("Hyper", 0xffed, 0xffee),
    ("Meta", 0xffeb, 0xffec),
    ("OS", 0xffeb, 0xffec),
    ("Shift", 0xffe1, 0xffe2),
    ("Super", 0xffeb, 0xffec),
];

/// The numeric pad's own.
const PAD: &[(&str, u32)] = &[
    ("*", 0xffaa),
    ("+", 0xffab),
    (",", 0xffac),
    ("-", 0xffad),
    (".", 0xffae),
    ("/", 0xffaf),
    ("0", 0xffb0),
    ("1", 0xffb1),
    ("2", 0xffb2),
    ("3", 0xffb3),
    ("4", 0xffb4),
    ("5", 0xffb5),
    ("6", 0xffb6),
    ("7", 0xffb7),
    ("8", 0xffb8),
    ("9", 0xffb9),
    ("=", 0xffbd),
    ("ArrowDown", 0xff99),
    ("ArrowLeft", 0xff96),
    ("ArrowRight", 0xff98),
    ("ArrowUp", 0xff97),
    ("Clear", 0xff9d),
    ("Delete", 0xff9f),
    ("End", 0xff9c),
    ("Enter", 0xff8d),
    ("Home", 0xff95),
    ("Insert", 0xff9e),
    ("PageDown", 0xff9b),
    ("PageUp", 0xff9a),
];

/// The third level of a keyboard: AltGr.
const LEVEL_3: u32 = 0xfe03;
const CONTROL_LEFT: u32 = 0xffe3;
const ALT_LEFT: u32 = 0xffe9;
const META: [u32; 2] = [0xffeb, 0xffec];
const DELETE: u32 = 0xffff;
const RETURN: u32 = 0xff0d;
const NO_SYMBOL: u32 = 0;
const RIGHT: u32 = 2;
const NUMERIC_PAD: u32 = 3;
/// More keys than that are not held by any hand.
const MAX_HELD: usize = 64;

/// The keysym of a key. `None`: it means nothing by itself, as a dead key.
#[must_use]
pub fn keysym_of(press: Press<'_>) -> Option<u32> {
    if press.key == "AltGraph" {
        return Some(LEVEL_3);
    }
    if press.location == NUMERIC_PAD
        && let Some(keysym) = find(PAD, press.key)
    {
        return Some(keysym);
    }
    if let Some((_, left, right)) = SIDED.iter().find(|(name, ..)| *name == press.key) {
        return Some(if press.location == RIGHT {
            *right
        } else {
            *left
        });
    }
    if let Some(keysym) = find(NAMED, press.key) {
        return Some(keysym);
    }
    let mut letters = press.key.chars();
    match (letters.next(), letters.next()) {
        (Some(letter), None) => keysym_of_letter(letter),
        _ => None,
    }
}

/// The keysym that types a character. Letters that had one before Unicode keep it, as in Latin-2
/// or Cyrillic: keymaps of servers know many of them by no other. All others are Unicode's with a
/// mark. `None`: it is no character to be typed.
#[must_use]
pub fn keysym_of_letter(letter: char) -> Option<u32> {
    match letter {
        '\n' | '\r' => Some(RETURN),
        '\t' => Some(0xff09),
        '\u{8}' => Some(0xff08),
        letter if letter.is_control() => None,
        letter => match Keysym::from_char(letter).raw() {
            NO_SYMBOL => None,
            keysym => Some(keysym),
        },
    }
}

/// Shift, Control, Caps Lock, Alt, Command and their like.
fn is_modifier(keysym: u32) -> bool {
    keysym == LEVEL_3 || (0xffe1..=0xffee).contains(&keysym)
}

fn find(table: &[(&str, u32)], name: &str) -> Option<u32> {
    let entry = table.iter().find(|(known, _)| *known == name);
    entry.map(|(_, keysym)| *keysym)
}

/// What the browser runs on, as far as its keys differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Platform {
    /// A Mac, an iPhone, an iPad: while Command is held, they do not tell that other keys go up.
    Apple,
    /// Keys that go down are told to go up.
    #[default]
    Other,
}

/// Which keys are down, so that each is let go as what it went down as, and none stays down.
#[derive(Debug, Default)]
pub struct Keyboard {
    platform: Platform,
    held: Vec<(String, u32)>,
}

impl Keyboard {
    /// No key is down.
    #[must_use]
    pub const fn new(platform: Platform) -> Self {
        Self {
            platform,
            held: Vec::new(),
        }
    }

    /// A key went down, or repeats.
    pub fn down(&mut self, press: Press<'_>) -> Vec<KeyEvent> {
        let Some(keysym) = keysym_of(press) else {
            return Vec::new();
        };
        let mut events = Vec::new();
        // Windows says Control and then Alt for the one key AltGr.
        if keysym == LEVEL_3 {
            events.extend(self.let_go(|_, held| held == CONTROL_LEFT));
        }
        if self.platform == Platform::Apple && self.has_meta() && !is_modifier(keysym) {
            events.extend(self.let_go(|code, _| code == press.code));
            events.extend([(keysym, true), (keysym, false)]);
            return events;
        }
        if let Some((_, held)) = self.held.iter().find(|(code, _)| code == press.code) {
            if *held != keysym {
                let held = *held;
                events.extend(self.let_go(|code, _| code == press.code));
                debug_assert!(events.contains(&(held, false)), "it was held");
                self.hold(press.code, keysym);
            }
        } else {
            self.hold(press.code, keysym);
        }
        events.push((keysym, true));
        events
    }

    /// A key went up.
    pub fn up(&mut self, code: &str) -> Vec<KeyEvent> {
        let had_meta = self.has_meta();
        let mut events = self.let_go(|held, _| held == code);
        if self.platform == Platform::Apple && had_meta && !self.has_meta() {
            // What was down before Command may have gone up without a word.
            events.extend(self.let_go(|_, held| !is_modifier(held)));
        }
        events
    }

    /// The page lost the focus: whatever is down would stay so.
    pub fn release_all(&mut self) -> Vec<KeyEvent> {
        self.let_go(|_, _| true)
    }

    /// The three keys that no browser lets a page see together.
    #[must_use]
    pub fn control_alt_delete() -> [KeyEvent; 6] {
        [
            (CONTROL_LEFT, true),
            (ALT_LEFT, true),
            (DELETE, true),
            (DELETE, false),
            (ALT_LEFT, false),
            (CONTROL_LEFT, false),
        ]
    }

    /// Text that came as a whole, as from a phone's keyboard. Each end of a line, `\r\n` too, is one
    /// Return.
    #[must_use]
    pub fn text(text: &str) -> Vec<KeyEvent> {
        let text = text.replace("\r\n", "\n");
        let keysyms = text.chars().filter_map(keysym_of_letter);
        keysyms
            .flat_map(|keysym| [(keysym, true), (keysym, false)])
            .collect()
    }

    fn has_meta(&self) -> bool {
        self.held.iter().any(|(_, held)| META.contains(held))
    }

    fn hold(&mut self, code: &str, keysym: u32) {
        if self.held.len() < MAX_HELD {
            self.held.push((code.to_owned(), keysym));
        }
    }

    fn let_go(&mut self, which: impl Fn(&str, u32) -> bool) -> Vec<KeyEvent> {
        let mut events = Vec::new();
        self.held.retain(|(code, keysym)| {
            let goes = which(code, *keysym);
            if goes {
                events.push((*keysym, false));
            }
            !goes
        });
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press<'a>(key: &'a str, code: &'a str, location: u32) -> Press<'a> {
        Press {
            key,
            code,
            location,
        }
    }

    #[test]
    fn keys_have_their_keysyms() {
        for (key, code, location, keysym) in [
            ("a", "KeyA", 0, 0x61),
            ("A", "KeyA", 0, 0x41),
            ("ä", "Quote", 0, 0xe4),
            ("ß", "Minus", 0, 0xdf),
            ("@", "KeyQ", 0, 0x40),
            ("€", "KeyE", 0, 0x20ac),
            ("ж", "Semicolon", 0, 0x06d6),
            ("Ł", "KeyL", 0, 0x01a3),
            ("ő", "BracketLeft", 0, 0x01f5),
            ("ğ", "BracketLeft", 0, 0x02bb),
            ("ā", "KeyA", 0, 0x03e0),
            ("Œ", "KeyO", 0, 0x13bc),
            ("λ", "KeyL", 0, 0x07eb),
            ("→", "KeyI", 0, 0x08fd),
            ("ẞ", "Minus", 0, 0x0100_1e9e),
            ("🛰", "KeyI", 0, 0x0101_f6f0),
            ("Enter", "Enter", 0, 0xff0d),
            ("Enter", "NumpadEnter", 3, 0xff8d),
            ("5", "Numpad5", 3, 0xffb5),
            ("5", "Digit5", 0, 0x35),
            ("Shift", "ShiftRight", 2, 0xffe2),
            ("Control", "ControlLeft", 1, 0xffe3),
            ("AltGraph", "AltRight", 2, 0xfe03),
            ("F12", "F12", 0, 0xffc9),
        ] {
            assert_eq!(keysym_of(press(key, code, location)), Some(keysym), "{key}");
        }
        for key in ["Dead", "Unidentified", "Process", "\u{7}"] {
            assert_eq!(keysym_of(press(key, "X", 0)), None, "{key}");
        }
    }

    #[test]
    fn a_key_is_let_go_as_what_it_went_down_as() {
        let mut keyboard = Keyboard::default();
        assert_eq!(
            keyboard.down(press("Shift", "ShiftLeft", 1)),
            [(0xffe1, true)]
        );
        assert_eq!(keyboard.down(press("A", "KeyA", 0)), [(0x41, true)]);
        // Shift goes first: the browser then calls the same key `a`.
        assert_eq!(keyboard.up("ShiftLeft"), [(0xffe1, false)]);
        assert_eq!(keyboard.up("KeyA"), [(0x41, false)]);
        assert_eq!(keyboard.up("KeyA"), []);
    }

    #[test]
    fn windows_altgr_is_one_key() {
        let mut keyboard = Keyboard::default();
        keyboard.down(press("Control", "ControlLeft", 1));
        let events = keyboard.down(press("AltGraph", "AltRight", 2));
        assert_eq!(events, [(0xffe3, false), (0xfe03, true)]);
        assert_eq!(keyboard.down(press("@", "KeyQ", 0)), [(0x40, true)]);
    }

    #[test]
    fn nothing_stays_down_when_the_focus_goes() {
        let mut keyboard = Keyboard::default();
        keyboard.down(press("Alt", "AltLeft", 1));
        keyboard.down(press("Tab", "Tab", 0));
        assert_eq!(keyboard.release_all(), [(0xffe9, false), (0xff09, false)]);
        assert_eq!(keyboard.release_all(), []);
    }

    #[test]
    fn a_repeat_is_no_second_key() {
        let mut keyboard = Keyboard::default();
        keyboard.down(press("x", "KeyX", 0));
        assert_eq!(keyboard.down(press("x", "KeyX", 0)), [(0x78, true)]);
        assert_eq!(keyboard.up("KeyX"), [(0x78, false)]);
        assert_eq!(keyboard.release_all(), []);
    }

    #[test]
    fn a_mac_tells_no_key_up_while_command_is_held() {
        let mut keyboard = Keyboard::new(Platform::Apple);
        assert_eq!(keyboard.down(press("x", "KeyX", 0)), [(0x78, true)]);
        assert_eq!(
            keyboard.down(press("Meta", "MetaLeft", 1)),
            [(0xffeb, true)]
        );
        for _ in 0..2 {
            let copied = keyboard.down(press("c", "KeyC", 0));
            assert_eq!(copied, [(0x63, true), (0x63, false)]);
        }
        // It was down before.
        let cut = keyboard.down(press("x", "KeyX", 0));
        assert_eq!(cut, [(0x78, false), (0x78, true), (0x78, false)]);
        // Modifiers are told as ever.
        assert_eq!(
            keyboard.down(press("Shift", "ShiftLeft", 1)),
            [(0xffe1, true)]
        );
        assert_eq!(keyboard.up("ShiftLeft"), [(0xffe1, false)]);
        assert_eq!(keyboard.up("MetaLeft"), [(0xffeb, false)]);
        assert_eq!(keyboard.down(press("c", "KeyC", 0)), [(0x63, true)]);
        assert_eq!(keyboard.up("KeyC"), [(0x63, false)]);
        assert_eq!(keyboard.release_all(), []);
    }

    #[test]
    fn what_was_down_before_command_goes_up_with_it() {
        let mut keyboard = Keyboard::new(Platform::Apple);
        keyboard.down(press("a", "KeyA", 0));
        keyboard.down(press("Meta", "MetaLeft", 1));
        assert_eq!(keyboard.up("MetaLeft"), [(0xffeb, false), (0x61, false)]);
    }

    #[test]
    fn elsewhere_the_windows_key_changes_nothing() {
        let mut keyboard = Keyboard::default();
        keyboard.down(press("Meta", "MetaLeft", 1));
        assert_eq!(keyboard.down(press("c", "KeyC", 0)), [(0x63, true)]);
        assert_eq!(keyboard.up("KeyC"), [(0x63, false)]);
    }

    #[test]
    fn text_is_typed_letter_by_letter() {
        assert_eq!(
            Keyboard::text("\r\n\n\r"),
            [[(RETURN, true), (RETURN, false)]; 3].concat()
        );
        assert_eq!(
            Keyboard::text("ü\n"),
            [(0xfc, true), (0xfc, false), (0xff0d, true), (0xff0d, false)]
        );
    }
}
