//! Signing in.

use api::{Me, ProblemCode, SignIn};
use leptos::ev::SubmitEvent;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::hooks::{use_navigate, use_query_map};

use crate::api_client::{ApiClient, ApiError};
use crate::components::{Button, Mark, TextField, Variant};
use crate::paths::{self, Next};
use crate::state::{SignedIn, expect_session, focus, set_title, window};
use crate::words::failure_words;

/// A card with two fields. Afterwards it goes where `next` says, if that is a path of ours.
#[component]
pub(crate) fn SignInPage() -> impl IntoView {
    set_title("Sign in");
    let (api, session) = (ApiClient::expect(), expect_session());
    let (username, password) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let (busy, error) = (RwSignal::new(false), RwSignal::new(None::<ApiError>));
    let query = use_query_map();
    let navigate = use_navigate();

    Effect::new(move |_| {
        if session.with(|session| matches!(session, SignedIn::Yes(_))) {
            let wanted = query.with_untracked(|query| query.get("next"));
            go(paths::next(wanted.as_deref()), &navigate);
        }
    });

    let submit = move |event: SubmitEvent| {
        event.prevent_default();
        if busy.get_untracked() {
            return;
        }
        busy.set(true);
        error.set(None);
        let input = SignIn {
            username: username.get_untracked().trim().to_owned(),
            password: password.get_untracked(),
        };
        spawn_local(async move {
            let answer: Result<Me, ApiError> = api.sign_in(&input).await;
            busy.try_set(false);
            match answer {
                Ok(me) => session.set(SignedIn::Yes(me)),
                Err(failure) => {
                    error.try_set(Some(failure));
                    focus("password");
                }
            }
        });
    };
    let beside_password = Signal::derive(move || {
        error.with(|error| {
            let error = error.as_ref().filter(|error| is_about_the_words(error))?;
            Some(failure_words(error).title)
        })
    });
    let beside_form = move || {
        error.with(|error| {
            error
                .as_ref()
                .filter(|error| !is_about_the_words(error))
                .map(told)
        })
    };

    view! {
        <main class="sign-in">
            <div class="sign-in__card">
                <div class="sign-in__mark">
                    <Mark class="mark mark--large" />
                    <h1 class="sign-in__title">"Sign in to adit"</h1>
                </div>
                <form class="form" method="post" action=paths::SIGN_IN on:submit=submit>
                    <TextField
                        id="username"
                        label="User name"
                        value=username
                        autocomplete="username"
                        focused=true
                    />
                    <TextField
                        id="password"
                        label="Password"
                        kind="password"
                        value=password
                        autocomplete="current-password"
                        error=beside_password
                    />
                    <div role="alert">
                        {move || beside_form().map(|words| view! { <p class="form__error">{words}</p> })}
                    </div>
                    <Button variant=Variant::Primary submits=true busy=busy>
                        {move || if busy.get() { "Signing in…" } else { "Sign in" }}
                    </Button>
                </form>
            </div>
        </main>
    }
}

fn go(next: Next, navigate: &impl Fn(&str, NavigateOptions)) {
    match next {
        Next::Page(path) => {
            let replace = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&path, replace);
        }
        Next::Server(path) => {
            if let Some(window) = window() {
                // The path is one of ours: nothing here can be refused.
                let _ = window.location().replace(&path);
            }
        }
    }
}

/// Whether the fault is in what was typed, so that it is told beside the field.
fn is_about_the_words(error: &ApiError) -> bool {
    error.code() == Some(ProblemCode::WrongCredentials)
}

fn told(error: &ApiError) -> String {
    let words = failure_words(error);
    format!("{}. {}", words.title, words.advice)
}
