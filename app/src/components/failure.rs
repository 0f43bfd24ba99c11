//! A part of a page that could not be shown.

use leptos::prelude::*;

use super::{Button, Glyph, Icon};

/// What happened, what to do now, and the request's id for whoever looks into the server's log.
#[component]
pub(crate) fn Failure(
    #[prop(into)] title: String,
    #[prop(into)] advice: String,
    #[prop(optional_no_strip, into)] request_id: Option<String>,
    #[prop(into)] on_retry: Callback<()>,
) -> impl IntoView {
    view! {
        <div class="empty-state" role="alert">
            <span class="empty-state__picture empty-state__picture--danger">
                <Icon glyph=Glyph::Warning class="icon icon--large" />
            </span>
            <h2 class="empty-state__title">{title}</h2>
            <p class="empty-state__text">{advice}</p>
            <div class="empty-state__actions">
                <Button glyph=Glyph::Retry on_click=move |_| on_retry.run(())>"Try again"</Button>
            </div>
            {request_id.map(|id| view! {
                <p class="empty-state__detail">"Request " <code>{id}</code></p>
            })}
        </div>
    }
}
