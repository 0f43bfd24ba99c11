//! The keys of the row above a phone's keyboard.

use gloo_timers::callback::{Interval, Timeout};
use leptos::ev::{MouseEvent, PointerEvent};
use leptos::prelude::*;

use super::Hold;

const REPEATS_AFTER_MS: u32 = 400;
const REPEATS_EVERY_MS: u32 = 70;

/// A button that took the focus would send the phone's keyboard away.
pub(crate) fn keep_keyboard(event: PointerEvent) {
    event.prevent_default();
}

/// A key; held down it may repeat.
#[component]
pub(crate) fn KeyButton(
    word: &'static str,
    label: &'static str,
    #[prop(optional)] repeats: bool,
    press: Callback<()>,
) -> impl IntoView {
    let (delay, again) = (
        StoredValue::new_local(None::<Timeout>),
        StoredValue::new_local(None::<Interval>),
    );
    let release = move || {
        delay.set_value(None);
        again.set_value(None);
    };
    let down = move |event: PointerEvent| {
        keep_keyboard(event);
        press.run(());
        if repeats {
            delay.set_value(Some(Timeout::new(REPEATS_AFTER_MS, move || {
                let every = Interval::new(REPEATS_EVERY_MS, move || press.run(()));
                again.try_set_value(Some(every));
            })));
        }
    };
    // A screen reader or a keyboard presses without a pointer.
    let click = move |event: MouseEvent| {
        if event.detail() == 0 {
            press.run(());
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

/// A modifier: for the next key, or, tapped twice, until it is tapped again.
#[component]
pub(crate) fn ModifierButton(
    label: &'static str,
    #[prop(into)] hold: Signal<Hold>,
    set: Callback<Hold>,
) -> impl IntoView {
    let last_ms = StoredValue::new(f64::NEG_INFINITY);
    let tap = move |_| {
        let now_ms = js_sys::Date::now();
        let since_ms = now_ms - last_ms.get_value();
        last_ms.set_value(now_ms);
        set.run(hold.get_untracked().tapped(since_ms));
    };
    view! {
        <button
            class="key-row__key"
            class:key-row__key--once=move || hold.get() == Hold::Once
            class:key-row__key--locked=move || hold.get() == Hold::Locked
            type="button"
            title="Once for the next key; tap twice to lock"
            aria-pressed=move || hold.get().is_on().to_string()
            on:pointerdown=keep_keyboard
            on:mousedown=|event| event.prevent_default()
            on:click=tap
        >
            {label}
        </button>
    }
}
