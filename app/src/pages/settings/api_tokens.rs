//! API tokens: for programs that act for you.

use api::{ApiToken, ApiTokenId, TokenScope};
use leptos::prelude::*;

use super::Section;
use super::expiry::Expiry;
use super::key_table::{Key, KeyTable};
use super::token_form::TokenForm;
use crate::api_client::{Answer, ApiClient};
use crate::components::{Button, Glyph, SecretDialog, Time};
use crate::state::Query;

/// The list, and making one.
#[component]
pub(super) fn ApiTokens() -> impl IntoView {
    let api = ApiClient::expect();
    let tokens = Query::new(move || async move { api.api_tokens().await.map(|page| page.items) });
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
            <KeyTable keys=tokens />
            <TokenForm open=making secret=secret on_made=move |()| tokens.refresh() />
            <SecretDialog
                title="Your new API token"
                text="Copy it now: it is not shown again."
                secret=secret
            />
        </Section>
    }
}

impl Key for ApiToken {
    type Id = ApiTokenId;

    const LABEL: &'static str = "API tokens";
    const COLUMNS: &'static [&'static str] = &["Name", "May", "Expires", "Last used"];
    const NONE: &'static str = "No API tokens.";
    const DELETED: &'static str = "Programs that use this token are refused at once.";
    const DELETE: &'static str = "Delete token";

    fn id(&self) -> ApiTokenId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn cells(&self) -> AnyView {
        let may = match self.scope {
            TokenScope::Read => "Read",
            TokenScope::Full => "Everything",
        };
        view! {
            <td>{may}</td>
            <td><Expiry at=self.expires_at /></td>
            <td>{match self.last_used_at {
                Some(at) => view! { <Time at=at /> }.into_any(),
                None => "Never".into_any(),
            }}</td>
        }
        .into_any()
    }

    async fn delete(api: ApiClient, id: ApiTokenId) -> Answer<()> {
        api.delete_api_token(id).await
    }
}
