//! Making an API token.

use api::{CreateApiToken, TokenScope};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api_client::ApiClient;
use crate::components::{Button, Dialog, SelectField, TextField, Variant};
use crate::words::failure_words;

const SCOPES: &[&str] = &["Read devices and events", "Do everything you may do"];
const LIFETIMES: &[&str] = &["30 days", "90 days", "1 year", "Never"];
const LIFETIMES_S: [Option<u64>; 4] = [
    Some(30 * 86_400),
    Some(90 * 86_400),
    Some(365 * 86_400),
    None,
];

/// A dialog; the secret of the token made goes to `secret`.
#[component]
pub(super) fn TokenForm(
    open: RwSignal<bool>,
    secret: RwSignal<Option<String>>,
    #[prop(into)] on_made: Callback<()>,
) -> impl IntoView {
    let api = ApiClient::expect();
    let name = RwSignal::new(String::new());
    let (scope, lifetime) = (RwSignal::new(0), RwSignal::new(0));
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let wanted = name.get_untracked().trim().to_owned();
        if busy.get_untracked() {
            return;
        }
        if wanted.is_empty() {
            error.set(Some(
                "Give it a name, so that you know it later.".to_owned(),
            ));
            return;
        }
        let input = CreateApiToken {
            name: wanted,
            scope: if scope.get_untracked() == 0 {
                TokenScope::Read
            } else {
                TokenScope::Full
            },
            expires_in_s: LIFETIMES_S.get(lifetime.get_untracked()).copied().flatten(),
        };
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = api.create_api_token(&input).await;
            busy.try_set(false);
            match answer {
                Ok(created) => {
                    open.try_set(false);
                    name.try_set(String::new());
                    secret.try_set(Some(created.secret));
                    on_made.run(());
                }
                Err(failure) => {
                    let words = failure_words(&failure);
                    error.try_set(Some(format!("{}. {}", words.title, words.advice)));
                }
            }
        });
    };
    view! {
        <Dialog open=open title=Signal::stored("New API token".to_owned())>
            <form class="form" on:submit=submit>
                <TextField
                    id="token-name"
                    label="Name"
                    value=name
                    max_length=64
                    placeholder="What it is for"
                    error=error
                    focused=true
                />
                <SelectField id="token-scope" label="May" choices=SCOPES value=scope />
                <SelectField id="token-lifetime" label="Expires after" choices=LIFETIMES value=lifetime />
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true busy=busy>"Make token"</Button>
                </div>
            </form>
        </Dialog>
    }
}
