//! You, at the foot of the rail.

use leptos::prelude::*;

use super::sign_out;
use crate::api_client::ApiClient;
use crate::components::{Glyph, Icon, Menu};
use crate::state::{SignedIn, Theme, Toasts, expect_session};
use crate::words::legible;

/// Your name, and what concerns only you.
#[component]
pub(super) fn AccountMenu() -> impl IntoView {
    let (api, toasts, session) = (ApiClient::expect(), Toasts::expect(), expect_session());
    let theme = Theme::expect();
    let me = Memo::new(move |_| {
        session.with(|session| match session {
            SignedIn::Yes(me) => (legible(&me.username), legible(&me.organization)),
            _ => Default::default(),
        })
    });
    let name = move || me.with(|(name, _)| name.clone());
    let organization = move || me.with(|(_, organization)| organization.clone());
    let initial = move || {
        me.with(|(name, _)| {
            name.chars()
                .next()
                .map(|first| first.to_uppercase().to_string())
        })
    };
    let button = move || {
        view! {
            <span class="avatar" aria-hidden="true">
                {initial}
            </span>
            <span class="rail__word rail__you">
                <span class="rail__name"><bdi>{name}</bdi></span>
                <span class="rail__organization"><bdi>{organization}</bdi></span>
            </span>
        }
    };
    view! {
        <Menu button=button label="Your account" class="rail__account">
            {[(Theme::Light, Glyph::Sun, "Light"), (Theme::Dark, Glyph::Moon, "Dark"), (Theme::System, Glyph::System, "As the system")]
                .map(|(choice, glyph, word)| view! {
                    <button class="menu__entry" role="menuitem" type="button" on:click=move |_| choice.choose(theme)>
                        <Icon glyph=glyph />
                        <span class="menu__word">{word}</span>
                        {move || (theme.get() == choice).then(|| view! { <Icon glyph=Glyph::Check /> })}
                    </button>
                })}
            <hr class="menu__line" />
            <button class="menu__entry" role="menuitem" type="button" on:click=move |_| sign_out(api, session, toasts)>
                <Icon glyph=Glyph::SignOut />
                <span class="menu__word">"Sign out"</span>
            </button>
        </Menu>
    }
}
