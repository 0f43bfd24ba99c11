//! What is asked before something goes into the shell, or out of the page.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::control::Control;
use super::links;
use super::paste::preview;
use crate::components::{Button, Dialog, Variant};
use crate::words::{legible, lines};

/// As many lines show what it is about.
const SHOWN_LINES: usize = 8;

/// A text whose lines the shell would run one by one.
#[component]
pub(super) fn PasteDialog(control: Control) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(control.paste.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && control.paste.with_untracked(Option::is_some) {
            control.paste.set(None);
        }
    });
    let parts = Memo::new(move |_| {
        let text = control.paste.get().unwrap_or_default();
        let (shown, all) = preview(&text, SHOWN_LINES);
        let shown: Vec<String> = shown.lines().map(legible).collect();
        (shown.join("\n"), all)
    });
    let title = Signal::derive(move || format!("Paste {}?", lines(parts.get().1)));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(text) = control.paste.get_untracked() {
            control.paste.set(None);
            open.set(false);
            control.with_screen(|screen| screen.paste(&text));
        }
    };
    view! {
        <Dialog open=open title=title>
            <form class="form" on:submit=submit>
                <p class="dialog__text">
                    "The program in the terminal does not tell pasted text from typed: each line runs as soon as it is in."
                </p>
                <pre class="paste-preview" tabindex="0">{move || parts.get().0}</pre>
                {move || (parts.get().1 > SHOWN_LINES).then(|| view! {
                    <p class="dialog__text">{format!("… and {} more", lines(parts.get().1 - SHOWN_LINES))}</p>
                })}
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true>"Paste"</Button>
                </div>
            </form>
        </Dialog>
    }
}

/// An address behind other words: it is seen before it is opened.
#[component]
pub(super) fn LinkDialog(control: Control) -> impl IntoView {
    let open = RwSignal::new(false);
    Effect::new(move |_| open.set(control.link.with(Option::is_some)));
    Effect::new(move |_| {
        if !open.get() && control.link.with_untracked(Option::is_some) {
            control.link.set(None);
        }
    });
    let follow = move |event: SubmitEvent| {
        event.prevent_default();
        if let Some(address) = control.link.get_untracked() {
            links::open(&address);
        }
        open.set(false);
    };
    view! {
        <Dialog open=open title=Signal::stored("Open this address?".to_owned())>
            <form class="form" on:submit=follow>
                <p class="dialog__text">"The device wrote it behind other words. It leads to:"</p>
                <pre class="paste-preview" tabindex="0">
                    {move || control.link.get().map(|address| legible(&address))}
                </pre>
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true>"Open in a new tab"</Button>
                </div>
            </form>
        </Dialog>
    }
}
