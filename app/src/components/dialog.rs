//! A question that must be answered first. The browser's own dialog keeps the focus inside, closes
//! on Escape and gives the focus back.

use leptos::ev::{Event, MouseEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{Glyph, IconButton};

/// A dialog, open while `open` says so. Its content is made anew at each opening.
#[component]
pub(crate) fn Dialog(
    open: RwSignal<bool>,
    #[prop(into)] title: Signal<String>,
    children: ChildrenFn,
) -> impl IntoView {
    let node = NodeRef::<html::Dialog>::new();
    Effect::new(move |_| {
        let Some(dialog) = node.get() else { return };
        if !open.get() {
            dialog.close();
        } else if !dialog.open() {
            // Fails only for a dialog that is not in the page.
            let _ = dialog.show_modal();
        }
    });
    // A click on the dialog itself, not on what is in it, is one on the veil around it.
    let on_veil = move |event: MouseEvent| {
        let target = event
            .target()
            .and_then(|target| target.dyn_into::<web_sys::Element>().ok());
        if target.is_some_and(|target| target.tag_name() == "DIALOG") {
            open.set(false);
        }
    };
    view! {
        <dialog
            class="dialog"
            node_ref=node
            aria-labelledby="dialog-title"
            on:close=move |_: Event| open.set(false)
            on:click=on_veil
        >
            {move || {
                let children = children.clone();
                open.get().then(move || view! {
                    <div class="dialog__body">
                        <header class="dialog__header">
                            <h2 id="dialog-title">{move || title.get()}</h2>
                            <IconButton glyph=Glyph::Close label="Close" on_click=move |_| open.set(false) />
                        </header>
                        {children()}
                    </div>
                })
            }}
        </dialog>
    }
}
