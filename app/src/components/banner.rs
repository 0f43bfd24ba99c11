//! A line across a page that says something about all of it.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// A banner that asks for attention; what stands in it may hold an action.
#[component]
pub(crate) fn Banner(glyph: Glyph, children: Children) -> impl IntoView {
    view! {
        <div class="banner" role="status">
            <Icon glyph=glyph />
            <div class="banner__content">{children()}</div>
        </div>
    }
}
