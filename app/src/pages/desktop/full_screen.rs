//! The whole screen for the desktop, and with it the keys that the browser or the system keep for
//! themselves otherwise, where the browser lends them.

use gloo_events::EventListener;
use js_sys::{Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};

use crate::state::{document, window};

/// Whether this browser can (the iPhone's cannot).
pub(super) fn is_possible() -> bool {
    document().is_some_and(|document| document.fullscreen_enabled())
}

/// Whether the viewer has the whole screen now.
pub(super) fn follow() -> RwSignal<bool> {
    let full = RwSignal::new(false);
    if let Some(document) = document() {
        let seen = document.clone();
        let changed = EventListener::new(&document, "fullscreenchange", move |_| {
            full.try_set(seen.fullscreen_element().is_some());
        });
        // Held by the owner, so that the listener ends with it.
        StoredValue::new_local(changed);
    }
    full
}

/// In or out.
pub(super) fn flip() {
    let Some(document) = document() else { return };
    if document.fullscreen_element().is_some() {
        document.exit_fullscreen();
        return;
    }
    if let Ok(Some(viewer)) = document.query_selector(".viewer") {
        // Refused without a click, and this is one.
        let _ = viewer.request_fullscreen();
        lock_keys();
    }
}

/// Chromium alone has this: Escape, Alt+Tab and the like go to the page while it has the screen. A
/// long press of Escape still leads out.
fn lock_keys() {
    let locked = || -> Result<JsValue, JsValue> {
        let navigator = window().ok_or(JsValue::NULL)?.navigator();
        let keyboard = Reflect::get(&navigator, &"keyboard".into())?;
        let lock: Function = Reflect::get(&keyboard, &"lock".into())?.dyn_into()?;
        lock.call0(&keyboard)
    };
    // Without it, those keys stay the browser's.
    let _ = locked();
}
