//! The client certificates that the device has shown, where it has shown any.

use api::{DeviceCertificate, DeviceId};
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, Table, Time, Variant};
use crate::state::{Loaded, Query, Toasts};
use crate::words::legible;

const COLUMNS: &[&str] = &["Certificate", "Last seen", "Valid until"];

/// A section of its own; nothing where there is nothing to tell.
#[component]
pub(super) fn Certificates(id: DeviceId, device: DeviceSignal) -> impl IntoView {
    let api = ApiClient::expect();
    let changed_at = part(device, |device| device.certificates_changed_at);
    let query = Query::new(move || {
        changed_at.track();
        async move {
            let certificates = api.device_certificates(id).await;
            certificates.map(|certificates| certificates.items)
        }
    });
    let revoking = RwSignal::new(None::<DeviceCertificate>);
    view! {
        {move || match query.get() {
            Loaded::Ready(items) if !items.is_empty() => section(items, revoking).into_any(),
            Loaded::Failed(_) => view! {
                <p class="section__empty">"Which certificates this device has shown cannot be read now."</p>
            }
            .into_any(),
            _ => ().into_any(),
        }}
        <Revoke device=id revoking=revoking query=query />
    }
}

fn section(
    items: Vec<DeviceCertificate>,
    revoking: RwSignal<Option<DeviceCertificate>>,
) -> impl IntoView {
    let rows = items.into_iter().map(move |item| row(item, revoking));
    view! {
        <section class="section" aria-labelledby="device-certificates">
            <h2 class="section__title" id="device-certificates">"Certificates"</h2>
            <p class="section__text">
                "What this device has shown to the server. It is not let in without one any more."
            </p>
            <Table label="Certificates" columns=COLUMNS>{rows.collect_view()}</Table>
        </section>
    }
}

fn row(item: DeviceCertificate, revoking: RwSignal<Option<DeviceCertificate>>) -> impl IntoView {
    let subject = legible(&item.subject);
    let title = format!("Serial {}, key {}", item.serial, item.id);
    let (last_seen_at, not_after, revoked_at) =
        (item.last_seen_at, item.not_after, item.revoked_at);
    let action = match revoked_at {
        Some(_) => view! { <span class="chip chip--count">"Revoked"</span> }.into_any(),
        None => view! {
            <Button
                variant=Variant::Quiet
                label=format!("Revoke {subject}")
                on_click=move |_| revoking.set(Some(item.clone()))
            >
                "Revoke"
            </Button>
        }
        .into_any(),
    };
    view! {
        <tr>
            <th scope="row" title=title><bdi>{subject}</bdi></th>
            <td><Time at=last_seen_at /></td>
            <td><Time at=not_after /></td>
            <td class="table__actions">{action}</td>
        </tr>
    }
}

#[component]
fn Revoke(
    device: DeviceId,
    revoking: RwSignal<Option<DeviceCertificate>>,
    query: Query<Vec<DeviceCertificate>>,
) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    Effect::new(move |_| {
        if revoking.with(Option::is_some) {
            open.set(true);
        }
    });
    let name = move || {
        let subject = revoking.with(|item| item.as_ref().map(|item| legible(&item.subject)));
        subject.unwrap_or_default()
    };
    let revoke = move |()| {
        let Some(item) = revoking.get_untracked() else {
            return;
        };
        busy.set(true);
        spawn_local(async move {
            let answer = api.revoke_device_certificate(device, &item.id).await;
            busy.try_set(false);
            match answer {
                Ok(()) => {
                    open.try_set(false);
                    toasts.done("The certificate was revoked".to_owned());
                    query.refresh();
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    view! {
        <Confirm
            open=open
            busy=busy
            title=Signal::derive(move || format!("Revoke {}", name()))
            text=Signal::stored(
                "The device is cut off at once, with everyone who has it open, and its key is refused for good. It comes back with a new key and a new certificate."
                    .to_owned(),
            )
            action=Signal::stored("Revoke certificate".to_owned())
            on_confirm=revoke
        />
    }
}
