//! The connection in words.

use leptos::prelude::*;

use crate::components::{Shape, StateDot};

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    words: String,
    /// What runs has lost a line and goes on when it is back.
    waits: bool,
}

impl Status {
    /// A stream that runs waits for the browser's line, or for the device when that has lost its
    /// own; else it is as `words` tell.
    pub(crate) fn told(
        words: &str,
        is_running: bool,
        is_online: bool,
        is_reconnecting: bool,
    ) -> Self {
        // Without a connection of its own, the browser knows nothing of the device's.
        let (words, waits) = match (is_reconnecting, is_running, is_online) {
            (true, _, _) => ("Reconnecting…", true),
            (false, true, false) => ("Device reconnecting…", true),
            _ => (words, false),
        };
        Self {
            words: words.to_owned(),
            waits,
        }
    }
}

/// In the bar.
#[component]
pub(super) fn Told(status: Signal<Status>) -> impl IntoView {
    view! {
        <p class="viewer__status" role="status">
            <Words status=status />
        </p>
    }
}

/// Over the content of a phone, whose bar is away while something runs.
#[component]
pub(super) fn Waits(status: Signal<Status>) -> impl IntoView {
    let waits = Memo::new(move |_| status.with(|status| status.waits));
    view! {
        <div class="viewer__waits" role="status">
            {move || waits.get().then(|| view! { <p><Words status=status /></p> })}
        </div>
    }
}

#[component]
fn Words(status: Signal<Status>) -> impl IntoView {
    let waits = Memo::new(move |_| status.with(|status| status.waits));
    view! {
        {move || waits.get().then(|| view! { <StateDot shape=Shape::Half /> })}
        {move || status.with(|status| status.words.clone())}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_line_that_is_lost_is_told() {
        let told = |running, online, lost| Status::told("Connected", running, online, lost);
        assert_eq!(told(true, true, false).words, "Connected");
        assert_eq!(told(true, false, false).words, "Device reconnecting…");
        assert_eq!(told(true, false, true).words, "Reconnecting…");
        assert!(told(true, true, true).waits);
        assert!(!told(false, false, false).waits, "nothing runs yet");
    }
}
