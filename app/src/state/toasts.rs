//! Short messages that come and go.

use std::time::Duration;

use leptos::prelude::{
    Callback, RwSignal, Update, WithUntracked, expect_context, provide_context, set_timeout,
};

use crate::api_client::ApiError;
use crate::words::failure_words;

/// Long enough to read two lines.
const SHOWN: Duration = Duration::from_secs(6);
/// More at once is noise; the oldest goes.
const MOST: usize = 3;

/// One message.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Toast {
    pub(crate) number: u32,
    pub(crate) text: String,
    pub(crate) is_failure: bool,
}

/// The messages now shown.
#[derive(Clone, Copy)]
pub(crate) struct Toasts(RwSignal<Vec<Toast>>);

impl Toasts {
    /// Makes a place for messages known to all components below.
    pub(crate) fn provide() -> Self {
        let toasts = Self(RwSignal::new(Vec::new()));
        provide_context(toasts);
        toasts
    }

    pub(crate) fn expect() -> Self {
        expect_context()
    }

    /// The messages as a signal, for the component that shows them.
    pub(crate) fn shown(self) -> RwSignal<Vec<Toast>> {
        self.0
    }

    /// Says that something is done.
    pub(crate) fn done(self, text: impl Into<String>) {
        self.show(text.into(), false);
    }

    /// Says that something cannot be done here.
    pub(crate) fn refused(self, text: &str) {
        self.show(text.to_owned(), true);
    }

    /// Says that something failed, and what to do.
    pub(crate) fn failed(self, error: &ApiError) {
        let words = failure_words(error);
        self.show(format!("{}. {}", words.title, words.advice), true);
    }

    /// What takes a message away.
    pub(crate) fn dismissal(self) -> Callback<u32> {
        Callback::new(move |number| self.dismiss(number))
    }

    fn show(self, text: String, is_failure: bool) {
        let last = self
            .0
            .with_untracked(|toasts| toasts.last().map(|toast| toast.number));
        let number = last.map_or(0, |number| number.wrapping_add(1));
        self.0.update(|toasts| {
            toasts.push(Toast {
                number,
                text,
                is_failure,
            });
            let surplus = toasts.len().saturating_sub(MOST);
            toasts.drain(..surplus);
        });
        set_timeout(move || self.dismiss(number), SHOWN);
    }

    fn dismiss(self, number: u32) {
        self.0
            .try_update(|toasts| toasts.retain(|toast| toast.number != number));
    }
}
