//! The app's clock: the only place that asks the browser for the time.

use api::Timestamp;
use gloo_timers::callback::Interval;
use leptos::prelude::{
    Get, GetUntracked, RwSignal, Set, StoredValue, expect_context, provide_context,
};

/// Often enough that "1 min ago" is never far off.
const TICK_MS: u32 = 15_000;

/// The time, moving on in steps; reading it in a view keeps that view up to date.
#[derive(Clone, Copy)]
pub(crate) struct Clock(RwSignal<Timestamp>);

impl Clock {
    /// Starts the clock for all components below; it stops with them.
    pub(crate) fn provide() {
        let clock = Self(RwSignal::new(now()));
        let ticking = Interval::new(TICK_MS, move || clock.0.set(now()));
        // Held by the owner, so that the timer ends with it.
        StoredValue::new_local(ticking);
        provide_context(clock);
    }

    /// The clock of this app.
    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The time now, followed by the view that asks.
    pub(crate) fn now(self) -> Timestamp {
        // An event may be younger than the last step.
        self.0.get().max(now())
    }

    /// The time now, for an action.
    pub(crate) fn instant(self) -> Timestamp {
        self.0.get_untracked().max(now())
    }
}

fn now() -> Timestamp {
    Timestamp((js_sys::Date::now() * 1000.0) as i64)
}
