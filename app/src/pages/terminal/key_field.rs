//! A private key: pasted, dropped or chosen as a file.

use leptos::ev::{DragEvent, Event};
use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use super::sign_in::Fields;
use crate::components::TextField;
use crate::pages::viewer::NEVER_KEPT;

/// The largest keys in use are some kilobytes.
const LARGEST_BYTES: f64 = 64.0 * 1024.0;

#[component]
pub(super) fn KeyField(fields: Fields, fault: Signal<Option<String>>) -> impl IntoView {
    let not_a_key = RwSignal::new(None::<&'static str>);
    let over = RwSignal::new(false);
    let chooser = NodeRef::<html::Input>::new();
    let take = move |file: Option<File>| {
        let Some(file) = file else { return };
        if file.size() > LARGEST_BYTES {
            not_a_key.set(Some("This file is too large to be a private key."));
            return;
        }
        spawn_local(async move {
            let text = JsFuture::from(file.text())
                .await
                .ok()
                .and_then(|text| text.as_string());
            match text {
                Some(text) => {
                    not_a_key.try_set(None);
                    fields.key.try_set(text);
                }
                None => {
                    not_a_key.try_set(Some("The file could not be read."));
                }
            }
        });
    };
    let chosen = move |_: Event| {
        if let Some(input) = chooser.get_untracked() {
            take(input.files().and_then(|files| files.get(0)));
            // The same file can be chosen again after it was changed.
            input.set_value("");
        }
    };
    let dropped = move |event: DragEvent| {
        event.prevent_default();
        over.set(false);
        let files = event.data_transfer().and_then(|data| data.files());
        take(files.and_then(|files| files.get(0)));
    };
    let told = Signal::derive(move || {
        let own = not_a_key.get().map(str::to_owned);
        own.or_else(|| fault.get())
    });
    view! {
        <div class="text-field" class:text-field--invalid=move || told.with(Option::is_some)>
            <div class="key-field__head">
                <label class="text-field__label" for="ssh-key">"Private key"</label>
                <button
                    class="button button--quiet button--small"
                    type="button"
                    on:click=move |_| {
                        if let Some(input) = chooser.get_untracked() {
                            input.click();
                        }
                    }
                >
                    "Choose a file"
                </button>
                <input type="file" hidden node_ref=chooser on:change=chosen />
            </div>
            <textarea
                class="text-field__input key-field"
                class:key-field--over=move || over.get()
                id="ssh-key"
                rows="4"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                placeholder="Paste it, or drop its file here"
                aria-describedby="ssh-key-message"
                aria-invalid=move || told.with(Option::is_some).then_some("true")
                prop:value=move || fields.key.get()
                on:input:target=move |event| fields.key.set(event.target().value())
                on:dragover=move |event: DragEvent| {
                    event.prevent_default();
                    over.set(true);
                }
                on:dragleave=move |_| over.set(false)
                on:drop=dropped
            ></textarea>
            <p class="text-field__message" id="ssh-key-message" aria-live="polite">
                {move || told.get().or_else(|| Some("It stays in this browser tab and is never kept.".to_owned()))}
            </p>
        </div>
        <TextField
            id="ssh-passphrase"
            label="Passphrase, if the key has one"
            kind="password"
            value=fields.passphrase
            autocomplete=NEVER_KEPT
        />
    }
}
