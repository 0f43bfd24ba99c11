//! The outline of a list that is on its way.

use leptos::prelude::*;

/// As many grey rows.
#[component]
pub(crate) fn SkeletonRows(#[prop(default = 6)] rows: usize) -> impl IntoView {
    let row = |_| {
        view! {
            <div class="skeleton__row">
                <span class="skeleton__dot"></span>
                <span class="skeleton__bar skeleton__bar--name"></span>
                <span class="skeleton__bar skeleton__bar--middle"></span>
                <span class="skeleton__bar skeleton__bar--end"></span>
            </div>
        }
    };
    view! {
        <div class="skeleton" role="status">
            <span class="visually-hidden">"Loading"</span>
            {(0..rows).map(row).collect_view()}
        </div>
    }
}
