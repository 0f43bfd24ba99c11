//! What a list says when there is nothing in it.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// A picture, a line, a sentence, and what to do.
#[component]
pub(crate) fn EmptyState(
    glyph: Glyph,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty-state">
            <span class="empty-state__picture"><Icon glyph=glyph class="icon icon--large" /></span>
            <h2 class="empty-state__title">{title}</h2>
            <p class="empty-state__text">{text}</p>
            {children.map(|children| view! { <div class="empty-state__actions">{children()}</div> })}
        </div>
    }
}
