//! API tokens: for programs that act for you.

use api::{ApiToken, TokenScope};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Section;
use super::expiry::Expiry;
use super::secret::SecretDialog;
use super::token_form::TokenForm;
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, Failure, Glyph, SkeletonRows, Table, Time, Variant};
use crate::state::{Loaded, Query, Toasts};
use crate::words::{failure_words, legible};

const COLUMNS: &[&str] = &["Name", "May", "Expires", "Last used"];

/// The list, and making one.
#[component]
pub(super) fn ApiTokens() -> impl IntoView {
    let api = ApiClient::expect();
    let tokens = Query::new(move || async move { api.api_tokens().await.map(|page| page.items) });
    let deleting = RwSignal::new(None::<ApiToken>);
    let (making, secret) = (RwSignal::new(false), RwSignal::new(None::<String>));
    let action = move || {
        view! { <Button glyph=Glyph::Plus on_click=move |_| making.set(true)>"New API token"</Button> }
    };
    view! {
        <Section
            id="settings-api-tokens"
            title="API tokens"
            text="For programs that act for you. Whoever has one is you, so far as it may."
            action=action
        >
            {move || match tokens.get() {
                Loaded::Loading => view! { <SkeletonRows rows=2 /> }.into_any(),
                Loaded::Failed(error) => {
                    let words = failure_words(&error);
                    view! {
                        <Failure title=words.title advice=words.advice request_id=words.request_id on_retry=move |()| tokens.retry() />
                    }
                    .into_any()
                }
                Loaded::Ready(tokens) if tokens.is_empty() => {
                    view! { <p class="section__empty">"No API tokens."</p> }.into_any()
                }
                Loaded::Ready(tokens) => view! {
                    <Table label="API tokens" columns=COLUMNS>
                        {tokens.into_iter().map(|token| view! { <Row token=token deleting=deleting /> }).collect_view()}
                    </Table>
                }
                .into_any(),
            }}
            <TokenForm open=making secret=secret on_made=move |()| tokens.refresh() />
            <SecretDialog
                title="Your new API token"
                text="Copy it now: it is not shown again."
                secret=secret
            />
            <DeleteToken deleting=deleting tokens=tokens />
        </Section>
    }
}

#[component]
fn Row(token: ApiToken, deleting: RwSignal<Option<ApiToken>>) -> impl IntoView {
    let name = legible(&token.name);
    let may = match token.scope {
        TokenScope::Read => "Read",
        TokenScope::Full => "Everything",
    };
    let (expires, used) = (token.expires_at, token.last_used_at);
    view! {
        <tr>
            <th scope="row"><bdi>{name.clone()}</bdi></th>
            <td>{may}</td>
            <td><Expiry at=expires /></td>
            <td>{match used {
                Some(at) => view! { <Time at=at /> }.into_any(),
                None => "Never".into_any(),
            }}</td>
            <td class="table__actions">
                <Button
                    variant=Variant::Quiet
                    label=format!("Delete {name}")
                    on_click=move |_| deleting.set(Some(token.clone()))
                >
                    "Delete"
                </Button>
            </td>
        </tr>
    }
}

#[component]
fn DeleteToken(
    deleting: RwSignal<Option<ApiToken>>,
    tokens: Query<Vec<ApiToken>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move |_| {
        if deleting.with(Option::is_some) {
            open.set(true);
        }
    });
    let name = move || {
        deleting.with(|token| {
            token
                .as_ref()
                .map(|token| legible(&token.name))
                .unwrap_or_default()
        })
    };
    let delete = move |()| {
        let Some(id) = deleting.with_untracked(|token| token.as_ref().map(|token| token.id)) else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let answer = api.delete_api_token(id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                    tokens.change(|tokens| tokens.retain(|token| token.id != id));
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    view! {
        <Confirm
            open=open
            busy=busy
            title=Signal::derive(move || format!("Delete {}", name()))
            text=Signal::stored("Programs that use this token are refused at once.".to_owned())
            action=Signal::stored("Delete token".to_owned())
            on_confirm=delete
        />
    }
}
