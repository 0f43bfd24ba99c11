//! You.

use leptos::prelude::*;

use super::Section;
use crate::api_client::ApiClient;
use crate::components::{Button, Glyph};
use crate::frame::sign_out;
use crate::state::{SignedIn, Toasts, expect_session};
use crate::words::legible;

/// Who is signed in, and the way out; on a phone this is the only one.
#[component]
pub(super) fn Account() -> impl IntoView {
    let (api, toasts, session) = (ApiClient::expect(), Toasts::expect(), expect_session());
    let name = move || {
        session.with(|session| match session {
            SignedIn::Yes(me) => Some((legible(&me.username), legible(&me.organization))),
            _ => None,
        })
    };
    view! {
        <Section id="settings-account" title="Account" text="Who is signed in on this browser.">
            <div class="account">
                {move || name().map(|(username, organization)| view! {
                    <div class="account__words">
                        <p class="account__name"><bdi>{username}</bdi></p>
                        <p class="account__organization"><bdi>{organization}</bdi></p>
                    </div>
                })}
                <Button glyph=Glyph::SignOut on_click=move |_| sign_out(api, session, toasts)>"Sign out"</Button>
            </div>
        </Section>
    }
}
