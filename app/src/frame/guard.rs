//! Lets in whoever is signed in.

use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::NavigateOptions;
use leptos_router::components::Outlet;
use leptos_router::hooks::{use_location, use_navigate};

use crate::api_client::{ApiClient, ApiError};
use crate::components::{Failure, SkeletonRows};
use crate::live::Live;
use crate::paths;
use crate::state::{SignedIn, expect_session};
use crate::words::failure_words;

/// Lets in whoever is signed in, and sends all others to sign in and back.
#[component]
pub(crate) fn Guard() -> impl IntoView {
    let api = ApiClient::expect();
    let session = expect_session();
    let failure = RwSignal::new(None::<ApiError>);
    let ask = move || {
        failure.set(None);
        spawn_local(async move {
            match api.me().await {
                Ok(me) => session.set(SignedIn::Yes(me)),
                Err(error) => {
                    failure.try_set(Some(error));
                }
            }
        });
    };
    if session.with_untracked(|session| *session == SignedIn::Unknown) {
        ask();
    }

    let location = use_location();
    let navigate = use_navigate();
    Effect::new(move |_| {
        if session.with(|session| *session == SignedIn::No) {
            let (path, query) = (
                location.pathname.get_untracked(),
                location.search.get_untracked(),
            );
            let here = if query.is_empty() {
                path
            } else {
                format!("{path}?{query}")
            };
            let replace = NavigateOptions {
                replace: true,
                ..NavigateOptions::default()
            };
            navigate(&paths::sign_in_then(&here), replace);
        }
    });

    let inside = Memo::new(move |_| session.with(|session| matches!(session, SignedIn::Yes(_))));
    move || {
        if inside.get() {
            return view! { <Inside /> }.into_any();
        }
        match failure.get() {
            Some(error) if session.with(|session| *session == SignedIn::Unknown) => {
                let words = failure_words(&error);
                view! {
                    <main class="frame__alone">
                        <Failure
                            title=words.title
                            advice=words.advice
                            request_id=words.request_id
                            on_retry=move |()| ask()
                        />
                    </main>
                }
                .into_any()
            }
            _ => view! { <main class="frame__alone"><SkeletonRows /></main> }.into_any(),
        }
    }
}

/// Its connection for events lives as long as somebody is signed in.
#[component]
fn Inside() -> impl IntoView {
    Live::provide(ApiClient::expect());
    view! { <Outlet /> }
}
