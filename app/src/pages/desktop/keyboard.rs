//! The keyboard: a hidden field has the focus, so that phones show theirs and pasting needs no leave.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use remote_messages::vnc::ToWorker;
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, Event, HtmlTextAreaElement, InputEvent, KeyboardEvent};

use super::control::Control;
use super::held::Stroke;
use super::typed::{PADDING, change};

/// How the way out is written.
pub(super) const LEAVE: &str = "Ctrl+Shift+↑";
/// More than this in the field, and it is emptied between two words.
const MOST_LETTERS: u32 = 200;

struct Keys {
    control: Control,
    field: HtmlTextAreaElement,
    /// What the field held when it was last looked at.
    before: RefCell<String>,
    /// The V of a paste, held back until the text is on its way.
    pastes: Cell<Option<KeyboardEvent>>,
}

/// What hears an event.
type Take = fn(&Keys, &Event);

/// Listens to the field until dropped.
pub(super) fn listen(control: Control, field: &HtmlTextAreaElement) -> Vec<EventListener> {
    let keys = Rc::new(Keys {
        control,
        field: field.clone(),
        before: RefCell::default(),
        pastes: Cell::default(),
    });
    keys.empty();
    // Of Safari; it cannot be refused.
    let _ = field.set_attribute("autocorrect", "off");
    let heard: [(&'static str, Take); 6] = [
        ("keydown", Keys::down),
        ("keyup", Keys::up),
        ("paste", Keys::paste),
        ("input", Keys::input),
        ("compositionend", Keys::composed),
        ("blur", Keys::blur),
    ];
    heard
        .into_iter()
        .map(|(name, take)| {
            let keys = Rc::clone(&keys);
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(field, name, options, move |event| take(&keys, event))
        })
        .collect()
}

impl Keys {
    fn down(&self, event: &Event) {
        let Some(event) = event.dyn_ref::<KeyboardEvent>() else {
            return;
        };
        let key = event.key();
        if event.ctrl_key() && event.shift_key() && key == "ArrowUp" {
            event.prevent_default();
            return self.control.leave();
        }
        // The browser puts together what comes of these, and tells it as text.
        if event.is_composing()
            || matches!(
                key.as_str(),
                "Dead" | "Process" | "Unidentified" | "Compose"
            )
        {
            return;
        }
        self.flush();
        let pastes = matches!(key.as_str(), "v" | "V")
            && (event.ctrl_key() || event.meta_key())
            && !event.alt_key();
        if pastes {
            return self.pastes.set(Some(event.clone()));
        }
        event.prevent_default();
        self.tell(event, true);
    }

    fn up(&self, event: &Event) {
        if let Some(event) = event.dyn_ref::<KeyboardEvent>() {
            self.flush();
            event.prevent_default();
            self.tell(event, false);
        }
    }

    fn tell(&self, event: &KeyboardEvent, down: bool) {
        self.control.say(&ToWorker::Key {
            key: event.key(),
            code: event.code(),
            location: event.location(),
            down,
        });
    }

    /// The key that was held back goes out.
    fn flush(&self) {
        if let Some(event) = self.pastes.take() {
            self.tell(&event, true);
        }
    }

    /// The text goes to the desktop's clipboard first; then the keys that paste it there.
    fn paste(&self, event: &Event) {
        event.prevent_default();
        let data = event
            .dyn_ref::<ClipboardEvent>()
            .and_then(ClipboardEvent::clipboard_data);
        let text = data.and_then(|data| data.get_data("text/plain").ok());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.control.send_clipboard(text);
        }
        self.flush();
    }

    fn input(&self, event: &Event) {
        let composing = event
            .dyn_ref::<InputEvent>()
            .is_some_and(InputEvent::is_composing);
        let kind = event.dyn_ref::<InputEvent>().map(InputEvent::input_type);
        if matches!(kind.as_deref(), Some("insertLineBreak" | "insertParagraph")) {
            self.empty();
            return self.control.strike(Stroke::Key("Enter", "Enter"));
        }
        self.look();
        // A keyboard that completes words must find them: the field is emptied between two.
        let long = self.field.text_length() > MOST_LETTERS;
        let bare = self.field.text_length() < 2;
        if !composing && (long || bare || self.before.borrow().ends_with(' ')) {
            self.empty();
        }
    }

    fn composed(&self, _: &Event) {
        self.look();
        self.empty();
    }

    /// Tells what has become of the field's text.
    fn look(&self) {
        let now = self.field.value();
        let typed = change(&self.before.replace(now.clone()), &now);
        for _ in 0..typed.deleted {
            self.control.strike(Stroke::Key("Backspace", "Backspace"));
        }
        if !typed.text.is_empty() {
            self.control.strike(Stroke::Text(typed.text));
        }
    }

    fn empty(&self) {
        self.field.set_value(PADDING);
        let end = self.field.text_length();
        // The field takes a selection whether it is shown or not.
        let _ = self.field.set_selection_range(end, end);
        self.before.replace(PADDING.to_owned());
    }

    fn blur(&self, _: &Event) {
        self.pastes.set(None);
        self.control.say(&ToWorker::Blur);
    }
}
