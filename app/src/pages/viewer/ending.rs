//! When it is over, or cannot begin yet.

use api::{DeviceId, DeviceState};
use leptos::prelude::*;
use leptos_router::components::A;
use remote_messages::StreamFault;

use super::{DeviceSignal, Panel, Tone};
use crate::components::{Button, Glyph, Variant};
use crate::paths;
use crate::state::{Clock, focus, window};
use crate::words::{EndWords, WayOn, legible, offline_advice, state_words};

/// The button that goes on has the focus: Enter is enough.
const WAY_ON: &str = "viewer-way-on";

/// The device cannot be reached: since when, what to try, and that nothing else need be done.
#[component]
pub(crate) fn Away(device: DeviceSignal, id: DeviceId, try_now: Callback<()>) -> impl IntoView {
    let clock = Clock::expect();
    let state =
        Memo::new(move |_| device.with(|device| device.as_ref().map(|device| device.state)));
    let advice = Memo::new(move |_| device.with(|device| device.as_deref().map(offline_advice)));
    let sentence = move || {
        device.with(|device| {
            let device = device.as_ref()?;
            Some(state_words(device, clock.now()).sentence)
        })
    };
    let name = device.with_untracked(|device| {
        device
            .as_ref()
            .map(|device| legible(&device.name))
            .unwrap_or_default()
    });
    view! {
        <Panel
            glyph=Glyph::Clock
            tone=Tone::Attention
            title=format!("Waiting for {name}")
            text="It goes on by itself as soon as the device is online. You can leave this open."
        >
            <p class="panel__state" role="status">{sentence}</p>
            {move || advice.get().map(|advice| view! {
                <ol class="panel__steps">
                    {advice.iter().map(|step| view! { <li>{*step}</li> }).collect_view()}
                </ol>
            })}
            <div class="form__actions panel__actions">
                <BackToDevice id=id />
                {move || state.get().filter(|state| *state == DeviceState::Online).map(|_| view! {
                    <Button variant=Variant::Primary on_click=move |_| try_now.run(())>"Try now"</Button>
                })}
            </div>
        </Panel>
    }
}

/// How it ended, and what can be done now.
#[component]
pub(crate) fn Over(
    id: DeviceId,
    service: String,
    glyph: Glyph,
    tone: Tone,
    words: EndWords,
    again: Callback<()>,
) -> impl IntoView {
    focus(WAY_ON);
    view! {
        <Panel glyph=glyph tone=tone title=words.title text=words.text>
            {words.said.map(|said| view! {
                <p class="panel__said">"It said: " <q><bdi>{said}</bdi></q></p>
            })}
            <div class="form__actions panel__actions">
                <BackToDevice id=id />
                {way_on(id, &service, words.way_on, again)}
            </div>
        </Panel>
    }
}

/// How grave a stream's failure is, and its picture.
pub(crate) const fn fault_look(fault: StreamFault) -> (Tone, Glyph) {
    match fault {
        StreamFault::Revoked | StreamFault::NotAllowed => (Tone::Danger, Glyph::Warning),
        StreamFault::Lost | StreamFault::Offline | StreamFault::Reconnecting => {
            (Tone::Attention, Glyph::NoLink)
        }
        _ => (Tone::Attention, Glyph::Warning),
    }
}

fn way_on(id: DeviceId, service: &str, way: WayOn, again: Callback<()>) -> impl IntoView + use<> {
    match way {
        WayOn::Again(word) => view! {
            <button
                class=Variant::Primary.class()
                id=WAY_ON
                type="button"
                on:click=move |_| again.run(())
            >
                {word}
            </button>
        }
        .into_any(),
        WayOn::Reload => view! {
            <button class=Variant::Primary.class() id=WAY_ON type="button" on:click=|_| reload()>
                "Try again"
            </button>
        }
        .into_any(),
        WayOn::SignIn => {
            let here = paths::viewer(id, service);
            view! {
                <a class=Variant::Primary.class() id=WAY_ON href=paths::sign_in_then(&here) rel="external">
                    "Sign in"
                </a>
            }
            .into_any()
        }
        WayOn::Nothing => ().into_any(),
    }
}

/// The browser remembers a part that did not load: only a new page asks for it again.
fn reload() {
    if let Some(window) = window() {
        let _ = window.location().reload();
    }
}

#[component]
pub(crate) fn BackToDevice(id: DeviceId) -> impl IntoView {
    view! {
        <A href=paths::device(id) attr:class=Variant::Secondary.class()>"Back to the device"</A>
    }
}
