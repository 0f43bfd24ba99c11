//! What to try when the device cannot be reached.

use leptos::prelude::*;

use super::{DeviceSignal, part};
use crate::components::Time;
use crate::words::offline_advice;

/// Since when, and what to try; nothing while the device is online.
#[component]
pub(super) fn OfflineAdvice(device: DeviceSignal) -> impl IntoView {
    let away = part(device, |device| {
        let advice = offline_advice(device);
        (!advice.is_empty()).then_some((advice, device.last_seen))
    });
    move || {
        away.get().map(|(advice, last_seen)| {
            view! {
                <section class="advice" aria-label="What to try">
                    <h2 class="advice__title">
                        "What to try"
                        {last_seen.map(|at| view! {
                            <span class="advice__seen">"Last seen " <Time at=at /></span>
                        })}
                    </h2>
                    <ol class="advice__steps">
                        {advice.iter().map(|step| view! { <li>{*step}</li> }).collect_view()}
                    </ol>
                </section>
            }
        })
    }
}
