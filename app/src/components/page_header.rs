//! The top of a page: where you are, and what to do here.

use leptos::prelude::*;

use crate::state::set_title;

/// A page's title, a line beneath it, and its actions. Names the browser's tab too.
#[component]
pub(crate) fn PageHeader(
    title: &'static str,
    #[prop(optional, into)] summary: Option<ViewFn>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    set_title(title);
    view! {
        <header class="page-header">
            <div class="page-header__titles">
                <h1>{title}</h1>
                {summary.map(|summary| view! {
                    <p class="page-header__summary numbers">{summary.run()}</p>
                })}
            </div>
            {children.map(|children| view! { <div class="page-header__actions">{children()}</div> })}
        </header>
    }
}
