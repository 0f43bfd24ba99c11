//! Keys that work everywhere.

use leptos::ev::{self, KeyboardEvent};
use leptos::prelude::*;
use leptos_router::hooks::{use_location, use_navigate};
use wasm_bindgen::JsCast;

use crate::paths;
use crate::state::focus;

/// The id of the search field.
pub(crate) const SEARCH_ID: &str = "device-search";

/// `/` and Ctrl+K (⌘K) lead to the search from anywhere.
pub(super) fn listen() {
    let location = use_location();
    let navigate = use_navigate();
    let handle = window_event_listener(ev::keydown, move |event: KeyboardEvent| {
        if !is_search(&event) {
            return;
        }
        event.prevent_default();
        if location.pathname.get_untracked() != paths::DEVICES {
            navigate(paths::DEVICES, Default::default());
        }
        focus(SEARCH_ID);
    });
    on_cleanup(move || handle.remove());
}

fn is_search(event: &KeyboardEvent) -> bool {
    let key = event.key();
    let chord = event.ctrl_key() || event.meta_key();
    if chord {
        return !event.shift_key() && !event.alt_key() && key.eq_ignore_ascii_case("k");
    }
    // While someone types, a slash is a slash.
    key == "/" && !event.alt_key() && !is_typing(event)
}

fn is_typing(event: &KeyboardEvent) -> bool {
    let element = event
        .target()
        .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
    element.is_some_and(|element| {
        matches!(element.tag_name().as_str(), "INPUT" | "SELECT" | "TEXTAREA")
    })
}
