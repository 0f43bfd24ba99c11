//! The modifiers of the key row, and what is struck with them.

use remote_messages::vnc::ToWorker;

use crate::pages::viewer::Hold;

/// A key that is struck: its name and place as browsers have them (UI Events), or letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Key(&'static str, &'static str),
    Text(String),
}

/// Which modifiers of the row are held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) ctrl: Hold,
    pub(super) alt: Hold,
    pub(super) shift: Hold,
    pub(super) meta: Hold,
}

impl Held {
    fn is_on(self) -> bool {
        [self.ctrl, self.alt, self.shift, self.meta]
            .into_iter()
            .any(Hold::is_on)
    }

    /// What is to be told for a stroke. Modifiers that are held for one key are used up, except by
    /// a whole word: that is none of a key.
    pub(super) fn strike(&mut self, stroke: &Stroke) -> Vec<ToWorker> {
        let letters = match stroke {
            Stroke::Text(text) if !self.is_on() || text.chars().count() != 1 => {
                return vec![ToWorker::Text { text: text.clone() }];
            }
            Stroke::Text(text) => Some((text.as_str(), "")),
            Stroke::Key(..) => None,
        };
        let (key, code) = match stroke {
            Stroke::Key(key, code) => (*key, *code),
            Stroke::Text(_) => letters.unwrap_or_default(),
        };
        let modifiers = [
            (self.ctrl, "Control", "ControlLeft"),
            (self.alt, "Alt", "AltLeft"),
            (self.shift, "Shift", "ShiftLeft"),
            (self.meta, "Meta", "MetaLeft"),
        ];
        let on = || modifiers.iter().filter(|(hold, ..)| hold.is_on());
        let mut messages: Vec<ToWorker> = on()
            .map(|(_, key, code)| message(key, code, true))
            .collect();
        messages.push(message(key, code, true));
        messages.push(message(key, code, false));
        messages.extend(on().map(|(_, key, code)| message(key, code, false)));
        for hold in [
            &mut self.ctrl,
            &mut self.alt,
            &mut self.shift,
            &mut self.meta,
        ] {
            *hold = hold.used();
        }
        messages
    }
}

fn message(key: &str, code: &str, down: bool) -> ToWorker {
    let is_modifier = matches!(key, "Control" | "Alt" | "Shift" | "Meta");
    ToWorker::Key {
        key: key.to_owned(),
        code: code.to_owned(),
        location: u32::from(is_modifier),
        down,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(messages: &[ToWorker]) -> Vec<String> {
        let words = |message: &ToWorker| match message {
            ToWorker::Key { key, down, .. } => {
                format!("{key} {}", if *down { "down" } else { "up" })
            }
            ToWorker::Text { text } => format!("text {text}"),
            _ => "other".to_owned(),
        };
        messages.iter().map(words).collect()
    }

    #[test]
    fn a_modifier_is_for_one_key() {
        let mut held = Held {
            ctrl: Hold::Once,
            ..Held::default()
        };
        let messages = held.strike(&Stroke::Text("c".to_owned()));
        assert_eq!(
            told(&messages),
            ["Control down", "c down", "c up", "Control up"]
        );
        let messages = held.strike(&Stroke::Text("c".to_owned()));
        assert_eq!(told(&messages), ["text c"]);
    }

    #[test]
    fn a_word_uses_no_modifier_up_and_a_locked_one_stays() {
        let mut held = Held {
            alt: Hold::Locked,
            ..Held::default()
        };
        assert_eq!(
            told(&held.strike(&Stroke::Text("hello".to_owned()))),
            ["text hello"]
        );
        for _ in 0..2 {
            let messages = held.strike(&Stroke::Key("Tab", "Tab"));
            assert_eq!(
                told(&messages),
                ["Alt down", "Tab down", "Tab up", "Alt up"]
            );
        }
    }
}
