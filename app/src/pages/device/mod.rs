//! One device: its state, what can be opened on it, what is known about it, its settings.

mod attention;
mod certificates;
mod data;
mod delete;
mod disable;
mod facts;
mod header;
mod name_editor;
mod offline;
mod service_settings;
mod services;
mod webtunnel;

use std::sync::Arc;

use api::{Device, DeviceId, Event, ProblemCode};
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::{use_navigate, use_params_map};

use self::attention::AttentionNote;
use self::certificates::Certificates;
use self::data::DataUse;
use self::delete::DeleteDevice;
use self::disable::{DisableDevice, DisabledNote};
use self::facts::Facts;
use self::header::DeviceHeader;
use self::offline::OfflineAdvice;
use self::service_settings::ServiceSettings;
use self::services::ServiceTiles;
use self::webtunnel::WebTunnelSection;
use crate::api_client::{ApiClient, ApiError};
use crate::components::{EmptyState, Failure, Glyph, Icon, SkeletonRows, Variant};
use crate::live::Live;
use crate::paths;
use crate::state::{Loaded, Query, Toasts, scroll_to_top};
use crate::words::{failure_words, legible};

/// The page of the device that the address names.
#[component]
pub(crate) fn DevicePage() -> impl IntoView {
    let parameters = use_params_map();
    let id = Memo::new(move |_| parameters.with(|all| all.get("id")?.parse::<DeviceId>().ok()));
    scroll_to_top();
    view! {
        <nav class="crumb" aria-label="Back">
            <A href=paths::DEVICES><Icon glyph=Glyph::Back />"Devices"</A>
        </nav>
        {move || match id.get() {
            Some(id) => view! { <KnownDevice id=id /> }.into_any(),
            None => view! { <NoDevice /> }.into_any(),
        }}
    }
}

#[component]
fn KnownDevice(id: DeviceId) -> impl IntoView {
    let query = follow(id);
    let device = Memo::new(move |_| query.with_ready(Arc::clone));
    let there = Memo::new(move |_| device.with(Option::is_some));
    move || {
        if there.get() {
            return view! { <DeviceView id=id device=device /> }.into_any();
        }
        match query.get() {
            Loaded::Failed(error) if is_gone(&error) => view! { <NoDevice /> }.into_any(),
            Loaded::Failed(error) => {
                let words = failure_words(&error);
                view! {
                    <Failure
                        title=words.title
                        advice=words.advice
                        request_id=words.request_id
                        on_retry=move |()| query.retry()
                    />
                }
                .into_any()
            }
            _ => view! { <SkeletonRows rows=4 /> }.into_any(),
        }
    }
}

/// Reads the device and keeps up with it; leaves when it is deleted.
fn follow(id: DeviceId) -> Query<Arc<Device>> {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let navigate = use_navigate();
    let query = Query::new(move || async move { api.device(id).await.map(Arc::new) });
    Live::expect().subscribe(move |event| match event {
        Event::DeviceChanged { device } if device.id == id => {
            query.change(|known| *known = Arc::new((**device).clone()));
        }
        Event::DeviceRemoved { device_id } if *device_id == id => {
            let name = query.with_ready_untracked(|device| legible(&device.name));
            toasts.done(format!("{} was deleted", name.unwrap_or_default()));
            navigate(paths::DEVICES, Default::default());
        }
        Event::Resync => query.refresh(),
        _ => {}
    });
    query
}

/// An id that the server's grammar does not know is as gone as one it has forgotten.
fn is_gone(error: &ApiError) -> bool {
    matches!(
        error.code(),
        Some(ProblemCode::NotFound | ProblemCode::BadRequest)
    )
}

/// A device as its page's parts follow it.
type DeviceSignal = Memo<Option<Arc<Device>>>;

/// A part of the device that the view follows by itself.
fn part<T: Clone + PartialEq + Send + Sync + 'static>(
    device: DeviceSignal,
    read: impl Fn(&Device) -> Option<T> + Send + Sync + 'static,
) -> Memo<Option<T>> {
    Memo::new(move |_| device.with(|device| device.as_deref().and_then(&read)))
}

#[component]
fn DeviceView(id: DeviceId, device: DeviceSignal) -> impl IntoView {
    view! {
        <DeviceHeader device=device />
        <DisabledNote device=device />
        <AttentionNote device=device />
        <OfflineAdvice device=device />
        <ServiceTiles device=device />
        <Facts device=device />
        <DataUse id=id />
        <WebTunnelSection id=id device=device />
        <Certificates id=id device=device />
        <section class="section" aria-labelledby="device-settings">
            <h2 class="section__title" id="device-settings">"Settings"</h2>
            <ServiceSettings device=device />
            <DisableDevice device=device />
            <DeleteDevice device=device />
        </section>
    }
}

#[component]
fn NoDevice() -> impl IntoView {
    view! {
        <h1 class="visually-hidden">"Not found"</h1>
        <EmptyState
            glyph=Glyph::Devices
            title="There is no such device"
            text="It may have been deleted, or it belongs to an organization you are not a member of."
        >
            <A href=paths::DEVICES attr:class=Variant::Primary.class()>"Go to your devices"</A>
        </EmptyState>
    }
}
