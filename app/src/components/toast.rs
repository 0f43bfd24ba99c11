//! Short messages in a corner.

use leptos::prelude::*;

use super::{Glyph, Icon, IconButton};
use crate::state::Toast;

/// The messages now shown, read out politely.
#[component]
pub(crate) fn ToastList(toasts: RwSignal<Vec<Toast>>, dismiss: Callback<u32>) -> impl IntoView {
    view! {
        <div class="toasts" role="status" aria-live="polite">
            <For each=move || toasts.get() key=|toast| toast.number let:toast>
                <div class="toast" class:toast--failure=toast.is_failure>
                    <Icon glyph=if toast.is_failure { Glyph::Warning } else { Glyph::Done } />
                    <p class="toast__text">{toast.text}</p>
                    <IconButton
                        glyph=Glyph::Close
                        label="Dismiss"
                        on_click=move |_| dismiss.run(toast.number)
                    />
                </div>
            </For>
        </div>
    }
}
