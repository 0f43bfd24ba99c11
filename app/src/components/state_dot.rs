//! A state as a shape, so that it is never colour alone.

use leptos::prelude::*;

/// The shapes, from good to absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A filled dot.
    Full,
    /// A half dot.
    Half,
    /// A hollow dot.
    Hollow,
    /// A dashed ring.
    Dashed,
}

impl Shape {
    const fn class(self) -> &'static str {
        match self {
            Self::Full => "state-dot state-dot--full",
            Self::Half => "state-dot state-dot--half",
            Self::Hollow => "state-dot state-dot--hollow",
            Self::Dashed => "state-dot state-dot--dashed",
        }
    }
}

/// A dot; a word beside it says the same.
#[component]
pub(crate) fn StateDot(#[prop(into)] shape: Signal<Shape>) -> impl IntoView {
    view! { <span class=move || shape.get().class() aria-hidden="true"></span> }
}
