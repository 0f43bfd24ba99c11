//! One event source; closed when dropped.

use std::rc::Rc;

use api::Event;
use gloo_events::EventListener;
use wasm_bindgen::JsCast;
use web_sys::{EventSource, MessageEvent};

use crate::api_client::EVENTS;

/// The names of the events; the server sends each under its own.
const NAMES: [&str; 3] = ["device_changed", "device_removed", "resync"];

/// What a connection tells.
pub(super) enum Report {
    Opened,
    Event(Event),
    Failed,
}

/// An open, or opening, stream of events.
pub(super) struct Connection {
    source: EventSource,
    /// Dropped with the connection: a closed source tells nobody anything.
    _listeners: Vec<EventListener>,
}

impl Connection {
    /// Opens; `None` in a browser without event sources.
    pub(super) fn open(report: impl Fn(Report) + 'static) -> Option<Self> {
        let source = EventSource::new(EVENTS).ok()?;
        let report = Rc::new(report);
        let mut listeners = Vec::with_capacity(NAMES.len() + 2);
        for name in NAMES {
            let report = Rc::clone(&report);
            listeners.push(EventListener::new(&source, name, move |message| {
                if let Some(event) = read(message) {
                    report(Report::Event(event));
                }
            }));
        }
        let opened = Rc::clone(&report);
        listeners.push(EventListener::new(&source, "open", move |_| {
            opened(Report::Opened);
        }));
        listeners.push(EventListener::new(&source, "error", move |_| {
            defer(Rc::clone(&report));
        }));
        Some(Self {
            source,
            _listeners: listeners,
        })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.source.close();
    }
}

/// Taking the report drops the connection, and with it the listener that is just running: it must
/// have returned by then.
fn defer(report: Rc<impl Fn(Report) + 'static>) {
    leptos::task::spawn_local(async move { report(Report::Failed) });
}

/// An event that a newer server sends may be unknown here: it is passed over.
fn read(message: &web_sys::Event) -> Option<Event> {
    let data = message.dyn_ref::<MessageEvent>()?.data().as_string()?;
    serde_json::from_str(&data).ok()
}
