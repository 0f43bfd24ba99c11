//! Says when what is shown may be old.

use std::time::Duration;

use leptos::prelude::*;

use crate::components::{Banner, Glyph};
use crate::live::{Link, Live};

/// A hiccup shorter than this is nobody's concern.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shown while the server is out of reach; goes by itself.
#[component]
pub(super) fn ConnectionBanner() -> impl IntoView {
    let live = Live::expect();
    // Each failed attempt tells of the same loss: only its beginning counts.
    let lost = Memo::new(move |_| live.link().get() == Link::Lost);
    let shown = RwSignal::new(false);
    Effect::new(move |_| {
        if lost.get() {
            let timer = set_timeout_with_handle(
                move || {
                    shown.try_set(true);
                },
                PATIENCE,
            );
            on_cleanup(move || {
                if let Ok(timer) = timer {
                    timer.clear();
                }
            });
        } else {
            shown.set(false);
        }
    });
    move || {
        shown.get().then(|| {
            view! {
                <Banner glyph=Glyph::NoLink>
                    <p>
                        <strong>"No connection to the server."</strong>
                        " What you see may be old. Trying again by itself."
                    </p>
                    <button class="banner__action" type="button" on:click=move |_| live.try_now()>
                        "Try now"
                    </button>
                </Banner>
            }
        })
    }
}
