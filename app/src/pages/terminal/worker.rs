//! The Worker in which SSH is spoken.

use gloo_events::EventListener;
use js_sys::{Array, Uint8Array};
use remote_messages::ssh::{ToPage, ToWorker};
use wasm_bindgen::JsCast;
use web_sys::{MessageEvent, WorkerOptions, WorkerType};

use crate::state::document;

/// The Worker's first message, once it listens.
const READY: &str = "ready";

/// What a Worker tells.
pub(super) enum Report {
    /// It listens; nothing may be sent before.
    Ready,
    Message(ToPage),
    /// Output of the shell.
    Output(Uint8Array),
    /// It could not be loaded, or broke.
    Failed,
}

/// A running Worker; ended when dropped, and with it all it holds.
pub(super) struct Worker {
    worker: web_sys::Worker,
    _listeners: Vec<EventListener>,
}

impl Worker {
    /// Starts one; `None` if the server has none, or the browser forbids it.
    pub(super) fn start(report: impl Fn(Report) + Clone + 'static) -> Option<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = web_sys::Worker::new_with_options(&address()?, &options).ok()?;
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
        })
    }

    pub(super) fn send(&self, message: &ToWorker) {
        if let Ok(text) = serde_json::to_string(message) {
            // Fails only for what cannot be cloned; a string can.
            let _ = self.worker.post_message(&text.into());
        }
    }

    /// What was typed. The array is given away: it was made for this.
    pub(super) fn type_bytes(&self, bytes: &[u8]) {
        let bytes = Uint8Array::from(bytes);
        let given = Array::of1(&bytes.buffer());
        let _ = self.worker.post_message_with_transfer(&bytes, &given);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.worker.terminate();
    }
}

/// The table of modules stands in the page itself: its names change with what they hold.
fn address() -> Option<String> {
    let table = document()?.get_element_by_id("modules")?.text_content()?;
    let table: serde_json::Value = serde_json::from_str(&table).ok()?;
    table["ssh"].as_str().map(str::to_owned)
}

/// A message that a newer Worker sends may be unknown here: it is passed over.
fn read(event: &MessageEvent) -> Option<Report> {
    let data = event.data();
    if let Some(text) = data.as_string() {
        return match text.as_str() {
            READY => Some(Report::Ready),
            _ => serde_json::from_str(&text).ok().map(Report::Message),
        };
    }
    data.dyn_into().ok().map(Report::Output)
}

#[cfg(test)]
mod tests {
    use remote_messages::StreamFault;
    use remote_messages::ssh::{Ended, KeyFault, Size};

    use super::*;

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
