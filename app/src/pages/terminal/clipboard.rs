//! Copy and paste. The browser's own paste is preferred: it needs no permission.

use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use wasm_bindgen::JsCast;
use web_sys::{ClipboardEvent, HtmlElement, InputEvent};

use super::screen::Heard;
use super::xterm::Terminal;

/// Watches what the browser puts into the terminal's hidden field, before the library sees it.
pub(super) fn listen(
    host: &HtmlElement,
    terminal: &Terminal,
    hear: &Rc<dyn Fn(Heard)>,
) -> Vec<EventListener> {
    let first = EventListenerOptions::run_in_capture_phase();
    let early = EventListenerOptions {
        passive: false,
        ..first
    };
    let tell = Rc::clone(hear);
    let paste = EventListener::new_with_options(host, "paste", early, move |event| {
        event.prevent_default();
        event.stop_propagation();
        let data = event
            .dyn_ref::<ClipboardEvent>()
            .and_then(ClipboardEvent::clipboard_data);
        if let Some(text) = data.and_then(|data| data.get_data("text/plain").ok()) {
            tell(Heard::Pasted(text));
        }
    });
    // Keyboards of phones put a line break into the field instead of pressing Enter; the library
    // would send it as a line feed, which no shell takes for Enter.
    let shell = terminal.clone();
    let enter = EventListener::new_with_options(host, "beforeinput", early, move |event| {
        let kind = event.dyn_ref::<InputEvent>().map(InputEvent::input_type);
        if matches!(kind.as_deref(), Some("insertLineBreak" | "insertParagraph")) {
            event.prevent_default();
            shell.input("\r", true);
        }
    });
    vec![paste, enter]
}
