//! Something as a file of this computer.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use super::document;

/// Saves it as the browser saves downloads. `None`: it does not let us.
pub(crate) fn download(bytes: &Uint8Array, media_type: &str, file_name: &str) -> Option<()> {
    let about = BlobPropertyBag::new();
    about.set_type(media_type);
    let parts = Array::of1(bytes);
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &about).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let link: HtmlAnchorElement = document()?.create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&url);
    link.set_download(file_name);
    link.click();
    // The browser has taken what it needs by the click.
    Url::revoke_object_url(&url).ok()
}
