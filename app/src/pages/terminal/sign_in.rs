//! Who signs in to the device, and with what.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

use super::control::Control;
use super::key_field::KeyField;
use super::pins;
use super::session::{Credential, Fault, Input, Method, Stage, Step};
use super::status::STEPS;
use crate::components::{Button, TextField, Variant};
use crate::pages::viewer::NEVER_KEPT;
use crate::state::focus;
use crate::words::{key_words, legible};

/// What is typed; it outlives the card, so that nothing is typed twice.
#[derive(Clone, Copy)]
pub(super) struct Fields {
    user: RwSignal<String>,
    password: RwSignal<String>,
    pub(super) key: RwSignal<String>,
    pub(super) passphrase: RwSignal<String>,
    method: RwSignal<Method>,
}

impl Fields {
    pub(super) fn new(control: Control) -> Self {
        let user = control
            .service
            .with_value(|service| pins::last_user(control.id, service));
        let fields = Self {
            user: RwSignal::new(user.unwrap_or_default()),
            password: RwSignal::new(String::new()),
            key: RwSignal::new(String::new()),
            passphrase: RwSignal::new(String::new()),
            method: RwSignal::new(Method::Password),
        };
        // Once they have served, they are forgotten.
        Effect::new(move |_| {
            if control.stage.with(|stage| *stage == Stage::Running) {
                fields.password.set(String::new());
                fields.key.set(String::new());
                fields.passphrase.set(String::new());
            }
        });
        fields
    }

    /// What is to be sent; `None`, with the field that lacks something.
    fn credential(self) -> Result<Credential, &'static str> {
        let text = |signal: RwSignal<String>| signal.get_untracked();
        match self.method.get_untracked() {
            Method::Password if text(self.password).is_empty() => Err("ssh-password"),
            Method::Password => Ok(Credential::Password(text(self.password))),
            Method::Key if text(self.key).trim().is_empty() => Err("ssh-key"),
            Method::Key => Ok(Credential::Key {
                text: text(self.key),
                passphrase: Some(text(self.passphrase)).filter(|phrase| !phrase.is_empty()),
            }),
        }
    }
}

#[component]
pub(super) fn SignInCard(control: Control, fields: Fields) -> impl IntoView {
    let fault = Memo::new(move |_| {
        control.stage.with(|stage| match stage {
            Stage::SignIn(form) => form.fault,
            _ => None,
        })
    });
    let step = Memo::new(move |_| {
        control.stage.with(|stage| match stage {
            Stage::Busy(step) => Some(*step),
            _ => None,
        })
    });
    let busy = Memo::new(move |_| step.with(Option::is_some));
    let name = control.device.with_untracked(|device| {
        device
            .as_ref()
            .map(|device| legible(&device.name))
            .unwrap_or_default()
    });
    let lacks_user = RwSignal::new(false);
    let beside_user = Signal::derive(move || {
        lacks_user
            .get()
            .then(|| "Enter the user name on the device.".to_owned())
    });
    let beside_password = Signal::derive(move || match fault.get()? {
        Fault::Refused(Method::Password) => {
            Some("The device refused this user name or password.".to_owned())
        }
        Fault::NotTaken(Method::Password) => {
            Some("This device takes no password. Use a private key.".to_owned())
        }
        Fault::Answers => Some("The device refused the sign-in.".to_owned()),
        _ => None,
    });
    let beside_key = Signal::derive(move || match fault.get()? {
        Fault::Refused(Method::Key) => {
            Some("The device does not accept this key for this user name.".to_owned())
        }
        Fault::NotTaken(Method::Key) => {
            Some("This device takes no key. Use a password.".to_owned())
        }
        Fault::Key(fault) => Some(key_words(fault).to_owned()),
        _ => None,
    });
    Effect::new(move |_| {
        if let Some(fault) = fault.get() {
            focus(where_it_is(fault));
        }
    });
    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        let user = fields.user.with_untracked(|user| user.trim().to_owned());
        lacks_user.set(user.is_empty());
        if user.is_empty() {
            return focus("ssh-user");
        }
        match fields.credential() {
            Ok(credential) => control.take(Input::Submit { user, credential }),
            Err(field) => focus(field),
        }
    };
    let user_known = fields.user.with_untracked(|user| !user.is_empty());
    view! {
        <div class="viewer__over">
            <section class="panel panel--form" aria-labelledby="ssh-title">
                <h2 class="panel__title" id="ssh-title">"Sign in to " <bdi>{name}</bdi></h2>
                <form class="form" on:submit=submit>
                    <TextField
                        id="ssh-user"
                        label="User name"
                        value=fields.user
                        error=beside_user
                        focused=!user_known
                    />
                    <Methods method=fields.method />
                    {move || match fields.method.get() {
                        Method::Password => view! {
                            <TextField
                                id="ssh-password"
                                label="Password"
                                kind="password"
                                value=fields.password
                                autocomplete=NEVER_KEPT
                                error=beside_password
                                focused=user_known
                            />
                        }
                        .into_any(),
                        Method::Key => view! {
                            <KeyField fields=fields fault=beside_key />
                        }
                        .into_any(),
                    }}
                    <div class="form__actions panel__actions">
                        {move || busy.get().then(|| view! {
                            <Button on_click=move |_| control.take(Input::Cancel)>"Cancel"</Button>
                        })}
                        <Button variant=Variant::Primary submits=true busy=busy>
                            {move || if busy.get() { "Connecting…" } else { "Sign in" }}
                        </Button>
                    </div>
                </form>
                {move || match step.get() {
                    Some(step) => view! { <StepList now=step /> }.into_any(),
                    None => view! {
                        <p class="panel__note">
                            "Your browser speaks SSH to the device itself. The server in between sees neither what you sign in with nor what you type."
                        </p>
                    }
                    .into_any(),
                }}
            </section>
        </div>
    }
}

const fn where_it_is(fault: Fault) -> &'static str {
    match fault {
        Fault::Key(remote_messages::ssh::KeyFault::Unreadable)
        | Fault::Refused(Method::Key)
        | Fault::NotTaken(Method::Key) => "ssh-key",
        Fault::Key(_) => "ssh-passphrase",
        Fault::Refused(Method::Password) | Fault::NotTaken(Method::Password) | Fault::Answers => {
            "ssh-password"
        }
    }
}

#[component]
fn Methods(method: RwSignal<Method>) -> impl IntoView {
    let choices = [(Method::Password, "Password"), (Method::Key, "Private key")];
    view! {
        <fieldset class="segments segments--wide">
            <legend class="visually-hidden">"Sign in with"</legend>
            {choices.map(|(choice, word)| view! {
                <label class="segments__choice">
                    <input
                        class="segments__input"
                        type="radio"
                        name="ssh-method"
                        prop:checked=move || method.get() == choice
                        on:change=move |_| method.set(choice)
                    />
                    <span>{word}</span>
                </label>
            })}
        </fieldset>
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
