//! When it is over, or cannot begin yet.

use leptos::prelude::*;
use leptos_router::components::A;
use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, HostKey};

use super::control::Control;
use super::session::{Ending, Input, Stage};
use super::status::doing;
use crate::components::{Button, Glyph, Variant};
use crate::pages::viewer::{Panel, Tone};
use crate::paths;
use crate::state::{Clock, focus, window};
use crate::words::{
    EndWords, WayOn, cleaned, end_words, late_words, legible, module_words, offline_advice,
    state_words,
};

/// The button that goes on has the focus: Enter is enough.
const WAY_ON: &str = "terminal-way-on";
const MOST_LETTERS: usize = 120;

/// The device cannot be reached: since when, what to try, and that nothing else need be done.
#[component]
pub(super) fn Away(control: Control) -> impl IntoView {
    let (device, clock) = (control.device, Clock::expect());
    let state =
        Memo::new(move |_| device.with(|device| device.as_ref().map(|device| device.state)));
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
            {move || state.get().map(|state| view! {
                <ol class="panel__steps">
                    {offline_advice(state).iter().map(|step| view! { <li>{*step}</li> }).collect_view()}
                </ol>
            })}
            <div class="form__actions panel__actions">
                <BackToDevice control=control />
                {move || state.get().filter(|state| *state == api::DeviceState::Online).map(|_| view! {
                    <Button variant=Variant::Primary on_click=move |_| control.take(Input::Retry)>
                        "Try now"
                    </Button>
                })}
            </div>
        </Panel>
    }
}

/// How it ended, and what can be done now.
#[component]
pub(super) fn Over(control: Control) -> impl IntoView {
    let Stage::Over(ending) = control.stage.get_untracked() else {
        return ().into_any();
    };
    if let Ending::Told(Ended::HostKeyMismatch { presented, known }) = &ending {
        return view! {
            <Mismatch control=control presented=presented.clone() known=known.clone() />
        }
        .into_any();
    }
    let words = words(&ending);
    focus(WAY_ON);
    view! {
        <Panel glyph=glyph(&ending) tone=tone(&ending) title=words.title text=words.text>
            {words.said.map(|said| view! {
                <p class="panel__said">"It said: " <q><bdi>{said}</bdi></q></p>
            })}
            <div class="form__actions panel__actions">
                <BackToDevice control=control />
                {way_on(control, words.way_on)}
            </div>
        </Panel>
    }
    .into_any()
}

fn words(ending: &Ending) -> EndWords {
    match ending {
        Ending::Told(ended) => end_words(ended),
        Ending::TimedOut(step) => late_words(doing(*step)),
        Ending::ModuleFailed => module_words(),
    }
}

const fn tone(ending: &Ending) -> Tone {
    match ending {
        Ending::Told(Ended::Exit { .. } | Ended::Closed) => Tone::Calm,
        Ending::Told(
            Ended::SignInRefused
            | Ended::Stream {
                fault: StreamFault::Revoked | StreamFault::NotAllowed,
            },
        )
        | Ending::ModuleFailed => Tone::Danger,
        _ => Tone::Attention,
    }
}

const fn glyph(ending: &Ending) -> Glyph {
    match ending {
        Ending::Told(Ended::Exit { .. } | Ended::Closed) => Glyph::Done,
        Ending::Told(Ended::Stream {
            fault: StreamFault::Lost | StreamFault::Offline | StreamFault::Reconnecting,
        }) => Glyph::NoLink,
        _ => Glyph::Warning,
    }
}

fn way_on(control: Control, way: WayOn) -> impl IntoView {
    match way {
        WayOn::Again(word) => view! {
            <button
                class=Variant::Primary.class()
                id=WAY_ON
                type="button"
                on:click=move |_| control.take(Input::Retry)
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
            let here = control
                .service
                .with_value(|service| paths::viewer(control.id, service));
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
fn BackToDevice(control: Control) -> impl IntoView {
    view! {
        <A href=paths::device(control.id) attr:class=Variant::Secondary.class()>"Back to the device"</A>
    }
}

/// A hard stop: there is no way on from here.
#[component]
fn Mismatch(control: Control, presented: HostKey, known: Vec<HostKey>) -> impl IntoView {
    let pinned = control.pinned.get_untracked();
    let text = if pinned {
        "It presents another key than the one that was trusted in this browser. Somebody may be in between, or the device was installed anew. Nothing you typed was sent."
    } else {
        "It presents another key than the ones that the device's own agent reports. Somebody may be between the agent and the SSH server, or another machine answers at this port. Nothing you typed was sent."
    };
    let advice = if pinned {
        "Ask whoever looks after the device whether its SSH keys were changed. If they were, and the new fingerprint is the device's, remove the old one: in the browser's settings, delete the data of this site."
    } else {
        "Ask whoever looks after the device whether its SSH keys were changed. The agent reports new keys when it connects; if it runs and this stays, do not use this service."
    };
    view! {
        <Panel
            glyph=Glyph::Warning
            tone=Tone::Danger
            title="Stopped: this is not the key that is known"
            text=text
        >
            <dl class="fingerprint">
                <dt>"Presented now"</dt>
                {fingerprint(&presented)}
                <dt>{if pinned { "Trusted in this browser" } else { "Reported by the device's agent" }}</dt>
                {known.iter().map(fingerprint).collect_view()}
            </dl>
            <p class="panel__text">{advice}</p>
            <div class="form__actions panel__actions">
                <BackToDevice control=control />
            </div>
        </Panel>
    }
}

fn fingerprint(key: &HostKey) -> impl IntoView + use<> {
    let algorithm = cleaned(&key.algorithm, MOST_LETTERS);
    let fingerprint = cleaned(&key.fingerprint, MOST_LETTERS);
    view! { <dd><code>{algorithm} " " {fingerprint}</code></dd> }
}
