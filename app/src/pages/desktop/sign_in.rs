//! The desktop's password, and the way to it.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::control::Control;
use super::session::{Input, Stage, Step};
use super::status::STEPS;
use crate::components::{Button, TextField, Variant};
use crate::pages::viewer::NEVER_KEPT;
use crate::state::focus;
use crate::words::{cleaned, legible};

const FIELD: &str = "vnc-password";
const MOST_LETTERS: usize = 120;

/// The card while it connects, and while it asks. It stays the same in between, with what was typed.
#[component]
pub(super) fn SignInCard(control: Control) -> impl IntoView {
    let password = RwSignal::new(String::new());
    let asks = Memo::new(move |_| {
        control
            .stage
            .with(|stage| matches!(stage, Stage::Password(_)))
    });
    let asked = Memo::new(move |before: Option<&bool>| before == Some(&true) || asks.get());
    let step = Memo::new(move |_| {
        control.stage.with(|stage| match stage {
            Stage::Busy(step) => Some(*step),
            _ => None,
        })
    });
    let empty = RwSignal::new(false);
    let beside = Signal::derive(move || {
        if empty.get() {
            return Some("Enter the desktop's password.".to_owned());
        }
        let refused = control.stage.with(|stage| match stage {
            Stage::Password(form) => form.refused.clone(),
            _ => None,
        })?;
        Some(match cleaned(&refused, MOST_LETTERS) {
            Some(said) => format!("The desktop refused this password. It said: “{said}”"),
            None => "The desktop refused this password.".to_owned(),
        })
    });
    Effect::new(move |_| {
        if asks.get() {
            focus(FIELD);
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        let typed = password.get_untracked();
        empty.set(typed.is_empty());
        if typed.is_empty() {
            return focus(FIELD);
        }
        if asks.get_untracked() {
            password.set(String::new());
            control.take(Input::Password(typed));
        }
    };
    let name = control.device.with_untracked(|device| {
        let device = device.as_ref();
        device
            .map(|device| legible(&device.name))
            .unwrap_or_default()
    });
    view! {
        <div class="viewer__over">
            <section class="panel panel--form" aria-labelledby="vnc-title">
                <h2 class="panel__title" id="vnc-title">"Desktop of " <bdi>{name}</bdi></h2>
                <form class="form" on:submit=submit>
                    {move || asked.get().then(|| view! {
                        <TextField
                            id=FIELD
                            label="Password of the desktop"
                            kind="password"
                            value=password
                            autocomplete=NEVER_KEPT
                            error=beside
                            focused=true
                        />
                    })}
                    <div class="form__actions panel__actions">
                        <Button on_click=move |_| control.take(Input::Leave)>"Cancel"</Button>
                        {move || asked.get().then(|| view! {
                            <Button
                                variant=Variant::Primary
                                submits=true
                                busy=Signal::derive(move || !asks.get())
                            >
                                {move || if asks.get() { "Open" } else { "Connecting…" }}
                            </Button>
                        })}
                    </div>
                </form>
                {move || step.get().map(|step| view! { <StepList now=step /> })}
            </section>
        </div>
    }
}

#[component]
fn StepList(now: Step) -> impl IntoView {
    let class = |step: Step| match step.cmp(&now) {
        std::cmp::Ordering::Less => "way__step way__step--done",
        std::cmp::Ordering::Equal => "way__step way__step--now",
        std::cmp::Ordering::Greater => "way__step",
    };
    view! {
        <ol class="way">
            {STEPS.map(|(step, word)| view! {
                <li class=class(step) aria-current=(step == now).then_some("step")>{word}</li>
            })}
        </ol>
    }
}
