//! The keys that a phone's keyboard lacks, above it.

use leptos::prelude::*;

use super::control::Control;
use super::keys::{Key, Modifiers};
use crate::pages::viewer::{Hold, KeyButton, ModifierButton, keep_keyboard};

const FIRST: [(Key, &str, &str); 6] = [
    (Key::Escape, "Esc", "Esc"),
    (Key::Tab, "Tab", "Tab"),
    (Key::Left, "←", "Left"),
    (Key::Down, "↓", "Down"),
    (Key::Up, "↑", "Up"),
    (Key::Right, "→", "Right"),
];

const SECOND: [(Key, &str, &str); 8] = [
    (Key::Home, "Home", "Home"),
    (Key::End, "End", "End"),
    (Key::PageUp, "PgUp", "PgUp (page up)"),
    (Key::PageDown, "PgDn", "PgDn (page down)"),
    (Key::Letter('|'), "|", "Pipe"),
    (Key::Letter('/'), "/", "Slash"),
    (Key::Letter('-'), "-", "Minus"),
    (Key::Letter('~'), "~", "Tilde"),
];

/// Two pages of keys; style sheets show it to fingers alone.
#[component]
pub(super) fn KeyRow(control: Control, running: Memo<bool>) -> impl IntoView {
    let second = RwSignal::new(false);
    move || {
        running.get().then(|| {
            view! {
                <div class="key-row" role="toolbar" aria-label="Keys">
                    {move || (!second.get()).then(|| view! {
                        <ModifierKey control=control label="Ctrl" pick=|held| &mut held.ctrl />
                        <ModifierKey control=control label="Alt" pick=|held| &mut held.alt />
                    })}
                    {move || {
                        let keys: &[_] = if second.get() { &SECOND } else { &FIRST };
                        keys.iter()
                            .map(|(key, word, label)| {
                                let key = *key;
                                view! {
                                    <KeyButton
                                        word=word
                                        label=label
                                        repeats=key.repeats()
                                        press=Callback::new(move |()| control.press(key))
                                    />
                                }
                            })
                            .collect_view()
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

#[component]
fn ModifierKey(
    control: Control,
    label: &'static str,
    pick: fn(&mut Modifiers) -> &mut Hold,
) -> impl IntoView {
    let hold = move || control.modifiers.with(|held| *pick(&mut held.clone()));
    let set = Callback::new(move |hold| control.modifiers.update(|held| *pick(held) = hold));
    view! { <ModifierButton label=label hold=Signal::derive(hold) set=set /> }
}
