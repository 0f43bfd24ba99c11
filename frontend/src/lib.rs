//! The wasm entry: panic hook and mount, nothing else.

use wasm_bindgen::prelude::wasm_bindgen;

/// Runs when the wasm module is loaded.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}
