//! Domains of agents that speak WebTunnel: their secrets, and whether devices register themselves.

mod domain_card;
mod domain_form;
mod domain_secret;

use leptos::prelude::*;

use self::domain_card::DomainCard;
use self::domain_form::DomainForm;
use super::Section;
use crate::api_client::ApiClient;
use crate::components::{Button, Failure, Glyph, SkeletonRows};
use crate::state::{Loaded, Query};
use crate::words::failure_words;

/// All of the organization's, and taking another.
#[component]
pub(super) fn WebTunnelDomains() -> impl IntoView {
    let api = ApiClient::expect();
    let domains = Query::new(move || async move {
        let domains = api.webtunnel_domains().await;
        domains.map(|page| page.items)
    });
    let adding = RwSignal::new(false);
    let action = move || {
        view! { <Button glyph=Glyph::Plus on_click=move |_| adding.set(true)>"Add a domain"</Button> }
    };
    view! {
        <Section
            id="settings-webtunnel"
            title="WebTunnel agents"
            text="Agents that speak WebTunnel name a domain of yours in their configuration."
            action=action
        >
            {move || match domains.get() {
                Loaded::Loading => view! { <SkeletonRows rows=2 /> }.into_any(),
                Loaded::Failed(error) => {
                    let words = failure_words(&error);
                    view! {
                        <Failure title=words.title advice=words.advice request_id=words.request_id on_retry=move |()| domains.retry() />
                    }
                    .into_any()
                }
                Loaded::Ready(items) => view! {
                    <ul class="domains">
                        {items.into_iter().map(|domain| view! {
                            <DomainCard domain=domain domains=domains />
                        }).collect_view()}
                    </ul>
                }
                .into_any(),
            }}
            <DomainForm open=adding on_added=move |()| domains.refresh() />
        </Section>
    }
}
