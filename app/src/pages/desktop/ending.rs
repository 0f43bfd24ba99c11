//! How a desktop ended.

use leptos::prelude::*;
use remote_messages::vnc::Ended;

use super::control::Control;
use super::session::{Ending, Input, Stage};
use super::status::doing;
use crate::components::Glyph;
use crate::pages::viewer::{Over as EndPanel, Tone, fault_look};
use crate::words::{EndWords, desktop_end_words, late_words, module_words};

/// How it ended, and what can be done now.
#[component]
pub(super) fn Over(control: Control) -> impl IntoView {
    let Stage::Over(ending) = control.stage.get_untracked() else {
        return ().into_any();
    };
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
        Ending::Told(ended) => desktop_end_words(ended),
        Ending::TimedOut(step) => late_words(doing(*step)),
        Ending::ModuleFailed => module_words("desktop"),
    }
}

const fn look(ending: &Ending) -> (Tone, Glyph) {
    match ending {
        Ending::Told(Ended::Closed) => (Tone::Calm, Glyph::Done),
        Ending::Told(Ended::Stream { fault }) => fault_look(*fault),
        Ending::Told(Ended::Broken { .. }) | Ending::ModuleFailed => (Tone::Danger, Glyph::Warning),
        _ => (Tone::Attention, Glyph::Warning),
    }
}
