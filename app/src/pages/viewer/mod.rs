//! What fills the whole window: a terminal, later a desktop. One frame for both; the kind of the
//! service decides what is in it.

mod bar;
mod bell;
pub(super) mod clipboard;
mod ending;
mod entry;
mod frame;
mod hold;
mod key_button;
mod panel;
mod parts;
mod status;
mod viewport;
mod worker;

use std::sync::Arc;

use api::{Device, DeviceId, Event, ProblemCode, Service, ServiceKind};
use leptos::prelude::*;
use leptos_router::components::A;
use leptos_router::hooks::use_params_map;

pub(super) use self::bar::Measure;
pub(super) use self::bell::Bell;
pub(super) use self::ending::{Away, BackToDevice, Over, fault_look};
pub(super) use self::entry::Entry;
pub(super) use self::frame::ViewerFrame;
pub(super) use self::hold::Hold;
pub(super) use self::key_button::{KeyButton, ModifierButton, keep_keyboard};
pub(super) use self::panel::{Panel, Tone};
use self::parts::Viewer;
pub(super) use self::status::Status;
pub(super) use self::worker::{Report, Worker};
use crate::api_client::{ApiClient, ApiError};
use crate::components::{Glyph, SkeletonRows, Variant};
use crate::live::Live;
use crate::pages::service_button::has_viewer;
use crate::paths;
use crate::state::{Loaded, Query, set_title};
use crate::words::{failure_words, legible};

/// Browsers fill in and keep passwords by the page's address, which is Adit's: the device would be
/// given the password of Adit, and Adit's sign-in be offered the device's. A code that is used once
/// is neither filled in nor kept; they overlook a plain `off`.
pub(super) const NEVER_KEPT: &str = "one-time-code";

/// A device as the parts of a viewer follow it.
pub(super) type DeviceSignal = Memo<Option<Arc<Device>>>;

/// The service that the address names.
#[component]
pub(crate) fn ViewerPage() -> impl IntoView {
    let parameters = use_params_map();
    let wanted = Memo::new(move |_| {
        parameters.with(|all| Some((all.get("id")?.parse::<DeviceId>().ok()?, all.get("name")?)))
    });
    move || match wanted.get() {
        Some((id, name)) => view! { <KnownDevice id=id service=name /> }.into_any(),
        None => view! { <NoDevice /> }.into_any(),
    }
}

#[component]
fn KnownDevice(id: DeviceId, service: String) -> impl IntoView {
    let query = follow(id);
    let device: DeviceSignal = Memo::new(move |_| query.with_ready(Arc::clone));
    let there = Memo::new(move |_| device.with(Option::is_some));
    // Only the kind: a new title or state must not begin the viewer anew.
    let name = service.clone();
    let found = Memo::new(move |_| device.with(|device| kind_of(device.as_deref(), &name)));
    move || {
        if there.get() {
            let service = service.clone();
            return match found.get() {
                Some(kind) if has_viewer(kind) => {
                    view! { <Viewer device=device id=id service=service kind=kind /> }.into_any()
                }
                other => view! { <NotHere device=device id=id kind=other /> }.into_any(),
            };
        }
        match query.get() {
            Loaded::Failed(error) if is_gone(&error) => view! { <NoDevice /> }.into_any(),
            Loaded::Failed(error) => view! { <Failed error=error query=query /> }.into_any(),
            Loaded::Loading | Loaded::Ready(_) => view! {
                <main class="frame__alone"><SkeletonRows rows=3 /></main>
            }
            .into_any(),
        }
    }
}

fn kind_of(device: Option<&Device>, name: &str) -> Option<ServiceKind> {
    service_of(device, name).map(|service| service.kind)
}

/// The device's service of this name.
pub(super) fn service_of<'a>(device: Option<&'a Device>, name: &str) -> Option<&'a Service> {
    device?.services.iter().find(|service| service.name == name)
}

/// Reads the device and keeps up with it.
fn follow(id: DeviceId) -> Query<Arc<Device>> {
    let api = ApiClient::expect();
    let query = Query::new(move || async move { api.device(id).await.map(Arc::new) });
    Live::expect().subscribe(move |event| match event {
        Event::DeviceChanged { device } if device.id == id => {
            query.change(|known| *known = Arc::new((**device).clone()));
        }
        // The answer says that it is gone.
        Event::DeviceRemoved { device_id } if *device_id == id => query.refresh(),
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

/// A device without the service, or a service that no viewer is for.
#[component]
fn NotHere(device: DeviceSignal, id: DeviceId, kind: Option<ServiceKind>) -> impl IntoView {
    let (title, text) = match kind {
        Some(ServiceKind::Rdp) => (
            "Windows desktops come later",
            "A desktop over RDP cannot be shown in the browser yet.",
        ),
        Some(_) => (
            "This service has no viewer",
            "It cannot be shown here. Open it from the device's page.",
        ),
        None => (
            "The device does not offer this service",
            "It may have been taken out of the agent's configuration.",
        ),
    };
    set_title(title);
    view! {
        <ViewerFrame
            device=device
            id=id
            title=Signal::stored(String::new())
            status=Signal::stored(Status::default())
        >
            <Panel glyph=Glyph::Monitor title=title text=text tone=Tone::Calm>
                <A href=paths::device(id) attr:class=Variant::Primary.class()>"Back to the device"</A>
            </Panel>
        </ViewerFrame>
    }
}

#[component]
fn NoDevice() -> impl IntoView {
    set_title("Not found");
    view! {
        <main class="viewer viewer--alone">
            <h1 class="visually-hidden">"Not found"</h1>
            <Panel
                glyph=Glyph::Devices
                tone=Tone::Calm
                title="There is no such device"
                text="It may have been deleted, or it belongs to an organization you are not a member of."
            >
                <A href=paths::DEVICES attr:class=Variant::Primary.class()>"Go to your devices"</A>
            </Panel>
        </main>
    }
}

#[component]
fn Failed(error: ApiError, query: Query<Arc<Device>>) -> impl IntoView {
    let words = failure_words(&error);
    view! {
        <main class="viewer viewer--alone">
            <h1 class="visually-hidden">{legible(&words.title)}</h1>
            <Panel glyph=Glyph::Warning tone=Tone::Danger title=words.title text=words.advice>
                <button
                    class=Variant::Primary.class()
                    type="button"
                    on:click=move |_| query.retry()
                >
                    "Try again"
                </button>
                {words.request_id.map(|id| view! {
                    <p class="panel__detail">"Request " <code>{id}</code></p>
                })}
            </Panel>
        </main>
    }
}
