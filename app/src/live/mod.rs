//! What changes on the server, as it happens.
//!
//! One connection for the whole app. It is closed while the tab is hidden, comes back by itself
//! after a failure, and whenever it opens the pages are told to fetch anew: what happened in
//! between is lost.

mod connection;

use std::rc::Rc;

use api::Event;
use gloo_events::EventListener;
use gloo_timers::callback::Timeout;
use leptos::prelude::{
    GetUntracked, GetValue, LocalStorage, ReadSignal, RwSignal, Set, SetValue, StoredValue,
    UpdateValue, expect_context, on_cleanup, provide_context,
};
use leptos::task::spawn_local;

use self::connection::{Connection, Report};
use crate::api_client::{ApiClient, ApiError};
use crate::backoff::backoff_ms;
use crate::state::{document, window};

/// How the connection for events is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// On its way, or closed on purpose: nothing to tell.
    Quiet,
    Up,
    /// Lost; the next attempt is planned.
    Lost,
}

type Subscriber = Rc<dyn Fn(&Event)>;

/// The app's one connection for events.
#[derive(Clone, Copy)]
pub(crate) struct Live {
    api: ApiClient,
    link: RwSignal<Link>,
    subscribers: StoredValue<Vec<(u32, Subscriber)>, LocalStorage>,
    next_number: StoredValue<u32>,
    connection: StoredValue<Option<Connection>, LocalStorage>,
    planned: StoredValue<Option<Timeout>, LocalStorage>,
    failures: StoredValue<u32>,
}

impl Live {
    /// Connects for all components below; the connection ends with them.
    pub(crate) fn provide(api: ApiClient) {
        let live = Self {
            api,
            link: RwSignal::new(Link::Quiet),
            subscribers: StoredValue::new_local(Vec::new()),
            next_number: StoredValue::new(0),
            connection: StoredValue::new_local(None),
            planned: StoredValue::new_local(None),
            failures: StoredValue::new(0),
        };
        provide_context(live);
        live.watch_browser();
        live.connect();
    }

    pub(crate) fn expect() -> Self {
        expect_context()
    }

    pub(crate) fn link(self) -> ReadSignal<Link> {
        self.link.read_only()
    }

    /// Calls `take` with each event until the present component ends.
    pub(crate) fn subscribe(self, take: impl Fn(&Event) + 'static) {
        let number = self.next_number.get_value();
        self.next_number.set_value(number.wrapping_add(1));
        self.subscribers
            .update_value(|all| all.push((number, Rc::new(take))));
        on_cleanup(move || {
            self.subscribers
                .try_update_value(|all| all.retain(|(other, _)| *other != number));
        });
    }

    /// Tries at once instead of waiting for the planned attempt.
    pub(crate) fn try_now(self) {
        self.failures.set_value(0);
        self.attempt();
    }

    fn connect(self) {
        self.planned.set_value(None);
        let connection = Connection::open(move |report| self.take(report));
        self.connection.set_value(connection);
    }

    fn take(self, report: Report) {
        match report {
            Report::Opened => {
                self.failures.set_value(0);
                self.link.set(Link::Up);
                self.deliver(&Event::Resync);
            }
            Report::Event(event) => self.deliver(&event),
            Report::Failed => self.lose(),
        }
    }

    /// Subscribers may come and go while they are called: a copy is called.
    fn deliver(self, event: &Event) {
        for (_, take) in self.subscribers.try_get_value().unwrap_or_default() {
            take(event);
        }
    }

    fn lose(self) {
        self.close(Link::Lost);
        let failures = self.failures.get_value();
        self.failures.set_value(failures.saturating_add(1));
        let wait_ms = backoff_ms(failures, js_sys::Math::random());
        let planned = Timeout::new(wait_ms, move || self.attempt());
        self.planned.set_value(Some(planned));
    }

    /// An event source does not say why it failed: asking who we are tells a sign-in that has
    /// ended from a server that is away.
    fn attempt(self) {
        self.planned.set_value(None);
        spawn_local(async move {
            let answer = self.api.me().await;
            if self.failures.try_get_value().is_none() || is_hidden() {
                return;
            }
            match answer {
                Ok(_) | Err(ApiError::Unexpected { .. }) => self.connect(),
                Err(_) => self.lose(),
            }
        });
    }

    fn close(self, link: Link) {
        self.planned.set_value(None);
        self.connection.set_value(None);
        self.link.set(link);
    }

    fn watch_browser(self) {
        let mut listeners = Vec::new();
        if let Some(document) = document() {
            listeners.push(EventListener::new(
                &document,
                "visibilitychange",
                move |_| self.follow_visibility(),
            ));
        }
        if let Some(window) = window() {
            listeners.push(EventListener::new(&window, "online", move |_| {
                self.try_now();
            }));
            listeners.push(EventListener::new(&window, "offline", move |_| self.lose()));
        }
        // Held by the owner, so that the listeners end with it.
        StoredValue::new_local(listeners);
    }

    fn follow_visibility(self) {
        if is_hidden() {
            self.close(Link::Quiet);
        } else if self.link.get_untracked() != Link::Up {
            self.failures.set_value(0);
            self.connect();
        }
    }
}

fn is_hidden() -> bool {
    document().is_some_and(|document| document.hidden())
}
