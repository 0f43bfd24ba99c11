//! The bell: a flash, and a mark in the tab for those who look elsewhere.

use std::time::Duration;

use gloo_events::EventListener;
use leptos::prelude::*;

use crate::state::document;

const FLASHES: Duration = Duration::from_millis(160);

#[derive(Clone, Copy)]
pub(crate) struct Bell {
    /// Just now.
    pub(crate) rings: RwSignal<bool>,
    /// Since the tab was last looked at.
    pub(crate) rang: RwSignal<bool>,
}

impl Bell {
    pub(crate) fn new() -> Self {
        let bell = Self {
            rings: RwSignal::new(false),
            rang: RwSignal::new(false),
        };
        if let Some(document) = document() {
            let seen = EventListener::new(&document, "visibilitychange", move |_| {
                if !is_hidden() {
                    bell.rang.try_set(false);
                }
            });
            // Held by the owner, so that the listener ends with it.
            StoredValue::new_local(seen);
        }
        bell
    }

    /// A shell may ring a thousand times a second: one flash at a time.
    pub(crate) fn ring(self) {
        if is_hidden() && !self.rang.get_untracked() {
            self.rang.set(true);
        }
        if self.rings.get_untracked() {
            return;
        }
        self.rings.set(true);
        set_timeout(
            move || {
                self.rings.try_set(false);
            },
            FLASHES,
        );
    }
}

fn is_hidden() -> bool {
    document().is_some_and(|document| document.hidden())
}
