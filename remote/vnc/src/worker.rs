//! The glue to the page: what a Worker is told and tells.

use std::cell::RefCell;
use std::rc::Rc;

use remote_messages::StreamFault;
use remote_messages::vnc::{Ended, ToPage, ToWorker};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, OffscreenCanvas, console};
use zeroize::Zeroizing;

use crate::canvas::Canvas;
use crate::desk::{Desk, tell};
use crate::photo::Darkroom;

/// The first message of all; what the page says before it is lost.
const READY: &str = "ready";

/// What has come of the page's first messages.
#[derive(Default)]
struct Start {
    canvas: Option<Canvas>,
    desk: Option<Rc<Desk>>,
}

/// Listens to the page. Called once by the Worker's script.
///
/// # Errors
/// This is not a Worker.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        console::error_1(&format!("vnc: a fault at {}", place.unwrap_or_default()).into());
        tell(&ToPage::Ended(Ended::Stream {
            fault: StreamFault::Internal,
        }));
    }));
    let start = RefCell::new(Start::default());
    let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
        take(&mut start.borrow_mut(), &message.data());
    });
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // For as long as the Worker lives.
    on_message.forget();
    scope.post_message(&JsValue::from_str(READY))
}

fn take(start: &mut Start, data: &JsValue) {
    if let Some(canvas) = data.dyn_ref::<OffscreenCanvas>() {
        match Canvas::new(canvas.clone()) {
            Ok(canvas) => start.canvas = Some(canvas),
            Err(_) => warn("the browser gives no canvas"),
        }
        return;
    }
    let text = Zeroizing::new(data.as_string().unwrap_or_default());
    let Ok(message) = serde_json::from_str::<ToWorker>(&text) else {
        return warn("a message was not understood");
    };
    match (message, &start.desk) {
        (message, Some(desk)) => desk.say(message),
        (
            ToWorker::Open {
                url,
                quality,
                encodings,
            },
            None,
        ) => match start.canvas.take() {
            Some(canvas) => {
                let Ok(darkroom) = Darkroom::new() else {
                    return warn("the browser gives no canvas to decode on");
                };
                let desk = Desk::new(canvas, darkroom, quality, encodings.as_deref());
                start.desk = Some(Rc::clone(&desk));
                spawn_local(serve(desk, url));
            }
            None => warn("there is no canvas to draw on"),
        },
        (_, None) => warn("a message came too early"),
    }
}

async fn serve(desk: Rc<Desk>, url: String) {
    let ended = match remote_stream::open(&url).await {
        Err(fault) => Ended::Stream { fault },
        Ok(stream) => {
            tell(&ToPage::Connected);
            desk.serve(stream).await
        }
    };
    tell(&ToPage::Ended(ended));
}

fn warn(text: &str) {
    console::warn_1(&format!("vnc: {text}").into());
}
