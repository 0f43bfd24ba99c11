//! The browser's own things, each of which may be missing.

use leptos::prelude::request_animation_frame;
use wasm_bindgen::JsCast;
use web_sys::{Document, HtmlElement, Storage, Window};

pub(crate) fn window() -> Option<Window> {
    web_sys::window()
}

pub(crate) fn document() -> Option<Document> {
    window()?.document()
}

/// Local storage; a browser may forbid it.
pub(crate) fn storage() -> Option<Storage> {
    window()?.local_storage().ok()?
}

/// Names the page in the tab.
pub(crate) fn set_title(title: &str) {
    if let Some(document) = document() {
        document.set_title(&format!("{title} · adit"));
    }
}

/// Focuses the element of this id once the present change is drawn.
pub(crate) fn focus(id: &'static str) {
    request_animation_frame(move || {
        let element = document().and_then(|document| document.get_element_by_id(id));
        if let Some(element) = element.and_then(|found| found.dyn_into::<HtmlElement>().ok()) {
            // An element that cannot be focused is left alone.
            let _ = element.focus();
        }
    });
}

/// Shows a page from its beginning.
pub(crate) fn scroll_to_top() {
    if let Some(window) = window() {
        window.scroll_to_with_x_and_y(0.0, 0.0);
    }
}
