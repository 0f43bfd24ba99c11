//! The part of the window that a phone's keyboard leaves free.

use gloo_events::EventListener;
use leptos::html;
use leptos::prelude::*;

use crate::state::window;

/// More than this is a person who has zoomed in: the frame stays as it is.
const NOT_ZOOMED: f64 = 1.01;

/// Keeps the frame as high as what can be seen of it: a keyboard covers the page and leaves its
/// height alone.
pub(super) fn follow(frame: NodeRef<html::Div>) {
    let Some(viewport) = window().and_then(|window| window.visual_viewport()) else {
        return;
    };
    let seen = viewport.clone();
    let fit = move || {
        let Some(frame) = frame.get_untracked() else {
            return;
        };
        if seen.scale() > NOT_ZOOMED {
            return;
        }
        let style = web_sys::HtmlElement::style(&frame);
        for (name, length) in [
            ("--viewer-height", seen.height()),
            ("--viewer-top", seen.offset_top()),
        ] {
            // Both are names of our own: nothing here can be refused.
            let _ = style.set_property(name, &format!("{length}px"));
        }
    };
    let listeners: Vec<EventListener> = ["resize", "scroll"]
        .into_iter()
        .map(|name| {
            let fit = fit.clone();
            EventListener::new(&viewport, name, move |_| fit())
        })
        .collect();
    // Held by the owner, so that the listeners end with it.
    StoredValue::new_local(listeners);
}
