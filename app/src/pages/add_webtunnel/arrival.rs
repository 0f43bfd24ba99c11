//! Waiting for the device that was made.

use api::{Device, DeviceState, Event, WebTunnelDeviceCreated};
use leptos::prelude::*;
use leptos::task::spawn_local;

use crate::api_client::ApiClient;
use crate::live::Live;

/// Takes the device that was made as soon as it has connected.
pub(super) fn follow(
    created: RwSignal<Option<WebTunnelDeviceCreated>>,
    arrived: RwSignal<Vec<Device>>,
) {
    let api = ApiClient::expect();
    let made =
        move || created.with_untracked(|created| created.as_ref().map(|created| created.device.id));
    let take = move |device: Device| {
        if device.state != DeviceState::NeverSeen {
            arrived.try_set(vec![device]);
        }
    };
    Live::expect().subscribe(move |event| match event {
        Event::DeviceChanged { device } if Some(device.id) == made() => take((**device).clone()),
        Event::DeviceRemoved { device_id } if Some(*device_id) == made() => {
            arrived.set(Vec::new());
        }
        Event::Resync => {
            let Some(id) = made() else { return };
            spawn_local(async move {
                // The next event, or the next connection, tells what this could not.
                if let Ok(device) = api.device(id).await {
                    take(device);
                }
            });
        }
        _ => {}
    });
}
