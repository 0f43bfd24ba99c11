//! Keeping the device out, and letting it in again.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, Glyph, Icon, Variant};
use crate::state::Toasts;
use crate::words::legible;

/// That the device is disabled, and the way back; nothing while it is not.
#[component]
pub(super) fn DisabledNote(device: DeviceSignal) -> impl IntoView {
    let is_disabled = part(device, |device| device.disabled_at.map(|_| ()));
    let enable = enabling(device);
    // There from the beginning, so that what comes into it is read out.
    view! {
        <div role="status">
            {move || is_disabled.get().map(|()| view! {
                <section class="advice" aria-label="Disabled">
                    <h2 class="advice__title">
                        <span class="advice__what"><Icon glyph=Glyph::Shield />"This device is disabled"</span>
                    </h2>
                    <p>"Nothing on it can be opened, and its agent is refused. Once enabled it comes back by itself, within a minute or so."</p>
                    <div>
                        <Button variant=Variant::Primary busy=enable.busy on_click=move |_| enable.run()>
                            "Enable device"
                        </Button>
                    </div>
                </section>
            })}
        </div>
    }
}

/// A change of the switch under way.
#[derive(Clone, Copy)]
struct Switching {
    device: DeviceSignal,
    to_disabled: bool,
    busy: RwSignal<bool>,
    api: ApiClient,
    toasts: Toasts,
    done: Option<RwSignal<bool>>,
}

fn enabling(device: DeviceSignal) -> Switching {
    Switching {
        device,
        to_disabled: false,
        busy: RwSignal::new(false),
        api: ApiClient::expect(),
        toasts: Toasts::expect(),
        done: None,
    }
}

impl Switching {
    /// The event that follows changes the page.
    fn run(self) {
        let Some(id) = self
            .device
            .with_untracked(|device| device.as_ref().map(|device| device.id))
        else {
            return;
        };
        self.busy.set(true);
        spawn_local(async move {
            let answer = self.api.disable_device(id, self.to_disabled).await;
            self.busy.try_set(false);
            match answer {
                Ok(()) => {
                    if let Some(open) = self.done {
                        open.try_set(false);
                    }
                }
                Err(error) => self.toasts.failed(&error),
            }
        });
    }
}

/// The setting; asks first, since it cuts people off.
#[component]
pub(super) fn DisableDevice(device: DeviceSignal) -> impl IntoView {
    let is_disabled = part(device, |device| device.disabled_at.map(|_| ()));
    let name = part(device, |device| Some(legible(&device.name)));
    let open = RwSignal::new(false);
    let enable = enabling(device);
    let disable = Switching {
        to_disabled: true,
        done: Some(open),
        busy: RwSignal::new(false),
        ..enable
    };
    let title = move || format!("Disable {}", name.get().unwrap_or_default());
    view! {
        <div class="setting">
            <div>
                <h3>"Disable this device"</h3>
                <p class="setting__text">
                    "It is cut off and kept out until it is enabled again. Nothing about it is lost."
                </p>
            </div>
            {move || match is_disabled.get() {
                Some(()) => view! {
                    <Button busy=enable.busy on_click=move |_| enable.run()>"Enable device"</Button>
                }
                .into_any(),
                None => view! { <Button on_click=move |_| open.set(true)>"Disable device"</Button> }
                    .into_any(),
            }}
        </div>
        <Confirm
            open=open
            busy=disable.busy
            title=Signal::derive(title)
            text=Signal::stored(
                "Everyone who has it open is cut off at once, and its agent is refused until somebody enables it again."
                    .to_owned(),
            )
            action=Signal::stored("Disable device".to_owned())
            on_confirm=move |()| disable.run()
        />
    }
}
