//! Buttons.

use leptos::ev::MouseEvent;
use leptos::prelude::*;

use super::{Glyph, Icon};

/// How much a button asks for attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Variant {
    /// The one thing to do here.
    Primary,
    #[default]
    Secondary,
    /// Without a frame, in rows and headers.
    Quiet,
    /// Takes something away for good.
    Danger,
}

impl Variant {
    /// The classes of a button of this kind, also for links that look like one.
    pub(crate) const fn class(self) -> &'static str {
        match self {
            Self::Primary => "button button--primary",
            Self::Secondary => "button button--secondary",
            Self::Quiet => "button button--quiet",
            Self::Danger => "button button--danger",
        }
    }
}

/// A button with words. While it is busy it stays where it is and takes no second click.
#[component]
pub(crate) fn Button(
    #[prop(optional)] variant: Variant,
    #[prop(optional)] glyph: Option<Glyph>,
    #[prop(optional, into)] busy: Signal<bool>,
    #[prop(optional, into)] disabled: Signal<bool>,
    #[prop(optional)] submits: bool,
    #[prop(optional, into)] label: Option<String>,
    #[prop(optional, into)] on_click: Option<Callback<MouseEvent>>,
    children: Children,
) -> impl IntoView {
    let click = move |event: MouseEvent| {
        if let Some(on_click) = on_click
            && !busy.get_untracked()
        {
            on_click.run(event);
        }
    };
    view! {
        <button
            class=variant.class()
            type=if submits { "submit" } else { "button" }
            aria-label=label
            aria-busy=move || busy.get().then_some("true")
            disabled=move || disabled.get()
            on:click=click
        >
            {glyph.map(|glyph| view! { <Icon glyph=glyph /> })}
            <span class="button__words">{children()}</span>
        </button>
    }
}

/// A button that is only an icon; its label is its tooltip too.
#[component]
pub(crate) fn IconButton(
    glyph: Glyph,
    #[prop(into)] label: String,
    #[prop(into)] on_click: Callback<MouseEvent>,
) -> impl IntoView {
    view! {
        <button
            class="button button--quiet button--icon"
            type="button"
            title=label.clone()
            aria-label=label
            on:click=move |event| on_click.run(event)
        >
            <Icon glyph=glyph />
        </button>
    }
}
