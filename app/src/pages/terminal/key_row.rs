//! The keys that a phone's keyboard lacks, above it.

use gloo_timers::callback::{Interval, Timeout};
use leptos::ev::PointerEvent;
use leptos::prelude::*;

use super::control::Control;
use super::keys::{Hold, Key, Modifiers};

const REPEATS_AFTER_MS: u32 = 400;
const REPEATS_EVERY_MS: u32 = 70;

const FIRST: [(Key, &str, &str); 6] = [
    (Key::Escape, "Esc", "Escape"),
    (Key::Tab, "Tab", "Tab"),
    (Key::Left, "←", "Left"),
    (Key::Down, "↓", "Down"),
    (Key::Up, "↑", "Up"),
    (Key::Right, "→", "Right"),
];

const SECOND: [(Key, &str, &str); 8] = [
    (Key::Home, "Home", "Home"),
    (Key::End, "End", "End"),
    (Key::PageUp, "PgUp", "Page up"),
    (Key::PageDown, "PgDn", "Page down"),
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
                            .map(|(key, word, label)| view! {
                                <RowKey control=control key_=*key word=word label=label />
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

/// A button that took the focus would send the phone's keyboard away.
fn keep_keyboard(event: PointerEvent) {
    event.prevent_default();
}

#[component]
fn RowKey(control: Control, key_: Key, word: &'static str, label: &'static str) -> impl IntoView {
    let (delay, repeats) = (
        StoredValue::new_local(None::<Timeout>),
        StoredValue::new_local(None::<Interval>),
    );
    let release = move || {
        delay.set_value(None);
        repeats.set_value(None);
    };
    let down = move |event: PointerEvent| {
        keep_keyboard(event);
        control.press(key_);
        if key_.repeats() {
            delay.set_value(Some(Timeout::new(REPEATS_AFTER_MS, move || {
                let every = Interval::new(REPEATS_EVERY_MS, move || control.press(key_));
                repeats.try_set_value(Some(every));
            })));
        }
    };
    // A screen reader or a keyboard presses without a pointer.
    let click = move |event: leptos::ev::MouseEvent| {
        if event.detail() == 0 {
            control.press(key_);
        }
    };
    view! {
        <button
            class="key-row__key"
            type="button"
            aria-label=label
            on:pointerdown=down
            on:pointerup=move |_| release()
            on:pointercancel=move |_| release()
            on:pointerleave=move |_| release()
            on:contextmenu=|event| event.prevent_default()
            on:mousedown=|event| event.prevent_default()
            on:click=click
        >
            {word}
        </button>
    }
}

#[component]
fn ModifierKey(
    control: Control,
    label: &'static str,
    pick: fn(&mut Modifiers) -> &mut Hold,
) -> impl IntoView {
    let last_ms = StoredValue::new(f64::NEG_INFINITY);
    let hold = move || control.modifiers.with(|held| *pick(&mut held.clone()));
    let tap = move |_| {
        let now_ms = js_sys::Date::now();
        let since_ms = now_ms - last_ms.get_value();
        last_ms.set_value(now_ms);
        control.modifiers.update(|held| {
            let one = pick(held);
            *one = one.tapped(since_ms);
        });
    };
    view! {
        <button
            class="key-row__key"
            class:key-row__key--once=move || hold() == Hold::Once
            class:key-row__key--locked=move || hold() == Hold::Locked
            type="button"
            title="Once for the next key; tap twice to lock"
            aria-pressed=move || hold().is_on().to_string()
            on:pointerdown=keep_keyboard
            on:mousedown=|event| event.prevent_default()
            on:click=tap
        >
            {label}
        </button>
    }
}
