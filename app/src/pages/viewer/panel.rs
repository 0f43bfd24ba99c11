//! What a viewer says instead of its picture: what happened, what it means, what to do now.

use leptos::prelude::*;

use crate::components::{Glyph, Icon};

/// How grave it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Calm,
    Attention,
    Danger,
}

impl Tone {
    const fn picture(self) -> &'static str {
        match self {
            Self::Calm => "panel__picture",
            Self::Attention => "panel__picture panel__picture--attention",
            Self::Danger => "panel__picture panel__picture--danger",
        }
    }
}

/// A card in the middle of the viewer. What hangs under the text are details and actions.
#[component]
pub(crate) fn Panel(
    glyph: Glyph,
    tone: Tone,
    #[prop(into)] title: String,
    #[prop(into)] text: String,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    let label = title.clone();
    let role = if tone == Tone::Calm {
        "status"
    } else {
        "alert"
    };
    view! {
        <div class="viewer__over">
            <section class="panel" aria-label=label>
                <div class="panel__words" role=role>
                    <span class=tone.picture()><Icon glyph=glyph class="icon icon--large" /></span>
                    <h2 class="panel__title">{title}</h2>
                    {(!text.is_empty()).then(|| view! { <p class="panel__text">{text}</p> })}
                </div>
                {children.map(|children| view! { <div class="panel__rest">{children()}</div> })}
            </section>
        </div>
    }
}
