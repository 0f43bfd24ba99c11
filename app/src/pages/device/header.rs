//! The device's name and state.

use leptos::prelude::*;

use super::name_editor::NameEditor;
use super::{DeviceSignal, part};
use crate::components::StateDot;
use crate::pages::state_shape::shape;
use crate::state::{Clock, set_title};
use crate::words::{legible, state_words};

/// Name, editable in place, and the state in words.
#[component]
pub(super) fn DeviceHeader(device: DeviceSignal) -> impl IntoView {
    let clock = Clock::expect();
    let state = part(device, |device| Some(shape(device.state)));
    let sentence = part(device, move |device| {
        Some(state_words(device, clock.now()).sentence)
    });
    let rtt = part(device, |device| {
        let online = device.state == api::DeviceState::Online;
        device.rtt_ms.filter(|_| online)
    });
    let name = part(device, |device| Some(legible(&device.name)));
    Effect::new(move |_| {
        if let Some(name) = name.get() {
            set_title(&name);
        }
    });
    view! {
        <header class="device-header">
            <NameEditor device=device />
            <p class="device-header__state numbers" aria-live="polite">
                {move || state.get().map(|shape| view! { <StateDot shape=shape /> })}
                <span>{move || sentence.get()}</span>
                {move || rtt.get().map(|ms| view! {
                    <span class="device-header__rtt" title="Round trip between server and device">
                        {format!("{ms} ms")}
                    </span>
                })}
            </p>
        </header>
    }
}
