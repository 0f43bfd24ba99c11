//! One device in the list.

use std::sync::Arc;

use api::{Device, DeviceId, DeviceState};
use leptos::prelude::*;
use leptos_router::components::A;

use crate::components::{Glyph, Icon, StateDot, Time};
use crate::pages::service_button::{ServiceButton, can_open};
use crate::pages::state_shape::shape;
use crate::paths;
use crate::state::{Clock, DeviceList, Query};
use crate::words::{attention_words, legible, services_in_order, state_words};

/// More would make the row wider than its column; the device's page has them all.
const SERVICES_SHOWN: usize = 3;

/// A row: state, name, system, services, round trip, last seen.
#[component]
pub(super) fn DeviceRow(query: Query<DeviceList>, id: DeviceId) -> impl IntoView {
    let device = Memo::new(move |_| query.with_ready(|list| list.device(id)).flatten());
    let part = move |read: fn(&Device) -> Option<String>| {
        Memo::new(move |_| device.with(|device| device.as_deref().and_then(read)))
    };
    let name = part(|device| Some(legible(&device.name)));
    let label = part(|device| Some(legible(&device.label)));
    let system = part(|device| device.os.as_deref().map(legible));
    let rtt = part(|device| {
        let online = device.state == DeviceState::Online;
        device
            .rtt_ms
            .filter(|_| online)
            .map(|ms| format!("{ms} ms"))
    });
    let state = Memo::new(move |_| {
        device.with(|device| {
            device
                .as_ref()
                .map_or(DeviceState::Offline, |device| device.state)
        })
    });
    view! {
        <li class="device-row" class:device-row--away=move || state.get() != DeviceState::Online>
            <span class="device-row__dot">
                <StateDot shape=Signal::derive(move || shape(state.get())) />
            </span>
            <span class="device-row__name">
                <A href=paths::device(id) attr:class="device-row__link" attr:title=move || name.get()>
                    <bdi>{move || name.get()}</bdi>
                </A>
                <AttentionMark id=id device=device />
                <span class="device-row__label">{move || label.get()}</span>
            </span>
            <span class="device-row__system" title=move || system.get()>
                <bdi>{move || system.get()}</bdi>
            </span>
            <Services device=device />
            <span class="device-row__rtt numbers">{move || rtt.get()}</span>
            <Seen device=device />
        </li>
    }
}

/// A mark beside the name that leads to the words on the device's page.
#[component]
fn AttentionMark(id: DeviceId, device: Memo<Option<Arc<Device>>>) -> impl IntoView {
    let what = Memo::new(move |_| {
        let attention = device.with(|device| device.as_ref()?.attention);
        attention.map(|attention| attention_words(attention).what)
    });
    move || {
        what.get().map(|what| {
            view! {
                <A href=paths::device(id) attr:class="device-row__attention" attr:title=what>
                    <Icon glyph=Glyph::Warning />
                    <span class="visually-hidden">{what}</span>
                </A>
            }
        })
    }
}

#[component]
fn Services(device: Memo<Option<Arc<Device>>>) -> impl IntoView {
    // Drawn anew only when a service or the reach of the device changes: a button that has the
    // focus keeps it.
    let services = Memo::new(move |_| {
        device.with(|device| {
            let Some(device) = device else {
                return Vec::new();
            };
            let with_reach = |service| (can_open(device, &service), service);
            services_in_order(device)
                .into_iter()
                .map(with_reach)
                .collect()
        })
    });
    view! {
        <span class="device-row__services">
            {move || {
                let known = device.get_untracked()?;
                let all = services.get();
                let more = all.len().saturating_sub(SERVICES_SHOWN);
                let shown = all
                    .into_iter()
                    .take(SERVICES_SHOWN)
                    .map(|(opens, service)| view! {
                        <ServiceButton id=known.id device_name=known.name.clone() service=service opens=opens />
                    })
                    .collect_view();
                Some(view! {
                    {shown}
                    {(more > 0).then(|| view! { <span class="chip chip--count">{format!("+{more}")}</span> })}
                })
            }}
        </span>
    }
}

#[component]
fn Seen(device: Memo<Option<Arc<Device>>>) -> impl IntoView {
    let clock = Clock::expect();
    let seen = Memo::new(move |_| {
        device.with(|device| {
            let device = device.as_ref()?;
            let word = state_words(device, clock.now()).word;
            // Who is here was seen just now: the word says enough.
            let away = device.state == DeviceState::Offline && device.disabled_at.is_none();
            Some((word, device.last_seen.filter(|_| away)))
        })
    });
    view! {
        <span class="device-row__seen">
            {move || seen.get().map(|(word, last_seen)| view! {
                <span class="device-row__state">{word}</span>
                {last_seen.map(|at| view! { <span class="device-row__when"><Time at=at /></span> })}
            })}
        </span>
    }
}
