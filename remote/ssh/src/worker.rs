//! The glue to the page: what a Worker is told and tells.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use remote_messages::StreamFault;
use remote_messages::ssh::{Ended, ToPage, ToWorker};
use remote_stream::{LinkState, Stats, Watch};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, MessageEvent, console};
use zeroize::Zeroizing;

use crate::client::{Page, Surroundings, run};
use crate::inbox::Inbox;

/// The first message of all; what the page says before it is lost.
const READY: &str = "ready";

/// Listens to the page. Called once by the Worker's script.
///
/// # Errors
/// This is not a Worker.
#[wasm_bindgen]
pub fn start() -> Result<(), JsValue> {
    let scope: DedicatedWorkerGlobalScope = js_sys::global().dyn_into()?;
    std::panic::set_hook(Box::new(|panic| {
        // The place alone: a message might quote what nobody may read.
        let place = panic.location().map(ToString::to_string);
        console::error_1(&format!("ssh: a fault at {}", place.unwrap_or_default()).into());
        Scope.end(StreamFault::Internal);
    }));
    let inbox = Arc::new(Inbox::default());
    let on_message = {
        let inbox = Arc::clone(&inbox);
        Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
            take(&inbox, &message.data());
        })
    };
    scope.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
    // For as long as the Worker lives.
    on_message.forget();
    spawn_local(serve(inbox));
    scope.post_message(&JsValue::from_str(READY))
}

fn take(inbox: &Inbox, data: &JsValue) {
    if let Some(bytes) = data.dyn_ref::<Uint8Array>() {
        if inbox.type_bytes(&bytes.to_vec()).is_err() {
            warn("the device does not take its input: a paste was dropped as a whole");
        }
        return;
    }
    let text = Zeroizing::new(data.as_string().unwrap_or_default());
    match serde_json::from_str::<ToWorker>(&text).map(|message| inbox.say(message)) {
        Ok(Ok(())) => {}
        Ok(Err(_)) => warn("a message came too many"),
        Err(_) => warn("a message was not understood"),
    }
}

async fn serve(inbox: Arc<Inbox>) {
    let open = inbox.opened().await;
    let dialled = tokio::select! {
        () = inbox.closed() => None,
        dialled = remote_stream::open(&open.url) => Some(dialled),
    };
    let ended = match dialled {
        None => Ended::Closed,
        Some(Err(fault)) => Ended::Stream { fault },
        Some(Ok(stream)) => {
            Scope.tell(ToPage::Connected);
            let watch = stream.watch();
            let around = Browser(watch.clone());
            tokio::select! {
                ended = run(stream, &open, inbox, Arc::new(Scope), &around) => ended,
                never = tell_link(&watch) => match never {},
            }
        }
    };
    Scope.tell(ToPage::Ended(ended));
}

/// Tells the page when the connection is lost and found again.
async fn tell_link(watch: &Watch) -> Infallible {
    let mut state = LinkState::Connected;
    loop {
        state = watch.link_changed(state).await;
        Scope.tell(match state {
            LinkState::Connected => ToPage::Reconnected,
            LinkState::Reconnecting { .. } => ToPage::Reconnecting,
        });
    }
}

/// The page at the other end of this Worker's scope.
struct Scope;

impl Scope {
    fn post(post: impl FnOnce(&DedicatedWorkerGlobalScope) -> Result<(), JsValue>) {
        let scope = js_sys::global().dyn_into::<DedicatedWorkerGlobalScope>();
        if scope.is_err() || scope.is_ok_and(|scope| post(&scope).is_err()) {
            warn("a message could not be posted");
        }
    }

    fn end(&self, fault: StreamFault) {
        self.tell(ToPage::Ended(Ended::Stream { fault }));
    }
}

impl Page for Scope {
    fn tell(&self, message: ToPage) {
        if let Ok(json) = serde_json::to_string(&message) {
            Self::post(|scope| scope.post_message(&JsValue::from_str(&json)));
        }
    }

    fn write(&self, bytes: Bytes) {
        // A copy out of this module's memory, which is then given away.
        let bytes = Uint8Array::from(&bytes[..]);
        let buffer = Array::of1(&bytes.buffer());
        Self::post(|scope| scope.post_message_with_transfer(&bytes, &buffer));
    }
}

struct Browser(Watch);

impl Surroundings for Browser {
    async fn sleep(&self, time: Duration) {
        TimeoutFuture::new(u32::try_from(time.as_millis()).unwrap_or(u32::MAX)).await;
    }

    fn fault(&self) -> Option<StreamFault> {
        self.0.fault()
    }

    fn stats(&self) -> Stats {
        self.0.stats()
    }
}

fn warn(text: &str) {
    console::warn_1(&format!("ssh: {text}").into());
}
