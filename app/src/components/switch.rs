//! Something that is on or off.

use leptos::prelude::*;

/// A labelled switch. It shows what is so, not what was clicked: `on_change` brings it about.
#[component]
pub(crate) fn Switch(
    #[prop(into)] label: String,
    #[prop(into)] on: Signal<bool>,
    #[prop(into)] busy: Signal<bool>,
    #[prop(into)] on_change: Callback<bool>,
) -> impl IntoView {
    let click = move |_| {
        if !busy.get_untracked() {
            on_change.run(!on.get_untracked());
        }
    };
    view! {
        <button
            class="switch"
            type="button"
            role="switch"
            aria-checked=move || if on.get() { "true" } else { "false" }
            aria-busy=move || busy.get().then_some("true")
            on:click=click
        >
            <span class="switch__track" aria-hidden="true"><span class="switch__knob"></span></span>
            <span>{label}</span>
        </button>
    }
}
