//! What is different about a device whose agent speaks WebTunnel.

use api::{AgentKind, DeviceId, WebTunnelAgent};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, SecretDialog, SkeletonRows};
use crate::state::{Loaded, Query, Toasts};
use crate::words::failure_words;

/// A section of its own; nothing for devices of our own agent.
#[component]
pub(super) fn WebTunnelSection(id: DeviceId, device: DeviceSignal) -> impl IntoView {
    let is_webtunnel = part(device, |device| {
        (device.agent == AgentKind::WebTunnel).then_some(())
    });
    move || is_webtunnel.get().map(|()| view! { <Section id=id /> })
}

#[component]
fn Section(id: DeviceId) -> impl IntoView {
    let api = ApiClient::expect();
    let agent = Query::new(move || async move { api.webtunnel_agent(id).await });
    view! {
        <section class="section" aria-labelledby="device-webtunnel">
            <h2 class="section__title" id="device-webtunnel">"WebTunnel agent"</h2>
            {move || match agent.get() {
                Loaded::Loading => view! { <SkeletonRows rows=3 /> }.into_any(),
                Loaded::Failed(error) => view! {
                    <p class="section__empty">{failure_words(&error).title}</p>
                }
                .into_any(),
                Loaded::Ready(known) => about(known).into_any(),
            }}
            <ul class="limits">
                <li>"When its line drops, what is open on it ends: this agent cannot take up where it was."</li>
                <li>"It does not tell the device’s SSH key: a terminal shows the key once and asks you."</li>
            </ul>
            <NewSecret id=id agent=agent />
        </section>
    }
}

fn about(agent: WebTunnelAgent) -> impl IntoView {
    let secret = if agent.has_own_secret {
        "Its own"
    } else {
        "Its domain’s"
    };
    let facts = [
        ("Device id", agent.agent_id, true),
        ("Domain", agent.domain.to_string(), true),
        ("Secret", secret.to_owned(), false),
    ];
    let row = |(word, value, code): (&'static str, String, bool)| {
        view! {
            <div class="facts__row">
                <dt class="facts__word">{word}</dt>
                <dd class="facts__value" class:facts__value--code=code>{value}</dd>
            </div>
        }
    };
    view! { <dl class="facts">{facts.into_iter().map(row).collect_view()}</dl> }
}

#[component]
fn NewSecret(id: DeviceId, agent: Query<WebTunnelAgent>) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    let secret = RwSignal::new(None::<String>);
    let make = move |()| {
        busy.set(true);
        spawn_local(async move {
            let answer = api.new_webtunnel_device_secret(id).await;
            busy.try_set(false);
            match answer {
                Ok(set) => {
                    open.try_set(false);
                    secret.try_set(set.secret);
                    agent.refresh();
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    view! {
        <div class="setting">
            <div>
                <h3>"Give it a new secret"</h3>
                <p class="setting__text">
                    "The agent needs it in its configuration before it connects the next time."
                </p>
            </div>
            <Button on_click=move |_| open.set(true)>"New secret"</Button>
        </div>
        <Confirm
            open=open
            busy=busy
            title=Signal::stored("Make a new secret".to_owned())
            text=Signal::stored(
                "The secret that it has opens nothing from now on. A connection that is up stays up, so that you can put the new one on the device through it; after that the agent is refused until it has it."
                    .to_owned(),
            )
            action=Signal::stored("Make secret".to_owned())
            on_confirm=make
        />
        <SecretDialog
            title="The device’s new secret"
            text="Copy it now: it is not shown again. It goes into webtunnel.password of the agent’s configuration."
            secret=secret
        />
    }
}
