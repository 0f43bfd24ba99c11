//! Text to take along: commands and secrets.

use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use wasm_bindgen_futures::JsFuture;

use super::{Glyph, Icon};
use crate::state::window;

/// How long the button says that it has copied.
const TOLD: Duration = Duration::from_secs(2);

/// Text in the code font with a button that copies it. A click selects all of it, for browsers
/// that forbid copying.
#[component]
pub(crate) fn CopyField(
    #[prop(into)] text: String,
    /// What the button copies, for those who cannot see: "Copy the command".
    label: &'static str,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let copy = {
        let text = text.clone();
        move |_| {
            let text = text.clone();
            spawn_local(async move {
                let Some(window) = window() else { return };
                let written = window.navigator().clipboard().write_text(&text);
                if JsFuture::from(written).await.is_ok() {
                    copied.try_set(true);
                    set_timeout(
                        move || {
                            copied.try_set(false);
                        },
                        TOLD,
                    );
                }
            });
        }
    };
    view! {
        <div class="copy-field">
            <pre class="copy-field__text" tabindex="0">{text}</pre>
            <button class="button button--secondary copy-field__button" type="button" aria-label=label on:click=copy>
                {move || {
                    let glyph = if copied.get() { Glyph::Check } else { Glyph::Copy };
                    view! { <Icon glyph=glyph /> }
                }}
                <span class="button__words" aria-live="polite">
                    {move || if copied.get() { "Copied" } else { "Copy" }}
                </span>
            </button>
        </div>
    }
}
