//! Looks for text in what the terminal has written.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::html;
use leptos::prelude::*;

use super::control::Control;
use crate::components::{Glyph, IconButton};

/// Shown while somebody searches; Enter finds the next, Shift+Enter the one before.
#[component]
pub(super) fn SearchBar(control: Control) -> impl IntoView {
    move || {
        control
            .searching
            .get()
            .then(|| view! { <Search control=control /> })
    }
}

#[component]
fn Search(control: Control) -> impl IntoView {
    let text = RwSignal::new(String::new());
    let nowhere = RwSignal::new(false);
    let field = NodeRef::<html::Input>::new();
    Effect::new(move |_| {
        if let Some(field) = field.get() {
            request_animation_frame(move || drop(field.focus()));
        }
    });
    let find = move |backwards: bool| {
        let wanted = text.get_untracked();
        if wanted.is_empty() {
            return nowhere.set(false);
        }
        control.with_screen(|screen| nowhere.set(!screen.find(&wanted, backwards)));
    };
    let close = move || {
        control.searching.set(false);
        control.with_screen(|screen| {
            screen.terminal().clear_selection();
            screen.focus();
        });
    };
    let key = move |event: KeyboardEvent| match event.key().as_str() {
        "Escape" => {
            event.prevent_default();
            close();
        }
        "Enter" => {
            event.prevent_default();
            find(!event.shift_key());
        }
        _ => {}
    };
    view! {
        <form
            class="terminal-search"
            role="search"
            on:submit=move |event: SubmitEvent| event.prevent_default()
        >
            <input
                class="text-field__input"
                class:terminal-search__field--nowhere=move || nowhere.get()
                node_ref=field
                type="search"
                aria-label="Search in the terminal"
                placeholder="Search"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                on:input:target=move |event| text.set(event.target().value())
                on:keydown=key
            />
            <p class="terminal-search__told" role="status">
                {move || nowhere.get().then_some("Not found")}
            </p>
            <IconButton glyph=Glyph::Up label="Find the one before" on_click=move |_| find(true) />
            <IconButton glyph=Glyph::Down label="Find the next" on_click=move |_| find(false) />
            <IconButton glyph=Glyph::Close label="Close the search" on_click=move |_| close() />
        </form>
    }
}
