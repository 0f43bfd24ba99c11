//! How a terminal ended.

use leptos::prelude::*;
use remote_messages::ssh::{Ended, HostKey};

use super::control::Control;
use super::session::{Ending, Input, Stage};
use super::status::doing;
use crate::components::Glyph;
use crate::pages::viewer::{BackToDevice, Over as EndPanel, Panel, Tone, fault_look};
use crate::words::{EndWords, cleaned, end_words, late_words, module_words};

const MOST_LETTERS: usize = 120;

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
    let (tone, glyph) = look(&ending);
    view! {
        <EndPanel
            id=control.id
            service=control.service.get_value()
            glyph=glyph
            tone=tone
            words=words(&ending)
            again=Callback::new(move |()| control.take(Input::Retry))
        />
    }
    .into_any()
}

fn words(ending: &Ending) -> EndWords {
    match ending {
        Ending::Told(ended) => end_words(ended),
        Ending::TimedOut(step) => late_words(doing(*step)),
        Ending::ModuleFailed => module_words("terminal"),
    }
}

const fn look(ending: &Ending) -> (Tone, Glyph) {
    match ending {
        Ending::Told(Ended::Exit { .. } | Ended::Closed) => (Tone::Calm, Glyph::Done),
        Ending::Told(Ended::Stream { fault }) => fault_look(*fault),
        Ending::Told(Ended::SignInRefused) | Ending::ModuleFailed => (Tone::Danger, Glyph::Warning),
        _ => (Tone::Attention, Glyph::Warning),
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
        "Ask whoever looks after the device whether its SSH keys were changed. If they were, and the new fingerprint is the device's, forget the old one: on the device's page, under Settings, at this service."
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
                <BackToDevice id=control.id />
            </div>
        </Panel>
    }
}

fn fingerprint(key: &HostKey) -> impl IntoView + use<> {
    let algorithm = cleaned(&key.algorithm, MOST_LETTERS);
    let fingerprint = cleaned(&key.fingerprint, MOST_LETTERS);
    view! { <dd><code>{algorithm} " " {fingerprint}</code></dd> }
}
