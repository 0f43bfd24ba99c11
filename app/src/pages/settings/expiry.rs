//! When a key or token ends.

use api::Timestamp;
use leptos::prelude::*;

use crate::components::Time;
use crate::state::Clock;

/// "in 3 h", "expired", or "never".
#[component]
pub(super) fn Expiry(at: Option<Timestamp>) -> impl IntoView {
    let clock = Clock::expect();
    move || match at {
        None => "Never".into_any(),
        Some(at) if at <= clock.now() => {
            view! { <span class="chip chip--count">"Expired"</span> }.into_any()
        }
        Some(at) => view! { <Time at=at /> }.into_any(),
    }
}
