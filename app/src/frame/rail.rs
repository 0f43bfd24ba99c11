//! The places, at the side of a wide screen.

use leptos::prelude::*;
use leptos_router::components::A;

use super::account_menu::AccountMenu;
use crate::components::{Glyph, Icon, Mark};
use crate::paths;

/// Mark, places, and you.
#[component]
pub(super) fn Rail() -> impl IntoView {
    view! {
        <nav class="rail" aria-label="Places">
            <a class="rail__mark" href=paths::DEVICES aria-label="adit, to the devices">
                <Mark />
                <span class="rail__word" aria-hidden="true">"adit"</span>
            </a>
            <ul class="rail__places">
                <Place path=paths::DEVICES glyph=Glyph::Devices word="Devices" />
                <Place path=paths::SETTINGS glyph=Glyph::Settings word="Settings" />
            </ul>
            <AccountMenu />
        </nav>
    }
}

#[component]
fn Place(path: &'static str, glyph: Glyph, word: &'static str) -> impl IntoView {
    view! {
        <li class="rail__place" title=word>
            <A href=path exact={path == paths::DEVICES}>
                <Icon glyph=glyph />
                <span class="rail__word">{word}</span>
            </A>
        </li>
    }
}
