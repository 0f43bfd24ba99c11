//! One line of text with its label, a hint, and its error.

use leptos::html;
use leptos::prelude::*;

/// A labelled input. The error stands beside it and is read out with it.
#[component]
pub(crate) fn TextField(
    /// Unique on the page; also the form field's name.
    id: &'static str,
    label: &'static str,
    value: RwSignal<String>,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional)] autocomplete: Option<&'static str>,
    #[prop(optional)] placeholder: Option<&'static str>,
    #[prop(optional)] hint: Option<&'static str>,
    #[prop(optional, into)] error: Signal<Option<String>>,
    #[prop(optional)] max_length: Option<u32>,
    /// Whether it takes the focus when it appears.
    #[prop(optional)]
    focused: bool,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    if focused {
        Effect::new(move |_| {
            if let Some(input) = node.get() {
                // Later than the dialog around it, which moves the focus when it opens.
                request_animation_frame(move || drop(input.focus()));
            }
        });
    }
    let message = format!("{id}-message");
    let described = message.clone();
    view! {
        <div class="text-field" class:text-field--invalid=move || error.with(Option::is_some)>
            <label class="text-field__label" for=id>{label}</label>
            <input
                class="text-field__input"
                node_ref=node
                id=id
                name=id
                type=kind
                autocomplete=autocomplete.unwrap_or("off")
                autocapitalize="none"
                spellcheck="false"
                placeholder=placeholder
                maxlength=max_length
                aria-describedby=described
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                prop:value=move || value.get()
                on:input:target=move |event| value.set(event.target().value())
            />
            <p class="text-field__message" id=message aria-live="polite">
                {move || error.get().or_else(|| hint.map(str::to_owned))}
            </p>
        </div>
    }
}
