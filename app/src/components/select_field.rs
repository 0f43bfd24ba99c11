//! One of a few choices, with its label.

use leptos::prelude::*;

/// A labelled choice; the value is the place in `choices`.
#[component]
pub(crate) fn SelectField(
    /// Unique on the page.
    id: &'static str,
    label: &'static str,
    choices: &'static [&'static str],
    value: RwSignal<usize>,
) -> impl IntoView {
    let options = choices
        .iter()
        .enumerate()
        .map(|(at, choice)| {
            view! { <option value=at.to_string() selected=move || value.get() == at>{*choice}</option> }
        })
        .collect_view();
    view! {
        <div class="text-field">
            <label class="text-field__label" for=id>{label}</label>
            <select
                class="text-field__input text-field__input--select"
                id=id
                on:change:target=move |event| {
                    value.set(event.target().value().parse().unwrap_or_default());
                }
            >
                {options}
            </select>
        </div>
    }
}
