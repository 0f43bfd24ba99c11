//! Connecting a device, in three steps on one page.

mod arrival;
mod key_form;

use api::{Device, InstallKeyCreated};
use leptos::prelude::*;
use leptos_router::components::A;

use self::arrival::follow;
use self::key_form::KeyForm;
use crate::api_client::origin;
use crate::components::{CopyField, Glyph, Icon, PageHeader, Step, StepState};
use crate::enrol_command::enrol_commands;
use crate::paths;

pub(super) use self::arrival::Arrived;

/// Make a key, run the command, see the device appear.
#[component]
pub(crate) fn AddDevicePage() -> impl IntoView {
    let created = RwSignal::new(None::<InstallKeyCreated>);
    let arrived = RwSignal::new(Vec::<Device>::new());
    follow(created, arrived);

    let has_key = Memo::new(move |_| created.with(Option::is_some));
    let is_here = Memo::new(move |_| arrived.with(|all| !all.is_empty()));
    let always = Memo::new(|_| true);
    view! {
        <nav class="crumb" aria-label="Back">
            <A href=paths::DEVICES><Icon glyph=Glyph::Back />"Devices"</A>
        </nav>
        <PageHeader title="Add a device" />
        <p class="step__hint">
            "Has it a WebTunnel agent already? "
            <A href=paths::ADD_WEBTUNNEL>"Connect it as it is"</A>
        </p>
        <ol class="steps">
            <Step number=1 title="Make an install key" state=StepState::of(always, has_key)>
                <KeyForm created=created />
            </Step>
            <Step number=2 title="Run this on the device" state=StepState::of(has_key, is_here)>
                <Commands created=created />
            </Step>
            <Step number=3 title="Your device appears" state=StepState::of(has_key, is_here)>
                <Arrived arrived=arrived />
            </Step>
        </ol>
    }
}

#[component]
fn Commands(created: RwSignal<Option<InstallKeyCreated>>) -> impl IntoView {
    let commands = move || {
        created.with(|created| {
            let secret = &created.as_ref()?.secret;
            Some(enrol_commands(&origin(), secret))
        })
    };
    view! {
        {move || commands().map(|text| view! { <CopyField text=text label="Copy the commands" /> })}
        <p class="step__hint">
            "The first line makes the device known here, the second connects it and stays. The key is shown only now."
        </p>
    }
}
