//! A button that opens a short list of actions.

use leptos::ev::{FocusEvent, KeyboardEvent};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

/// A menu; its children are buttons and links with the role `menuitem`.
#[component]
pub(crate) fn Menu(
    /// What the button shows.
    #[prop(into)]
    button: ViewFn,
    /// What the button is for, where what it shows does not say so.
    #[prop(into)]
    label: String,
    class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let open = RwSignal::new(false);
    let root = NodeRef::<html::Div>::new();
    Effect::new(move |_| {
        if open.get() {
            request_animation_frame(move || step(root, Step::First));
        }
    });
    let on_key = move |event: KeyboardEvent| {
        if !open.get_untracked() {
            return;
        }
        match event.key().as_str() {
            "Escape" => {
                open.set(false);
                focus_button(root);
            }
            "ArrowDown" => step(root, Step::Next),
            "ArrowUp" => step(root, Step::Previous),
            _ => return,
        }
        event.prevent_default();
    };
    let on_focus_out = move |event: FocusEvent| {
        let next = event.related_target().and_then(|next| next.dyn_into().ok());
        if !root
            .try_get_untracked()
            .flatten()
            .is_some_and(|root| root.contains(next.as_ref()))
        {
            // What the entry has done may have taken the menu away.
            open.try_set(false);
        }
    };
    view! {
        <div class="menu" node_ref=root on:keydown=on_key on:focusout=on_focus_out>
            <button
                class=class
                type="button"
                aria-label=label.clone()
                aria-haspopup="menu"
                aria-expanded=move || open.get().to_string()
                on:click=move |_| open.update(|open| *open = !*open)
            >
                {button.run()}
            </button>
            {move || {
                let (children, label) = (children.clone(), label.clone());
                open.get().then(move || view! {
                    <div class="menu__list" role="menu" aria-label=label on:click=move |_| { open.try_set(false); }>
                        {children()}
                    </div>
                })
            }}
        </div>
    }
}

#[derive(Clone, Copy)]
enum Step {
    First,
    Next,
    Previous,
}

/// Moves the focus among the entries; at an end it begins at the other.
fn step(root: NodeRef<html::Div>, step: Step) {
    let Some(root) = root.get_untracked() else {
        return;
    };
    let Ok(found) = root.query_selector_all("[role^=menuitem]") else {
        return;
    };
    let entries: Vec<HtmlElement> = (0..found.length())
        .filter_map(|at| found.item(at)?.dyn_into().ok())
        .collect();
    let focused = document().active_element();
    let here = entries
        .iter()
        .position(|entry| focused.as_ref() == Some(entry.as_ref()));
    let wanted = match (step, here) {
        (Step::First, _) | (_, None) => 0,
        (Step::Next, Some(at)) => (at + 1) % entries.len(),
        (Step::Previous, Some(at)) => (at + entries.len() - 1) % entries.len(),
    };
    if let Some(entry) = entries.get(wanted) {
        // An entry that cannot be focused is left alone.
        let _ = entry.focus();
    }
}

fn focus_button(root: NodeRef<html::Div>) {
    let button = root
        .get_untracked()
        .and_then(|root| root.query_selector("button").ok().flatten())
        .and_then(|button| button.dyn_into::<HtmlElement>().ok());
    if let Some(button) = button {
        let _ = button.focus();
    }
}
