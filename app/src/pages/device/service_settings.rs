//! Renaming and hiding services.

use api::{DeviceId, Service, UpdateService};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Dialog, Table, TextField, Variant};
use crate::pages::service_button::kind_word;
use crate::pages::terminal::pins;
use crate::state::Toasts;
use crate::words::legible;

const COLUMNS: &[&str] = &["Service", "Speaks", "Port"];

/// All services, also the hidden ones.
#[component]
pub(super) fn ServiceSettings(device: DeviceSignal) -> impl IntoView {
    let services = part(device, |device| Some((device.id, device.services.clone())));
    let renaming = RwSignal::new(None::<(DeviceId, Service)>);
    let any = Memo::new(move |_| {
        services.with(|all| all.as_ref().is_some_and(|(_, all)| !all.is_empty()))
    });
    view! {
        {move || any.get().then(|| view! {
            <Table label="Services of this device" columns=COLUMNS>
                {move || services.get().map(|(id, services)| services
                    .into_iter()
                    .map(|service| view! { <Row id=id service=service renaming=renaming /> })
                    .collect_view())}
            </Table>
        })}
        <RenameService renaming=renaming />
    }
}

#[component]
fn Row(
    id: DeviceId,
    service: Service,
    renaming: RwSignal<Option<(DeviceId, Service)>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (name, hidden) = (service.name.clone(), service.hidden);
    let (title, speaks, port) = (
        legible(&service.title),
        kind_word(service.kind),
        service.port,
    );
    let toggle = move |_| {
        let change = UpdateService {
            hidden: Some(!hidden),
            ..UpdateService::default()
        };
        let name = name.clone();
        spawn_local(async move {
            if let Err(error) = api.update_service(id, &name, &change).await {
                toasts.failed(&error);
            }
        });
    };
    let word = if hidden { "Show" } else { "Hide" };
    let pinned = RwSignal::new(pins::kept(id, &service.name).is_some());
    let pinned_name = service.name.clone();
    let forget = Callback::new(move |()| {
        pins::forget(id, &pinned_name);
        pinned.set(false);
        toasts.done("Forgotten. The next terminal asks about the device's key");
    });
    let forget_label = format!("Forget the SSH key of {title} that this browser trusts");
    view! {
        <tr class:table__row--muted=hidden>
            <th scope="row">
                <bdi>{title.clone()}</bdi>
                {hidden.then(|| view! { <span class="chip chip--count">"Hidden"</span> })}
            </th>
            <td>{speaks}</td>
            <td class="numbers">{port}</td>
            <td class="table__actions">
                <Button
                    variant=Variant::Quiet
                    label=format!("Rename {title}")
                    on_click=move |_| renaming.set(Some((id, service.clone())))
                >
                    "Rename"
                </Button>
                <Button variant=Variant::Quiet label=format!("{word} {title}") on_click=toggle>{word}</Button>
                {move || pinned.get().then(|| view! {
                    <Button
                        variant=Variant::Quiet
                        label=forget_label.clone()
                        on_click=move |_| forget.run(())
                    >
                        "Forget host key"
                    </Button>
                })}
            </td>
        </tr>
    }
}

#[component]
fn RenameService(renaming: RwSignal<Option<(DeviceId, Service)>>) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    let title = RwSignal::new(String::new());
    Effect::new(move |_| {
        renaming.with(|renaming| {
            if let Some((_, service)) = renaming {
                title.set(service.title.clone());
                open.set(true);
            }
        });
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some((id, service)) = renaming.get_untracked().filter(|_| !busy.get_untracked()) else {
            return;
        };
        let change = UpdateService {
            title: Some(title.get_untracked().trim().to_owned()),
            ..UpdateService::default()
        };
        busy.set(true);
        spawn_local(async move {
            let answer = api.update_service(id, &service.name, &change).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    view! {
        <Dialog open=open title=Signal::stored("Rename the service".to_owned())>
            <form class="form" on:submit=submit>
                <TextField
                    id="service-title"
                    label="Title"
                    value=title
                    max_length=64
                    hint="Left empty, the agent's own name is shown."
                    focused=true
                />
                <div class="form__actions">
                    <Button on_click=move |_| open.set(false)>"Cancel"</Button>
                    <Button variant=Variant::Primary submits=true busy=busy>"Save"</Button>
                </div>
            </form>
        </Dialog>
    }
}
