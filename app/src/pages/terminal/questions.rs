//! What must be answered on the way: whether a key is the device's, and what the device asks.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use remote_messages::ssh::{Prompt, Prompts};

use super::control::Control;
use super::session::{Input, Stage};
use crate::components::{Button, Glyph, Variant};
use crate::pages::viewer::{NEVER_KEPT, Panel, Tone};
use crate::state::focus;
use crate::words::cleaned;

const MOST_LETTERS: usize = 200;

/// A key that nobody has vouched for.
#[component]
pub(super) fn HostKeyQuestion(control: Control) -> impl IntoView {
    let Stage::HostKey(key) = control.stage.get_untracked() else {
        return ().into_any();
    };
    let algorithm = cleaned(&key.algorithm, MOST_LETTERS);
    let fingerprint = cleaned(&key.fingerprint, MOST_LETTERS);
    focus("host-key-no");
    view! {
        <Panel
            glyph=Glyph::Shield
            tone=Tone::Attention
            title="Is this the device's key?"
            text="The device has not told which SSH keys are its own, and it was not opened in this browser before. So nobody can say whether this is really the device. Compare the fingerprint with the one that the device shows:"
        >
            <dl class="fingerprint">
                <dt>"Key presented"</dt>
                <dd><code>{algorithm}</code></dd>
                <dd><code>{fingerprint}</code></dd>
                <dt>"On the device, this shows its keys"</dt>
                <dd><code>"for k in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $k; done"</code></dd>
            </dl>
            <p class="panel__text">
                "If they are the same, trust it: this browser remembers it and refuses any other. If not, somebody may be in between: do not sign in."
            </p>
            <div class="form__actions panel__actions">
                <button
                    class=Variant::Secondary.class()
                    id="host-key-no"
                    type="button"
                    on:click=move |_| control.take(Input::Cancel)
                >
                    "Do not sign in"
                </button>
                <Button variant=Variant::Primary on_click=move |_| control.take(Input::TrustHostKey)>
                    "It is the same: trust it"
                </Button>
            </div>
        </Panel>
    }
    .into_any()
}

/// Questions of the device. Their words are its own: shown as text, cleaned and cut.
#[component]
pub(super) fn PromptForm(control: Control) -> impl IntoView {
    // A second round of questions replaces the first.
    let prompts = Memo::new(move |_| {
        control.stage.with(|stage| match stage {
            Stage::Prompts { prompts, refused } => Some((prompts.clone(), *refused)),
            _ => None,
        })
    });
    move || {
        prompts.get().map(|(prompts, refused)| {
            view! {
                <Questions control=control prompts=prompts refused=refused />
            }
        })
    }
}

#[component]
fn Questions(control: Control, prompts: Prompts, refused: bool) -> impl IntoView {
    let title = cleaned(&prompts.title, MOST_LETTERS);
    let text = cleaned(&prompts.text, MOST_LETTERS);
    let answers: Vec<RwSignal<String>> = prompts
        .fields
        .iter()
        .map(|_| RwSignal::new(String::new()))
        .collect();
    let fields = prompts
        .fields
        .iter()
        .zip(&answers)
        .enumerate()
        .map(|(at, (prompt, answer))| field(at, prompt, *answer))
        .collect_view();
    focus("ssh-answer-0");
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let given = answers
            .iter()
            .map(|answer| answer.get_untracked())
            .collect();
        control.take(Input::Answers(given));
    };
    view! {
        <div class="viewer__over">
            <section class="panel panel--form" aria-labelledby="ssh-asks">
                <h2 class="panel__title" id="ssh-asks">
                    {title.unwrap_or_else(|| "The device asks".to_owned())}
                </h2>
                {text.map(|text| view! { <p class="panel__text">{text}</p> })}
                {refused.then(|| view! {
                    <p class="form__error" role="alert">"The device refused what you answered before."</p>
                })}
                <form class="form" on:submit=submit>
                    {fields}
                    <div class="form__actions panel__actions">
                        <Button on_click=move |_| control.take(Input::Cancel)>"Cancel"</Button>
                        <Button variant=Variant::Primary submits=true>"Continue"</Button>
                    </div>
                </form>
            </section>
        </div>
    }
}

fn field(at: usize, prompt: &Prompt, answer: RwSignal<String>) -> impl IntoView + use<> {
    let id = format!("ssh-answer-{at}");
    let said = cleaned(&prompt.text, MOST_LETTERS);
    let label = said.map_or_else(
        || "Answer".to_owned(),
        |text| text.trim_end_matches([':', ' ']).to_owned(),
    );
    view! {
        <div class="text-field">
            <label class="text-field__label" for=id.clone()>{label}</label>
            <input
                class="text-field__input"
                id=id
                type=if prompt.echo { "text" } else { "password" }
                autocomplete=if prompt.echo { "off" } else { NEVER_KEPT }
                autocapitalize="none"
                spellcheck="false"
                prop:value=move || answer.get()
                on:input:target=move |event| answer.set(event.target().value())
            />
        </div>
    }
}
