//! A picture of the desktop as a file of this computer.

use js_sys::{Array, Date, Uint8Array};
use wasm_bindgen::JsCast;
use web_sys::{Blob, BlobPropertyBag, HtmlAnchorElement, Url};

use crate::state::document;

/// Saves a PNG, as the browser saves downloads. `None`: it does not let us.
pub(super) fn save(png: &Uint8Array, device: &str) -> Option<()> {
    let about = BlobPropertyBag::new();
    about.set_type("image/png");
    let parts = Array::of1(png);
    let blob = Blob::new_with_u8_array_sequence_and_options(&parts, &about).ok()?;
    let url = Url::create_object_url_with_blob(&blob).ok()?;
    let link: HtmlAnchorElement = document()?.create_element("a").ok()?.dyn_into().ok()?;
    link.set_href(&url);
    link.set_download(&file_name(
        device,
        &String::from(Date::new_0().to_iso_string()),
    ));
    link.click();
    // The browser has taken what it needs by the click.
    Url::revoke_object_url(&url).ok()
}

/// `pump-07 2026-11-22 10.15.00.png`: no colons, which some systems take for something else.
fn file_name(device: &str, time: &str) -> String {
    let time: String = time.chars().take(19).collect();
    let time = time.replace('T', " ").replace(':', ".");
    let device: String = device
        .chars()
        .map(|letter| {
            if "/\\:*?\"<>|".contains(letter) {
                '-'
            } else {
                letter
            }
        })
        .collect();
    format!("{device} {time}.png")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_every_system_takes() {
        assert_eq!(
            file_name("pump/07", "2026-11-22T10:15:00.123Z"),
            "pump-07 2026-11-22 10.15.00.png"
        );
    }
}
