//! What is known about the device.

use leptos::prelude::*;

use super::{DeviceSignal, part};
use crate::components::Time;
use crate::words::legible;

/// A list of properties; what the agent has not told is left out.
#[component]
pub(super) fn Facts(device: DeviceSignal) -> impl IntoView {
    let texts = part(device, |device| {
        let told = |text: &Option<String>| text.as_deref().map(legible);
        let facts = [
            ("Address", told(&device.address), true),
            ("Host name", told(&device.host_name), false),
            ("System", told(&device.os), false),
            ("Agent", told(&device.agent_version), false),
            ("Label", Some(legible(&device.label)), true),
        ];
        Some(facts)
    });
    let enrolled = part(device, |device| Some(device.enrolled_at));
    view! {
        <section class="section" aria-labelledby="device-properties">
            <h2 class="section__title" id="device-properties">"Properties"</h2>
            <dl class="facts">
                {move || texts.get().map(|facts| facts
                    .into_iter()
                    .filter_map(|(word, value, code)| value.map(|value| view! {
                        <div class="facts__row">
                            <dt class="facts__word">{word}</dt>
                            <dd class="facts__value" class:facts__value--code=code><bdi>{value}</bdi></dd>
                        </div>
                    }))
                    .collect_view())}
                {move || enrolled.get().map(|at| view! {
                    <div class="facts__row">
                        <dt class="facts__word">"Added"</dt>
                        <dd class="facts__value"><Time at=at /></dd>
                    </div>
                })}
            </dl>
        </section>
    }
}
