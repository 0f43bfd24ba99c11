//! Steps that follow one another on one page.

use leptos::prelude::*;

use super::{Glyph, Icon};

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StepState {
    Ahead,
    Now,
    Done,
}

impl StepState {
    /// Of a step whose turn has come, and that is done.
    pub(crate) fn of(reached: Memo<bool>, done: Memo<bool>) -> Signal<Self> {
        Signal::derive(move || match (reached.get(), done.get()) {
            (_, true) => Self::Done,
            (true, false) => Self::Now,
            (false, false) => Self::Ahead,
        })
    }

    const fn class(self) -> &'static str {
        match self {
            Self::Ahead => "step step--ahead",
            Self::Now => "step step--now",
            Self::Done => "step step--done",
        }
    }
}

/// One step; its content is made when its turn comes and stays.
#[component]
pub(crate) fn Step(
    number: u8,
    title: &'static str,
    #[prop(into)] state: Signal<StepState>,
    children: ChildrenFn,
) -> impl IntoView {
    let reached = Memo::new(move |_| state.get() != StepState::Ahead);
    view! {
        <li
            class=move || state.get().class()
            aria-current=move || (state.get() == StepState::Now).then_some("step")
        >
            <span class="step__badge" aria-hidden="true">
                {move || if state.get() == StepState::Done {
                    view! { <Icon glyph=Glyph::Check /> }.into_any()
                } else {
                    number.into_any()
                }}
            </span>
            <div class="step__content">
                <h2 class="step__title">
                    {title}
                    {move || (state.get() == StepState::Done).then_some(
                        view! { <span class="visually-hidden">" (done)"</span> },
                    )}
                </h2>
                {move || {
                    let children = children.clone();
                    reached.get().then(move || view! { <div class="step__body">{children()}</div> })
                }}
            </div>
        </li>
    }
}
