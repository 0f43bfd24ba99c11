//! Light or dark.

use leptos::prelude::*;

use super::Section;
use crate::components::{Glyph, Icon};
use crate::state::Theme;

/// The choice of colours, for this browser.
#[component]
pub(super) fn Appearance() -> impl IntoView {
    let theme = Theme::expect();
    let choices = [
        (Theme::System, Glyph::System, "As the system"),
        (Theme::Light, Glyph::Sun, "Light"),
        (Theme::Dark, Glyph::Moon, "Dark"),
    ];
    view! {
        <Section id="settings-appearance" title="Appearance" text="How adit looks in this browser.">
            <fieldset class="segments">
                <legend class="visually-hidden">"Colours"</legend>
                {choices.map(|(choice, glyph, word)| view! {
                    <label class="segments__choice">
                        <input
                            class="segments__input"
                            type="radio"
                            name="theme"
                            value=choice.name()
                            prop:checked=move || theme.get() == choice
                            on:change=move |_| choice.choose(theme)
                        />
                        <Icon glyph=glyph />
                        <span>{word}</span>
                    </label>
                })}
            </fieldset>
        </Section>
    }
}
