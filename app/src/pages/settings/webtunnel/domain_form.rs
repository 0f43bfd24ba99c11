//! Taking a domain that a fleet has already.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use uuid::Uuid;

use crate::api_client::ApiClient;
use crate::components::{Button, Dialog, TextField, Variant};
use crate::words::failure_words;

/// A dialog.
#[component]
pub(super) fn DomainForm(
    open: RwSignal<bool>,
    #[prop(into)] on_added: Callback<()>,
) -> impl IntoView {
    let api = ApiClient::expect();
    let domain = RwSignal::new(String::new());
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let Ok(wanted) = domain.get_untracked().trim().parse::<Uuid>() else {
            error.set(Some(
                "A domain looks like 1b4e28ba-2fa1-11d2-883f-0016d3cca427.".to_owned(),
            ));
            return;
        };
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = api.add_webtunnel_domain(wanted).await;
            busy.try_set(false);
            match answer {
                Ok(_) => {
                    open.try_set(false);
                    domain.try_set(String::new());
                    on_added.run(());
                }
                Err(failure) => {
                    let words = failure_words(&failure);
                    error.try_set(Some(format!("{}. {}", words.title, words.advice)));
                }
            }
        });
    };
    view! {
        <Dialog open=open title=Signal::stored("Add a domain".to_owned())>
            <form class="form" on:submit=submit>
                <p class="dialog__text">
                    "For a fleet that has a domain already, so that its agents need no other one. New devices need none but yours."
                </p>
                <TextField
                    id="domain-uuid"
                    label="Domain"
                    value=domain
                    max_length=36
                    hint="webtunnel.domain in the agents’ configuration"
                    error=error
                    focused=true
                />
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true busy=busy>"Add domain"</Button>
                </div>
            </form>
        </Dialog>
    }
}
