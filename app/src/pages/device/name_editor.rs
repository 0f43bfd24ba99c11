//! The device's name, edited where it stands.

use leptos::ev::{KeyboardEvent, SubmitEvent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Glyph, IconButton, TextField, Variant};
use crate::state::Toasts;
use crate::words::{failure_words, legible};

/// The longest name the server takes.
const LONGEST: u32 = 64;

/// The name as a title; a click on the pencil makes it a field.
#[component]
pub(super) fn NameEditor(device: DeviceSignal) -> impl IntoView {
    let editing = RwSignal::new(false);
    let name = part(device, |device| Some(device.name.clone()));
    let shown = move || name.with(|name| name.as_deref().map(legible));
    move || {
        if editing.get() {
            return view! { <NameForm device=device editing=editing /> }.into_any();
        }
        view! {
            <div class="device-header__title">
                <h1 class="device-header__name"><bdi>{shown}</bdi></h1>
                <IconButton glyph=Glyph::Pencil label="Rename" on_click=move |_| editing.set(true) />
            </div>
        }
        .into_any()
    }
}

#[component]
fn NameForm(device: DeviceSignal, editing: RwSignal<bool>) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let before =
        device.with_untracked(|device| device.as_ref().map(|one| (one.id, one.name.clone())));
    let (id, old) = before.unzip();
    let name = RwSignal::new(old.clone().unwrap_or_default());
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        let Some(id) = id.filter(|_| !busy.get_untracked()) else {
            return;
        };
        if Some(&wanted) == old.as_ref() {
            editing.set(false);
            return;
        }
        busy.set(true);
        spawn_local(async move {
            let answer = api.rename_device(id, &wanted).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    toasts.done(format!("Renamed to {}", legible(&wanted)));
                    editing.try_set(false);
                }
                Err(failure) => {
                    let words = failure_words(&failure);
                    error.try_set(Some(format!("{}. {}", words.title, words.advice)));
                }
            }
        });
    };
    let on_key = move |event: KeyboardEvent| {
        if event.key() == "Escape" {
            editing.set(false);
        }
    };
    view! {
        <h1 class="visually-hidden">"Rename the device"</h1>
        <form class="name-form" on:submit=submit on:keydown=on_key>
            <TextField id="device-name" label="Name" value=name max_length=LONGEST error=error focused=true />
            <div class="name-form__actions">
                <Button variant=Variant::Primary submits=true busy=busy>"Save"</Button>
                <Button on_click=move |_| editing.set(false)>"Cancel"</Button>
            </div>
        </form>
    }
}
