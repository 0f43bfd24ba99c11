//! What somebody should look at.

use leptos::prelude::*;

use super::{DeviceSignal, part};
use crate::components::{Glyph, Icon};
use crate::words::attention_words;

/// What is the matter and what to do about it; nothing while nothing is.
#[component]
pub(super) fn AttentionNote(device: DeviceSignal) -> impl IntoView {
    let words = part(device, |device| device.attention.map(attention_words));
    // There from the beginning, so that what comes into it is read out.
    view! {
        <div role="status">
            {move || words.get().map(|words| view! {
                <section class="advice advice--attention" aria-label="Needs attention">
                    <h2 class="advice__title">
                        <span class="advice__what"><Icon glyph=Glyph::Warning />{words.what}</span>
                    </h2>
                    <p>{words.meaning}</p>
                    <p>{words.advice}</p>
                </section>
            })}
        </div>
    }
}
