//! Something read from the server: loading, there, or failed.

use std::future::Future;
use std::rc::Rc;

use leptos::prelude::{
    Effect, Get, GetValue, LocalStorage, RwSignal, Set, SetValue, StoredValue, Update, UpdateValue,
    With, WithUntracked,
};
use leptos::task::spawn_local;

use crate::api_client::ApiError;

/// A value on its way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Loaded<T> {
    Loading,
    Ready(T),
    Failed(ApiError),
}

impl<T> Loaded<T> {
    /// The value, if it is there.
    pub(crate) fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            _ => None,
        }
    }
}

type Fetch<T> = Rc<dyn Fn() -> std::pin::Pin<Box<dyn Future<Output = Result<T, ApiError>>>>>;

/// A value read from the server, read anew on demand, and changed by events in between.
pub(crate) struct Query<T: 'static> {
    value: RwSignal<Loaded<T>>,
    fetch: StoredValue<Fetch<T>, LocalStorage>,
    /// Answers may overtake each other: an older one never replaces a newer one.
    asked: StoredValue<u32>,
    answered: StoredValue<u32>,
}

impl<T: 'static> Clone for Query<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: 'static> Copy for Query<T> {}

impl<T: Clone + Send + Sync + 'static> Query<T> {
    /// Reads now, and again whenever a signal that `fetch` reads changes.
    pub(crate) fn new<F, R>(fetch: F) -> Self
    where
        F: Fn() -> R + 'static,
        R: Future<Output = Result<T, ApiError>> + 'static,
    {
        let query = Self {
            value: RwSignal::new(Loaded::Loading),
            fetch: StoredValue::new_local(Rc::new(move || Box::pin(fetch()) as _)),
            asked: StoredValue::new(0),
            answered: StoredValue::new(0),
        };
        Effect::new(move |_| query.ask());
        query
    }

    /// Reads anew; what is there stays until the answer comes.
    pub(crate) fn refresh(self) {
        leptos::prelude::untrack(|| self.ask());
    }

    /// Reads anew after a failure, and shows that it does.
    pub(crate) fn retry(self) {
        self.value.set(Loaded::Loading);
        self.refresh();
    }

    pub(crate) fn get(self) -> Loaded<T> {
        self.value.get()
    }

    /// Looks at the value, if it is there, and follows it.
    pub(crate) fn with_ready<R>(self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.value.with(|value| value.ready().map(look))
    }

    /// Looks at the value, if it is there, without following it.
    pub(crate) fn with_ready_untracked<R>(self, look: impl FnOnce(&T) -> R) -> Option<R> {
        self.value.with_untracked(|value| value.ready().map(look))
    }

    /// Looks at the whole state and follows it.
    pub(crate) fn with<R>(self, look: impl FnOnce(&Loaded<T>) -> R) -> R {
        self.value.with(look)
    }

    /// Changes the value, if it is there.
    pub(crate) fn change(self, change: impl FnOnce(&mut T)) {
        self.value.try_update(|value| {
            if let Loaded::Ready(value) = value {
                change(value);
            }
        });
    }

    fn ask(self) {
        self.asked.update_value(|asked| *asked += 1);
        let mine = self.asked.get_value();
        let answer = (self.fetch.get_value())();
        spawn_local(async move {
            let answer = answer.await;
            // The page may be gone by now.
            let Some(answered) = self.answered.try_get_value() else {
                return;
            };
            if mine < answered {
                return;
            }
            self.answered.set_value(mine);
            self.take(answer);
        });
    }

    /// A failure to refresh leaves what is shown: the banner tells of a lost connection.
    fn take(self, answer: Result<T, ApiError>) {
        match answer {
            Ok(value) => self.value.set(Loaded::Ready(value)),
            Err(ApiError::Unreachable | ApiError::TimedOut)
                if self.with_ready_untracked(|_| ()).is_some() => {}
            Err(error) => self.value.set(Loaded::Failed(error)),
        }
    }
}
