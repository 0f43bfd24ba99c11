//! A domain's secret: made, brought along, or taken away.

use api::{SetWebTunnelSecret, WebTunnelDomain};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use uuid::Uuid;

use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, Dialog, SecretDialog, TextField, Time, Variant};
use crate::state::{Query, Toasts};
use crate::words::failure_words;

/// Whether it has one, and its buttons.
#[component]
pub(super) fn DomainSecret(
    domain: WebTunnelDomain,
    domains: Query<Vec<WebTunnelDomain>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let id = domain.domain;
    let (setting, removing) = (RwSignal::new(false), RwSignal::new(false));
    let busy = RwSignal::new(false);
    let secret = RwSignal::new(None::<String>);
    let remove = move |()| {
        busy.set(true);
        spawn_local(async move {
            let answer = api.delete_webtunnel_domain_secret(id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    removing.try_set(false);
                    domains.refresh();
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    // The list is drawn anew only when the secret has been read: the dialog is in it.
    Effect::new(move |was: Option<bool>| {
        let is_shown = secret.with(Option::is_some);
        if was == Some(true) && !is_shown {
            domains.refresh();
        }
        is_shown
    });
    let made_at = domain.secret_made_at;
    view! {
        <div class="domain__secret">
            <p>
                {match made_at {
                    Some(at) => view! { "Secret of the domain: set " <Time at=at /> }.into_any(),
                    None => "The domain has no secret: each device has its own".into_any(),
                }}
            </p>
            <div class="domain__actions">
                <Button on_click=move |_| setting.set(true)>
                    {if made_at.is_some() { "Replace secret" } else { "Set a secret" }}
                </Button>
                {made_at.map(|_| view! {
                    <Button variant=Variant::Quiet on_click=move |_| removing.set(true)>"Remove secret"</Button>
                })}
            </div>
        </div>
        <SecretForm id=id open=setting secret=secret on_kept=move |()| domains.refresh() />
        <SecretDialog
            title="The domain’s secret"
            text="Copy it now: it is not shown again. It goes into webtunnel.password of each device that has none of its own."
            secret=secret
        />
        <Confirm
            open=removing
            busy=busy
            title=Signal::stored("Remove the domain’s secret".to_owned())
            text=Signal::stored(
                "Devices that have no secret of their own are refused from their next connection on, until each gets one."
                    .to_owned(),
            )
            action=Signal::stored("Remove secret".to_owned())
            on_confirm=remove
        />
    }
}

#[component]
fn SecretForm(
    id: Uuid,
    open: RwSignal<bool>,
    secret: RwSignal<Option<String>>,
    #[prop(into)] on_kept: Callback<()>,
) -> impl IntoView {
    let api = ApiClient::expect();
    let password = RwSignal::new(String::new());
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let password = Some(password.get_untracked()).filter(|password| !password.is_empty());
        let input = SetWebTunnelSecret { password };
        busy.set(true);
        error.set(None);
        spawn_local(async move {
            let answer = api.set_webtunnel_domain_secret(id, &input).await;
            busy.try_set(false);
            match answer {
                Ok(set) => {
                    open.try_set(false);
                    match set.secret {
                        Some(made) => drop(secret.try_set(Some(made))),
                        None => on_kept.run(()),
                    }
                }
                Err(failure) => {
                    let words = failure_words(&failure);
                    error.try_set(Some(format!("{}. {}", words.title, words.advice)));
                }
            }
        });
    };
    Effect::new(move |_| {
        if !open.get() {
            password.set(String::new());
        }
    });
    view! {
        <Dialog open=open title=Signal::stored("Set the domain’s secret".to_owned())>
            <form class="form" on:submit=submit>
                <p class="dialog__text">
                    "It is for devices that have no secret of their own. One that the domain has opens nothing from now on; connections that are up stay up."
                </p>
                <TextField
                    id="domain-password"
                    label="Password that your agents share already"
                    kind="password"
                    autocomplete="new-password"
                    value=password
                    max_length=200
                    hint="Left empty, a secret is made, which nobody can guess."
                    error=error
                    focused=true
                />
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true busy=busy>"Set secret"</Button>
                </div>
            </form>
        </Dialog>
    }
}
