//! The one table.

use leptos::prelude::*;

/// A table with these columns; the last one, without a name, is for actions.
#[component]
pub(crate) fn Table(
    /// What the table lists, for those who cannot see it.
    label: &'static str,
    columns: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    let head = columns
        .iter()
        .map(|column| view! { <th scope="col">{*column}</th> })
        .collect_view();
    view! {
        <div class="table__frame">
            <table class="table">
                <caption class="visually-hidden">{label}</caption>
                <thead>
                    <tr>{head} <td><span class="visually-hidden">"Actions"</span></td></tr>
                </thead>
                <tbody>{children()}</tbody>
            </table>
        </div>
    }
}
