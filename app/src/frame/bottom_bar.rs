//! The places, under the thumb on a phone.

use leptos::prelude::*;
use leptos_router::components::A;

use crate::components::{Glyph, Icon};
use crate::paths;

/// The same places as the rail's, and adding a device.
#[component]
pub(super) fn BottomBar() -> impl IntoView {
    let place = |path: &'static str, glyph, word| {
        view! {
            <li class="bottom-bar__place">
                <A href=path exact={path == paths::DEVICES}>
                    <Icon glyph=glyph class="icon icon--large" />
                    <span>{word}</span>
                </A>
            </li>
        }
    };
    view! {
        <nav class="bottom-bar" aria-label="Places">
            <ul class="bottom-bar__places">
                {place(paths::DEVICES, Glyph::Devices, "Devices")}
                {place(paths::ADD_DEVICE, Glyph::Plus, "Add")}
                {place(paths::SETTINGS, Glyph::Settings, "Settings")}
            </ul>
        </nav>
    }
}
