//! The slim bar: where one is, how it is, what can be done.

use api::{DeviceId, DeviceState};
use leptos::prelude::*;
use leptos_router::components::A;

use super::DeviceSignal;
use super::status::{Status, Told};
use crate::components::{Glyph, Icon, StateDot};
use crate::pages::state_shape::shape;
use crate::paths;
use crate::state::Clock;
use crate::words::{data_size, legible, state_words};

/// What a stream has carried, and how quick it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    pub(crate) sent_bytes: u64,
    pub(crate) received_bytes: u64,
    /// Between the browser and the server.
    pub(crate) rtt_ms: Option<u32>,
}

#[component]
pub(super) fn Bar(
    device: DeviceSignal,
    id: DeviceId,
    title: Signal<String>,
    status: Signal<Status>,
    measure: Signal<Option<Measure>>,
    actions: ViewFn,
) -> impl IntoView {
    let clock = Clock::expect();
    let name = Memo::new(move |_| device.with(|one| one.as_ref().map(|one| legible(&one.name))));
    let state = Memo::new(move |_| {
        device.with(|one| one.as_ref().map_or(DeviceState::Offline, |one| one.state))
    });
    let sentence = move || {
        device.with(|one| {
            let one = one.as_ref()?;
            Some(state_words(one, clock.now()).sentence)
        })
    };
    let state_word = move || {
        device.with(|one| {
            let one = one.as_ref()?;
            Some(state_words(one, clock.now()).word)
        })
    };
    view! {
        <header class="viewer__bar">
            <A
                href=paths::device(id)
                attr:class="button button--quiet button--icon"
                attr:title="Back to the device"
                attr:aria-label="Back to the device"
            >
                <Icon glyph=Glyph::Back />
            </A>
            <div class="viewer__names">
                <h1 class="viewer__device" title=sentence>
                    <StateDot shape=Signal::derive(move || shape(state.get())) />
                    <bdi class="viewer__name">{move || name.get()}</bdi>
                    <span class="visually-hidden">{state_word}</span>
                </h1>
                <p class="viewer__title" title=move || title.get()><bdi>{move || title.get()}</bdi></p>
            </div>
            <Told status=status />
            <Measures device=device measure=measure />
            <div class="viewer__actions">{actions.run()}</div>
        </header>
    }
}

#[component]
fn Measures(device: DeviceSignal, measure: Signal<Option<Measure>>) -> impl IntoView {
    let way_ms = Memo::new(move |_| device.with(|one| one.as_ref().and_then(|one| one.rtt_ms)));
    move || {
        measure.get().map(|now| {
            let data = data_size(now.sent_bytes + now.received_bytes);
            let told = format!(
                "{} received, {} sent",
                data_size(now.received_bytes),
                data_size(now.sent_bytes)
            );
            let rtt = round_trip(now.rtt_ms, way_ms.get());
            view! {
                <p class="viewer__measures numbers">
                    <span title=told>{data}</span>
                    {rtt.map(|(words, parts)| view! { <span title=parts>{words}</span> })}
                </p>
            }
        })
    }
}

/// The whole way there and back, and its parts in words.
fn round_trip(to_server_ms: Option<u32>, to_device_ms: Option<u32>) -> Option<(String, String)> {
    let part = |name: &str, ms: Option<u32>| ms.map(|ms| format!("{name} {ms} ms"));
    let parts: Vec<String> = [
        part("you to the server:", to_server_ms),
        part("server to the device:", to_device_ms),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sum = to_server_ms
        .unwrap_or(0)
        .saturating_add(to_device_ms.unwrap_or(0));
    (!parts.is_empty()).then(|| {
        (
            format!("{sum} ms"),
            format!("Round trip, {}", parts.join(", ")),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_trip_is_the_sum_of_what_is_known() {
        let (words, parts) = round_trip(Some(20), Some(22)).unwrap();
        assert_eq!(words, "42 ms");
        assert_eq!(
            parts,
            "Round trip, you to the server: 20 ms, server to the device: 22 ms"
        );
        assert_eq!(round_trip(None, Some(5)).unwrap().0, "5 ms");
        assert_eq!(round_trip(None, None), None);
    }
}
