//! Waiting for the device, and greeting it.

use api::{Device, DeviceQuery, DeviceState, Event, InstallKeyCreated, Timestamp};
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::components::A;

use crate::api_client::ApiClient;
use crate::components::{Button, Glyph, StateDot, Variant};
use crate::launch::open_web_page;
use crate::live::Live;
use crate::pages::service_button::can_open;
use crate::pages::state_shape::shape;
use crate::paths;
use crate::state::{Clock, Toasts};
use crate::words::{legible, services_in_order, state_words};

/// The most that is read to find a device whose event was lost.
const LOOK_THROUGH: u32 = 200;

/// Collects the devices that are enrolled after the key was made.
pub(super) fn follow(created: RwSignal<Option<InstallKeyCreated>>, arrived: RwSignal<Vec<Device>>) {
    let api = ApiClient::expect();
    let since = move || {
        created.with_untracked(|created| created.as_ref().map(|made| made.install_key.created_at))
    };
    Live::expect().subscribe(move |event| match event {
        Event::DeviceChanged { device } => {
            if since().is_some_and(|since| is_new(device, since)) {
                arrived.update(|all| take(all, (**device).clone()));
            }
        }
        Event::DeviceRemoved { device_id } => {
            arrived.update(|all| all.retain(|device| device.id != *device_id));
        }
        _ => {
            let Some(since) = since() else { return };
            spawn_local(async move {
                let query = DeviceQuery {
                    limit: Some(LOOK_THROUGH),
                    ..DeviceQuery::default()
                };
                // The next event, or the next connection, tells what this could not.
                let Ok(page) = api.devices(&query).await else {
                    return;
                };
                let new = page
                    .items
                    .into_iter()
                    .filter(|device| is_new(device, since));
                arrived.try_update(|all| new.for_each(|device| take(all, device)));
            });
        }
    });
}

/// Both times are the server's: no clock of a browser is asked.
fn is_new(device: &Device, since: Timestamp) -> bool {
    device.enrolled_at >= since
}

fn take(all: &mut Vec<Device>, device: Device) {
    match all.iter_mut().find(|known| known.id == device.id) {
        Some(known) => *known = device,
        None => all.push(device),
    }
}

/// The devices that came, or that they are awaited.
#[component]
pub(crate) fn Arrived(arrived: RwSignal<Vec<Device>>) -> impl IntoView {
    view! {
        <div aria-live="polite">
            {move || {
                let devices = arrived.get();
                if devices.is_empty() {
                    return view! {
                        <p class="waiting">
                            <span class="waiting__pulse" aria-hidden="true"></span>
                            "Waiting for your device… Leave this page open."
                        </p>
                    }
                    .into_any();
                }
                let cards = devices.into_iter().map(|device| view! { <Greeting device=device /> });
                view! { <ul class="arrivals">{cards.collect_view()}</ul> }.into_any()
            }}
        </div>
    }
}

#[component]
fn Greeting(device: Device) -> impl IntoView {
    let (api, toasts, id) = (ApiClient::expect(), Toasts::expect(), device.id);
    let words = state_words(&device, Clock::expect().instant());
    let first = services_in_order(&device)
        .into_iter()
        .find(|service| can_open(&device, service));
    let hint = match device.state {
        DeviceState::NeverSeen => "Known now. Run the second line to connect it.",
        _ => words.word,
    };
    view! {
        <li class="arrival">
            <StateDot shape=shape(device.state) />
            <div class="arrival__words">
                <p class="arrival__name"><bdi>{legible(&device.name)}</bdi></p>
                <p class="arrival__state">{hint}</p>
            </div>
            {first.map(|service| view! {
                <Button
                    variant=Variant::Primary
                    glyph=Glyph::OpenOut
                    on_click=move |_| open_web_page(api, toasts, id, service.name.clone())
                >
                    "Open web page"
                </Button>
            })}
            <A href=paths::device(device.id) attr:class=Variant::Secondary.class()>"Go to device"</A>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::device;

    #[test]
    fn only_devices_of_after_the_key_count() {
        let mut one = device("pump-07");
        one.enrolled_at = Timestamp(10);
        assert!(is_new(&one, Timestamp(10)));
        assert!(!is_new(&one, Timestamp(11)));
    }

    #[test]
    fn a_device_comes_once() {
        let mut all = Vec::new();
        let mut one = device("pump-07");
        take(&mut all, one.clone());
        one.state = DeviceState::Offline;
        take(&mut all, one.clone());
        assert_eq!(all, [one]);
    }
}
