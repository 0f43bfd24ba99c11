//! Install keys: what lets devices in.

use api::InstallKey;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;

use super::Section;
use super::expiry::Expiry;
use crate::api_client::ApiClient;
use crate::components::{
    Button, Confirm, Failure, Glyph, Icon, SkeletonRows, Table, Time, Variant,
};
use crate::paths;
use crate::state::{Loaded, Query, Toasts};
use crate::words::{failure_words, legible};

const COLUMNS: &[&str] = &["Name", "Used", "Expires", "Made"];

/// The list; keys are made where devices are added.
#[component]
pub(super) fn InstallKeys() -> impl IntoView {
    let api = ApiClient::expect();
    let keys = Query::new(move || async move { api.install_keys().await.map(|page| page.items) });
    let deleting = RwSignal::new(None::<InstallKey>);
    let action = || {
        view! {
            <A href=paths::ADD_DEVICE attr:class=Variant::Secondary.class()>
                <Icon glyph=Glyph::Plus />
                <span class="button__words">"New install key"</span>
            </A>
        }
    };
    view! {
        <Section
            id="settings-install-keys"
            title="Install keys"
            text="A key lets new devices join. Deleting it leaves the devices that joined with it."
            action=action
        >
            {move || match keys.get() {
                Loaded::Loading => view! { <SkeletonRows rows=2 /> }.into_any(),
                Loaded::Failed(error) => {
                    let words = failure_words(&error);
                    view! {
                        <Failure title=words.title advice=words.advice request_id=words.request_id on_retry=move |()| keys.retry() />
                    }
                    .into_any()
                }
                Loaded::Ready(keys) if keys.is_empty() => {
                    view! { <p class="section__empty">"No install keys."</p> }.into_any()
                }
                Loaded::Ready(keys) => view! {
                    <Table label="Install keys" columns=COLUMNS>
                        {keys.into_iter().map(|key| view! { <Row install_key=key deleting=deleting /> }).collect_view()}
                    </Table>
                }
                .into_any(),
            }}
            <DeleteKey deleting=deleting keys=keys />
        </Section>
    }
}

#[component]
fn Row(install_key: InstallKey, deleting: RwSignal<Option<InstallKey>>) -> impl IntoView {
    let name = legible(&install_key.name);
    let used = match install_key.use_limit {
        Some(limit) => format!("{} of {limit}", install_key.used),
        None => install_key.used.to_string(),
    };
    let (expires, made) = (install_key.expires_at, install_key.created_at);
    view! {
        <tr>
            <th scope="row"><bdi>{name.clone()}</bdi></th>
            <td class="numbers">{used}</td>
            <td><Expiry at=expires /></td>
            <td><Time at=made /></td>
            <td class="table__actions">
                <Button
                    variant=Variant::Quiet
                    label=format!("Delete {name}")
                    on_click=move |_| deleting.set(Some(install_key.clone()))
                >
                    "Delete"
                </Button>
            </td>
        </tr>
    }
}

#[component]
fn DeleteKey(
    deleting: RwSignal<Option<InstallKey>>,
    keys: Query<Vec<InstallKey>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move |_| {
        if deleting.with(Option::is_some) {
            open.set(true);
        }
    });
    let name = move || {
        deleting.with(|key| {
            key.as_ref()
                .map(|key| legible(&key.name))
                .unwrap_or_default()
        })
    };
    let delete = move |()| {
        let Some(id) = deleting.with_untracked(|key| key.as_ref().map(|key| key.id)) else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let answer = api.delete_install_key(id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                    keys.change(|keys| keys.retain(|key| key.id != id));
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
            text=Signal::stored("No more devices can join with this key. Devices that have joined stay.".to_owned())
            action=Signal::stored("Delete key".to_owned())
            on_confirm=delete
        />
    }
}
