//! Making the install key.

use api::{CreateInstallKey, InstallKeyCreated};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api_client::ApiClient;
use crate::components::{Button, SelectField, TextField, Variant};
use crate::words::{failure_words, legible};

/// What a key is good for; the first is the usual.
pub(crate) const USES: &[&str] = &["One device", "10 devices", "Any number of devices"];
const USE_LIMITS: [Option<u32>; 3] = [Some(1), Some(10), None];
pub(crate) const LIFETIMES: &[&str] = &["1 hour", "1 day", "30 days", "Never"];
const LIFETIMES_S: [Option<u64>; 4] = [Some(3600), Some(86_400), Some(30 * 86_400), None];

/// A short form that turns into a line once the key is made.
#[component]
pub(crate) fn KeyForm(created: RwSignal<Option<InstallKeyCreated>>) -> impl IntoView {
    let api = ApiClient::expect();
    let name = RwSignal::new("New device".to_owned());
    let (uses, lifetime) = (RwSignal::new(0), RwSignal::new(0));
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let input = CreateInstallKey {
            name: name.get_untracked().trim().to_owned(),
            use_limit: USE_LIMITS.get(uses.get_untracked()).copied().flatten(),
            expires_in_s: LIFETIMES_S.get(lifetime.get_untracked()).copied().flatten(),
        };
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = api.create_install_key(&input).await;
            busy.try_set(false);
            match answer {
                Ok(answer) => {
                    created.try_set(Some(answer));
                }
                Err(failure) => {
                    let words = failure_words(&failure);
                    error.try_set(Some(format!("{}. {}", words.title, words.advice)));
                }
            }
        });
    };
    let made = move || {
        created.with(|created| {
            created
                .as_ref()
                .map(|created| legible(&created.install_key.name))
        })
    };
    move || {
        match made() {
        Some(name) => view! {
            <p class="step__hint">
                "The key “" <bdi>{name}</bdi> "” is made. Keys can be taken back under Settings."
            </p>
        }
        .into_any(),
        None => view! {
            <form class="key-form" on:submit=submit>
                <TextField id="key-name" label="Name of the key" value=name max_length=64 error=error />
                <SelectField id="key-uses" label="Good for" choices=USES value=uses />
                <SelectField id="key-lifetime" label="Expires after" choices=LIFETIMES value=lifetime />
                <Button variant=Variant::Primary submits=true busy=busy>"Make key"</Button>
            </form>
        }
        .into_any(),
    }
    }
}
