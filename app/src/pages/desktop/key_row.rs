//! The keys that a phone lacks, above its keyboard.

use leptos::prelude::*;

use super::control::{Control, KEYS};
use super::held::{Held, Stroke};
use crate::components::{Glyph, Icon};
use crate::pages::viewer::{Hold, KeyButton, ModifierButton, keep_keyboard};
use crate::state::{document, focus};

/// A key as browsers name it, where it is, its word, and its name for a screen reader.
type Key = (&'static str, &'static str, &'static str, &'static str);

const FIRST: [Key; 6] = [
    ("Escape", "Escape", "Esc", "Esc"),
    ("Tab", "Tab", "Tab", "Tab"),
    ("ArrowLeft", "ArrowLeft", "←", "Left"),
    ("ArrowDown", "ArrowDown", "↓", "Down"),
    ("ArrowUp", "ArrowUp", "↑", "Up"),
    ("ArrowRight", "ArrowRight", "→", "Right"),
];

const SECOND: [Key; 9] = [
    ("Home", "Home", "Home", "Home"),
    ("End", "End", "End", "End"),
    ("PageUp", "PageUp", "PgUp", "PgUp (page up)"),
    ("PageDown", "PageDown", "PgDn", "PgDn (page down)"),
    ("Delete", "Delete", "Del", "Del (delete)"),
    ("F1", "F1", "F1", "F1"),
    ("F2", "F2", "F2", "F2"),
    ("F5", "F5", "F5", "F5"),
    ("F11", "F11", "F11", "F11"),
];

/// A modifier of the row and where it is kept.
type Modifier = (&'static str, fn(&mut Held) -> &mut Hold);

const MODIFIERS: [Modifier; 2] = [
    ("Ctrl", |held| &mut held.ctrl),
    ("Alt", |held| &mut held.alt),
];
const MORE_MODIFIERS: [Modifier; 2] = [
    ("Shift", |held| &mut held.shift),
    ("Super", |held| &mut held.meta),
];

/// Two pages of keys; style sheets show it to fingers alone.
#[component]
pub(super) fn KeyRow(control: Control, running: Memo<bool>) -> impl IntoView {
    let second = RwSignal::new(false);
    move || {
        running.get().then(|| {
            view! {
                <div class="key-row" role="toolbar" aria-label="Keys">
                    <KeyboardButton />
                    {move || {
                        let modifiers = if second.get() { MORE_MODIFIERS } else { MODIFIERS };
                        modifiers.map(|modifier| view! { <ModifierKey control=control modifier=modifier /> })
                    }}
                    {move || {
                        let keys: &[Key] = if second.get() { &SECOND } else { &FIRST };
                        keys.iter().map(|key| row_key(control, key)).collect_view()
                    }}
                    <button
                        class="key-row__key"
                        type="button"
                        aria-label="More keys"
                        aria-pressed=move || second.get().to_string()
                        on:pointerdown=keep_keyboard
                        on:click=move |_| second.update(|second| *second = !*second)
                    >
                        "⋯"
                    </button>
                </div>
            }
        })
    }
}

fn row_key(control: Control, (key, code, word, label): &Key) -> impl IntoView + use<> {
    let (key, code) = (*key, *code);
    let press = Callback::new(move |()| control.strike(Stroke::Key(key, code)));
    view! { <KeyButton word=word label=label repeats=key.starts_with("Arrow") press=press /> }
}

/// A tap on the picture is a click there: the phone's keyboard has a button of its own.
#[component]
fn KeyboardButton() -> impl IntoView {
    let flip = |_| {
        let focused = document().and_then(|document| document.active_element());
        match focused.filter(|element| element.id() == KEYS) {
            Some(element) => blur(&element),
            None => focus(KEYS),
        }
    };
    view! {
        <button
            class="key-row__key"
            type="button"
            aria-label="Keyboard"
            on:pointerdown=keep_keyboard
            on:mousedown=|event| event.prevent_default()
            on:click=flip
        >
            <Icon glyph=Glyph::Keyboard />
        </button>
    }
}

fn blur(element: &web_sys::Element) {
    use wasm_bindgen::JsCast;
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        // An element that has the focus can lose it.
        let _ = element.blur();
    }
}

#[component]
fn ModifierKey(control: Control, modifier: Modifier) -> impl IntoView {
    let (label, pick) = modifier;
    let hold = move || control.held.with(|held| *pick(&mut held.clone()));
    let set = Callback::new(move |hold| control.held.update(|held| *pick(held) = hold));
    view! { <ModifierButton label=label hold=Signal::derive(hold) set=set /> }
}
