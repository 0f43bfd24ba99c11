//! Connecting a device whose agent speaks WebTunnel, in three steps on one page.

mod arrival;
mod device_form;
mod ports;

use api::{Device, WebTunnelDeviceCreated};
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos_router::components::A;

use self::arrival::follow;
use self::device_form::DeviceForm;
use super::add_device::Arrived;
use crate::components::{Button, CopyField, Glyph, Icon, PageHeader, Step, StepState, Variant};
use crate::paths;
use crate::state::{Toasts, download};

const FILE_NAME: &str = "WebTunnelAgent.properties";

/// Name it, take its configuration along, see it appear.
#[component]
pub(crate) fn AddWebTunnelPage() -> impl IntoView {
    let created = RwSignal::new(None::<WebTunnelDeviceCreated>);
    let arrived = RwSignal::new(Vec::<Device>::new());
    follow(created, arrived);

    let is_made = Memo::new(move |_| created.with(Option::is_some));
    let is_here = Memo::new(move |_| arrived.with(|all| !all.is_empty()));
    let always = Memo::new(|_| true);
    view! {
        <nav class="crumb" aria-label="Back">
            <A href=paths::ADD_DEVICE><Icon glyph=Glyph::Back />"Add a device"</A>
        </nav>
        <PageHeader title="Add a device with a WebTunnel agent" />
        <ol class="steps">
            <Step number=1 title="Say which device it is" state=StepState::of(always, is_made)>
                <DeviceForm created=created />
            </Step>
            <Step number=2 title="Give its agent this configuration" state=StepState::of(is_made, is_here)>
                <Configuration created=created />
            </Step>
            <Step number=3 title="Your device appears" state=StepState::of(is_made, is_here)>
                <Arrived arrived=arrived />
            </Step>
        </ol>
    }
}

#[component]
fn Configuration(created: RwSignal<Option<WebTunnelDeviceCreated>>) -> impl IntoView {
    let toasts = Toasts::expect();
    let file = move || {
        created.with(|created| {
            let created = created.as_ref()?;
            Some((created.properties.clone(), created.secret.is_some()))
        })
    };
    let save = move |_| {
        let Some((file, _)) = file() else { return };
        let bytes = Uint8Array::from(file.as_bytes());
        if download(&bytes, "text/plain", FILE_NAME).is_none() {
            toasts.refused("The browser does not let a file be saved. Copy the text instead.");
        }
    };
    view! {
        {move || file().map(|(text, has_secret)| view! {
            <CopyField text=text label="Copy the configuration" />
            <div>
                <Button variant=Variant::Primary on_click=save>{format!("Download {FILE_NAME}")}</Button>
            </div>
            <p class="step__hint">
                {if has_secret {
                    "The secret in it is shown only now. Restart the agent when it has the file."
                } else {
                    "Its password is not in it: the agent has that already. For an agent that runs, the first line is enough."
                }}
            </p>
        })}
    }
}
