//! The Worker in which a device's protocol is spoken.

use std::marker::PhantomData;

use gloo_events::EventListener;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use leptos::task::spawn_local;
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{MessageEvent, WorkerOptions, WorkerType};

use crate::state::document;

/// The Worker's first message, once it listens.
const READY: &str = "ready";
/// An ended Worker has so long to close its connection in order.
const GOODBYE_MS: u32 = 1_000;

/// What a Worker tells.
pub(crate) enum Report<ToPage> {
    /// It listens; nothing may be sent before.
    Ready,
    Message(ToPage),
    /// What is no message: output of a shell, a picture.
    Bytes(Uint8Array),
    /// It could not be loaded, or broke.
    Failed,
}

/// A running Worker that is told `ToWorker`; ended when dropped, and with it all it holds.
pub(crate) struct Worker<ToWorker> {
    worker: web_sys::Worker,
    _listeners: Vec<EventListener>,
    _told: PhantomData<fn(ToWorker)>,
}

impl<ToWorker: Serialize> Worker<ToWorker> {
    /// Starts one of a module; `None` if the server has none, or the browser forbids it.
    pub(crate) fn start<ToPage: DeserializeOwned>(
        module: &str,
        report: impl Fn(Report<ToPage>) + Clone + 'static,
    ) -> Option<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(&address(module)?, &options).ok()?;
        let mut listeners = Vec::with_capacity(3);
        let tell = report.clone();
        listeners.push(EventListener::new(&worker, "message", move |event| {
            if let Some(message) = event.dyn_ref::<MessageEvent>().and_then(read) {
                tell(message);
            }
        }));
        for name in ["error", "messageerror"] {
            let tell = report.clone();
            listeners.push(EventListener::new(&worker, name, move |_| {
                tell(Report::Failed);
            }));
        }
        Some(Self {
            worker,
            _listeners: listeners,
            _told: PhantomData,
        })
    }

    pub(crate) fn send(&self, message: &ToWorker) {
        if let Ok(text) = serde_json::to_string(message) {
            // Fails only for what cannot be cloned; a string can.
            let _ = self.worker.post_message(&text.into());
        }
    }

    /// What is no message: what was typed. The array is given away: it was made for this.
    pub(crate) fn send_bytes(&self, bytes: &[u8]) {
        let bytes = Uint8Array::from(bytes);
        self.give(&bytes, &bytes.buffer());
    }

    /// Says good-bye, and gives it a moment to be heard.
    pub(crate) fn leave(self, goodbye: &ToWorker)
    where
        ToWorker: 'static,
    {
        self.send(goodbye);
        spawn_local(async move {
            TimeoutFuture::new(GOODBYE_MS).await;
            drop(self);
        });
    }

    /// Sends something and gives away what is behind it: it is the Worker's from now on.
    pub(crate) fn give(&self, value: &JsValue, given: &JsValue) {
        // Fails only for what was given away before.
        let _ = self
            .worker
            .post_message_with_transfer(value, &Array::of1(given));
    }
}

impl<ToWorker> Drop for Worker<ToWorker> {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// The table of modules stands in the page itself: its names change with what they hold.
fn address(module: &str) -> Option<String> {
    let table = document()?.get_element_by_id("modules")?.text_content()?;
    let table: serde_json::Value = serde_json::from_str(&table).ok()?;
    table[module].as_str().map(str::to_owned)
}

/// A message that a newer Worker sends may be unknown here: it is passed over.
fn read<ToPage: DeserializeOwned>(event: &MessageEvent) -> Option<Report<ToPage>> {
    let data = event.data();
    if let Some(text) = data.as_string() {
        return match text.as_str() {
            READY => Some(Report::Ready),
            _ => serde_json::from_str(&text).ok().map(Report::Message),
        };
    }
    data.dyn_into().ok().map(Report::Bytes)
}

#[cfg(test)]
mod tests {
    use remote_messages::StreamFault;
    use remote_messages::ssh::{Ended, KeyFault, Size, ToPage, ToWorker};

    #[test]
    fn messages_are_the_json_that_both_ends_write() {
        for (message, text) in [
            (
                ToPage::KeyUnusable(KeyFault::Encrypted),
                r#"{"kind":"key_unusable","encrypted":null}"#,
            ),
            (
                ToPage::Ended(Ended::Stream {
                    fault: StreamFault::Revoked,
                }),
                r#"{"kind":"ended","how":"stream","fault":"revoked"}"#,
            ),
            (ToPage::Shell, r#"{"kind":"shell"}"#),
        ] {
            assert_eq!(serde_json::to_string(&message).unwrap(), text);
            assert_eq!(serde_json::from_str::<ToPage>(text).unwrap(), message);
        }
        let size = ToWorker::Resize(Size {
            columns: 80,
            rows: 24,
        });
        assert_eq!(
            serde_json::to_string(&size).unwrap(),
            r#"{"kind":"resize","columns":80,"rows":24}"#
        );
    }
}
