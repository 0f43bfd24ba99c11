//! An address that leads nowhere.

use leptos::prelude::*;

use crate::components::{EmptyState, Glyph, PageHeader, Variant};
use crate::paths;

/// Says so, and leads back.
#[component]
pub(crate) fn NotFoundPage() -> impl IntoView {
    view! {
        <main class="frame__alone">
            <div class="visually-hidden"><PageHeader title="Not found" /></div>
            <EmptyState
                glyph=Glyph::Search
                title="There is no page here"
                text="The address may be mistyped, or what it led to is gone."
            >
                <a class=Variant::Primary.class() href=paths::DEVICES>"Go to your devices"</a>
            </EmptyState>
        </main>
    }
}
