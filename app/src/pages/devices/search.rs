//! The search field; what is searched stands in the address, so that it can be kept and shared.

use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html;
use leptos::leptos_dom::helpers::debounce;
use leptos::prelude::*;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;

use crate::components::{Glyph, Icon};
use crate::frame::SEARCH_ID;
use crate::paths;

/// One request for a word, not one for each letter.
const PAUSE: Duration = Duration::from_millis(180);

/// A search field that follows the address and changes it.
#[component]
pub(super) fn Search(search: Memo<String>) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    let text = RwSignal::new(search.get_untracked());
    Effect::new(move |_| {
        let wanted = search.get();
        // Whoever is typing is ahead of the address.
        let typing = node
            .get_untracked()
            .is_some_and(|input| document().active_element().as_ref() == Some(input.as_ref()));
        if !typing || wanted.is_empty() {
            text.set(wanted);
        }
    });
    let navigate = use_navigate();
    let go = move |wanted: String| {
        let replace = NavigateOptions {
            replace: true,
            scroll: false,
            ..NavigateOptions::default()
        };
        navigate(&address(&wanted), replace);
    };
    let mut go_later = debounce(PAUSE, go.clone());
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            text.set(String::new());
            go(String::new());
        }
    };
    view! {
        <div class="search" role="search">
            <Icon glyph=Glyph::Search />
            <input
                class="search__input"
                node_ref=node
                id=SEARCH_ID
                type="search"
                placeholder="Search devices"
                aria-label="Search devices"
                aria-keyshortcuts="/ Control+K"
                autocomplete="off"
                spellcheck="false"
                enterkeyhint="search"
                prop:value=move || text.get()
                on:input:target=move |event| {
                    text.set(event.target().value());
                    go_later(event.target().value());
                }
                on:keydown=on_key
            />
            <kbd class="search__key" aria-hidden="true">"/"</kbd>
        </div>
    }
}

fn address(search: &str) -> String {
    if search.trim().is_empty() {
        return paths::DEVICES.to_owned();
    }
    let encoded = String::from(js_sys::encode_uri_component(search));
    format!("{}?search={encoded}", paths::DEVICES)
}
