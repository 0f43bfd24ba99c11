//! Opens a device's web page in a tab of its own.

use api::DeviceId;
use leptos::task::spawn_local;
use wasm_bindgen::JsValue;
use web_sys::Window;

use crate::api_client::ApiClient;
use crate::state::{Toasts, window};

/// Opens the page of a web service. Must run in the click itself: a tab opened later, when the
/// server has answered, is what pop-up blockers stop.
pub(crate) fn open_web_page(api: ApiClient, toasts: Toasts, id: DeviceId, service: String) {
    let Some(window) = window() else { return };
    let tab = window
        .open_with_url_and_target("about:blank", "_blank")
        .ok()
        .flatten();
    if let Some(tab) = &tab {
        // The device's page must not reach back to this one.
        let _ = tab.set_opener(&JsValue::NULL);
    }
    spawn_local(async move {
        match api.launch(id, &service).await {
            // Where no tab may be opened, this one goes there.
            Ok(intent) => go(tab.as_ref().unwrap_or(&window), &intent.url),
            Err(error) => {
                if let Some(tab) = tab {
                    // A tab that the person closed already is as good.
                    let _ = tab.close();
                }
                toasts.failed(&error);
            }
        }
    });
}

fn go(tab: &Window, url: &str) {
    if is_web(url) {
        // Replacing leaves no blank page behind the "back" button.
        let _ = tab.location().replace(url);
    }
}

/// A script in an address would run in this page's origin.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_web_addresses_are_opened() {
        assert!(is_web("https://pump-07.devices.example/"));
        assert!(is_web("http://pump-07.adit.localhost:8080/"));
        assert!(!is_web("javascript:alert(1)"));
        assert!(!is_web("data:text/html,x"));
    }
}
