//! A line of the bar's menu.

use leptos::prelude::*;

use crate::components::{Glyph, Icon};

/// An action, and the keys that do the same. With `on` it is one of several choices.
#[component]
pub(crate) fn Entry(
    #[prop(into)] word: Signal<&'static str>,
    #[prop(optional)] keys: &'static str,
    #[prop(optional, into)] off: Signal<bool>,
    #[prop(optional, into)] on: Option<Signal<bool>>,
    act: impl Fn() + 'static,
) -> impl IntoView {
    view! {
        <button
            class="menu__entry"
            role=if on.is_some() { "menuitemradio" } else { "menuitem" }
            aria-checked=move || on.map(|on| on.get().to_string())
            type="button"
            disabled=move || off.get()
            on:click=move |_| act()
        >
            {on.is_some().then(|| view! { <Icon glyph=Glyph::Check class="icon menu__mark" /> })}
            <span class="menu__word">{move || word.get()}</span>
            {(!keys.is_empty()).then(|| view! { <kbd class="menu__keys">{keys}</kbd> })}
        </button>
    }
}
