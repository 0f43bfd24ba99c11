//! Deleting the device.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_navigate;

use super::{DeviceSignal, part};
use crate::api_client::ApiClient;
use crate::components::{Button, Confirm, Glyph, Variant};
use crate::paths;
use crate::state::Toasts;
use crate::words::legible;

/// The last thing on the page; asks for the device's name.
#[component]
pub(super) fn DeleteDevice(device: DeviceSignal) -> impl IntoView {
    let (api, toasts) = (ApiClient::expect(), Toasts::expect());
    let navigate = use_navigate();
    let name = part(device, |device| Some(legible(&device.name)));
    let id = part(device, |device| Some(device.id));
    let (open, busy) = (RwSignal::new(false), RwSignal::new(false));
    let named = move || name.get().unwrap_or_default();
    let delete = move |()| {
        let Some(id) = id.get_untracked() else { return };
        let navigate = navigate.clone();
        let deleted = format!("{} was deleted", name.get_untracked().unwrap_or_default());
        busy.set(true);
        spawn_local(async move {
            let answer = api.delete_device(id).await;
            busy.try_set(false);
            match answer {
                // The event of the deletion may have been faster: then this page is gone, the
                // dialog with it, and all is told.
                Ok(()) => {
                    if open.try_set(false).is_none() {
                        toasts.done(deleted);
                        navigate(paths::DEVICES, Default::default());
                    }
                }
                Err(error) => toasts.failed(&error),
            }
        });
    };
    view! {
        <div class="setting">
            <div>
                <h3>"Delete this device"</h3>
                <p class="setting__text">
                    "Its connection is cut and its address is never given to another device."
                </p>
            </div>
            <Button variant=Variant::Danger glyph=Glyph::Trash on_click=move |_| open.set(true)>
                "Delete device"
            </Button>
        </div>
        <Confirm
            open=open
            busy=busy
            title=Signal::derive(move || format!("Delete {}", named()))
            text=Signal::stored(
                "Everyone who has it open is cut off at once. Its name, its services' titles and its address are lost. To have it back, enrol it again; it will be a new device."
                    .to_owned(),
            )
            action=Signal::derive(move || format!("Delete {}", named()))
            typed_name=name
            on_confirm=delete
        />
    }
}
