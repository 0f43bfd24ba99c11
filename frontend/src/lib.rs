//! The wasm entry: panic hook and mount, nothing else.

use app::App;
use leptos::mount::mount_to;
use leptos::prelude::document;
use leptos::web_sys::HtmlElement;
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::wasm_bindgen;

/// Runs when the wasm module is loaded: the app takes the place of the static shell.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    let shell = document().get_element_by_id("app");
    if let Some(shell) = shell.and_then(|shell| shell.dyn_into::<HtmlElement>().ok()) {
        shell.set_text_content(None);
        mount_to(shell, App).forget();
    }
}
