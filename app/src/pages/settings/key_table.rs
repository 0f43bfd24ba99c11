//! What install keys and API tokens have in common: a table, and a button to delete each.

use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api_client::{Answer, ApiClient};
use crate::components::{Button, Confirm, Failure, SkeletonRows, Table, Variant};
use crate::state::{Loaded, Query, Toasts};
use crate::words::{failure_words, legible};

/// Something with a secret that people list and delete.
pub(super) trait Key: Clone + Send + Sync + 'static {
    /// What the server knows it by.
    type Id: Copy + PartialEq + Send + 'static;

    /// What the table lists.
    const LABEL: &'static str;
    /// All but the one for actions; the first is for the name.
    const COLUMNS: &'static [&'static str];
    /// What is said when there are none.
    const NONE: &'static str;
    /// What deleting one brings about.
    const DELETED: &'static str;
    /// The button that does it.
    const DELETE: &'static str;

    fn id(&self) -> Self::Id;
    fn name(&self) -> &str;
    /// The cells between name and actions.
    fn cells(&self) -> AnyView;
    async fn delete(api: ApiClient, id: Self::Id) -> Answer<()>;
}

/// The table, with everything it may be instead.
#[component]
pub(super) fn KeyTable<K: Key>(keys: Query<Vec<K>>) -> impl IntoView {
    let deleting = RwSignal::new(None::<K>);
    view! {
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
                view! { <p class="section__empty">{K::NONE}</p> }.into_any()
            }
            Loaded::Ready(keys) => view! {
                <Table label=K::LABEL columns=K::COLUMNS>
                    {keys.into_iter().map(|key| row(key, deleting)).collect_view()}
                </Table>
            }
            .into_any(),
        }}
        <Delete deleting=deleting keys=keys />
    }
}

fn row<K: Key>(key: K, deleting: RwSignal<Option<K>>) -> impl IntoView {
    let name = legible(key.name());
    let cells = key.cells();
    view! {
        <tr>
            <th scope="row"><bdi>{name.clone()}</bdi></th>
            {cells}
            <td class="table__actions">
                <Button
                    variant=Variant::Quiet
                    label=format!("Delete {name}")
                    on_click=move |_| deleting.set(Some(key.clone()))
                >
                    "Delete"
                </Button>
            </td>
        </tr>
    }
}

#[component]
fn Delete<K: Key>(deleting: RwSignal<Option<K>>, keys: Query<Vec<K>>) -> impl IntoView {
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
                .map(|key| legible(key.name()))
                .unwrap_or_default()
        })
    };
    let delete = move |()| {
        let Some(id) = deleting.with_untracked(|key| key.as_ref().map(Key::id)) else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let answer = K::delete(api, id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                    keys.change(|keys| keys.retain(|key| key.id() != id));
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
            text=Signal::stored(K::DELETED.to_owned())
            action=Signal::stored(K::DELETE.to_owned())
            on_confirm=delete
        />
    }
}
