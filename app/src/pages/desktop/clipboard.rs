//! Both clipboards side by side: nothing crosses without a click, and a click always works.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::control::Control;
use crate::components::{Button, Dialog, Variant};

#[component]
pub(super) fn ClipboardDialog(control: Control) -> impl IntoView {
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        control.send_clipboard(control.clipboard.get_untracked());
        control.clipboard_open.set(false);
        control.toasts.done("Sent to the desktop's clipboard");
    };
    view! {
        <Dialog open=control.clipboard_open title=Signal::stored("Clipboard".to_owned())>
            <form class="form" on:submit=submit>
                <div class="text-field">
                    <label class="text-field__label" for="desktop-clipboard">"Text"</label>
                    <textarea
                        class="text-field__input desk__clipboard"
                        id="desktop-clipboard"
                        rows="6"
                        autocomplete="off"
                        autocapitalize="none"
                        spellcheck="false"
                        aria-describedby="desktop-clipboard-hint"
                        prop:value=move || control.clipboard.get()
                        on:input:target=move |event| control.clipboard.set(event.target().value())
                    ></textarea>
                    <p class="text-field__message" id="desktop-clipboard-hint">
                        "What is copied on the desktop appears here. To paste there, put your text here and send it."
                    </p>
                </div>
                <div class="form__actions">
                    <Button on_click=move |_| control.copy_clipboard()>"Copy to this computer"</Button>
                    <Button variant=Variant::Primary submits=true>"Send to the desktop"</Button>
                </div>
            </form>
        </Dialog>
    }
}
