//! This computer's clipboard, as far as the browser lets us.

use wasm_bindgen_futures::JsFuture;

use crate::state::window;

/// Writes to the clipboard. False: the browser does not let us.
pub(crate) async fn write(text: &str) -> bool {
    let Some(window) = window() else { return false };
    let written = window.navigator().clipboard().write_text(text);
    JsFuture::from(written).await.is_ok()
}

/// Reads the clipboard, for which the browser may ask the person. `None`: it does not let us.
pub(crate) async fn read() -> Option<String> {
    let read = window()?.navigator().clipboard().read_text();
    JsFuture::from(read).await.ok()?.as_string()
}
