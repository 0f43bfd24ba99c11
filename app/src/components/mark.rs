//! The mark: a mine portal in one stroke, and a lamp inside it.

use leptos::prelude::*;

/// The mark, as large as its class makes it.
#[component]
pub(crate) fn Mark(#[prop(default = "mark")] class: &'static str) -> impl IntoView {
    view! {
        <svg class=class viewBox="0 0 24 24" fill="none" aria-hidden="true">
            <path class="mark__portal" d="M4 21V11.5a8 8 0 0 1 16 0V21"></path>
            <circle class="mark__lamp" cx="12" cy="13" r="2.6"></circle>
        </svg>
    }
}
