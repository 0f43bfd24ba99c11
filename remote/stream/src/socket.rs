//! The browser's WebSocket, and the pump between it and the link.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gloo_timers::future::TimeoutFuture;
use js_sys::{ArrayBuffer, Uint8Array};
use remote_messages::StreamFault;
use tokio::sync::Notify;
use tunnel::{STREAM_PROTOCOL, Time};
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{BinaryType, CloseEvent, Event, MessageEvent, WebSocket, WorkerGlobalScope};

use crate::link::Link;
use crate::retry::Retry;
use crate::stream::Stream;
use crate::{fault, probe};

/// From the first word to the server's ACCEPT.
const OPEN_TIMEOUT_MS: u32 = 15_000;
/// What the WebSocket may hold unsent; beyond it, writes wait.
const BUFFERED_LIMIT_BYTES: u32 = 256 << 10;
/// A WebSocket does not tell when it has sent: it is asked this often while it holds something.
const DRAIN_POLL_MS: u32 = 10;
const IDLE_TICK_MS: u32 = 60_000;

/// Opens a stream to the service that the address names (`wss://…/stream`). For a Worker: there is
/// no window here.
///
/// # Errors
/// Why there is none.
pub async fn open(url: &str) -> Result<Stream, StreamFault> {
    let start = now_ms().ok_or(StreamFault::Internal)?;
    let clock = move || {
        let elapsed_ms = now_ms().map_or(0.0, |now| (now - start).max(0.0));
        Time::since_start(Duration::from_secs_f64(elapsed_ms / 1000.0))
    };
    // Any number that differs from stream to stream does.
    let seed = js_sys::Math::random().to_bits();
    let link = Arc::new(Link::new(Arc::new(clock), seed));
    // Dropped by whatever happens below, it takes the WebSocket along.
    let stream = Stream::new(Arc::clone(&link));
    let opening = Rc::new(Opening::default());
    let socket = Socket::new(url, &link, &opening).map_err(|_| StreamFault::Internal)?;
    spawn_local(pump(
        url.to_owned(),
        socket,
        Rc::clone(&opening),
        Arc::clone(&link),
    ));
    let accepted = async {
        opening.settled.notified().await;
        if opening.is_open.get() {
            link.accepted().await
        } else {
            Err(probe::refusal(url).await)
        }
    };
    tokio::select! {
        outcome = accepted => outcome.map(|()| stream),
        () = TimeoutFuture::new(OPEN_TIMEOUT_MS) => Err(StreamFault::TimedOut),
    }
}

/// Whether the WebSocket came to be.
#[derive(Default)]
struct Opening {
    is_open: Cell<bool>,
    is_closed: Cell<bool>,
    /// The stream has been connected over it.
    has_carried: Cell<bool>,
    settled: Notify,
}

struct Socket {
    socket: WebSocket,
    /// Of all that was handed to the WebSocket, what it had not sent when last asked.
    unsent_bytes: u64,
    /// Called by the browser for as long as they are kept.
    _on_event: Closure<dyn FnMut(Event)>,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    fn new(url: &str, link: &Arc<Link>, opening: &Rc<Opening>) -> Result<Self, JsValue> {
        let socket = WebSocket::new_with_str(url, STREAM_PROTOCOL)?;
        socket.set_binary_type(BinaryType::Arraybuffer);

        let on_open = {
            let (socket, link) = (socket.clone(), Arc::clone(link));
            let opening = Rc::clone(opening);
            Closure::<dyn FnMut(Event)>::new(move |_| {
                opening.is_open.set(true);
                let hello = link.hello();
                if hello.is_none_or(|hello| socket.send_with_u8_array(&hello).is_err()) {
                    link.close(StreamFault::Internal);
                }
                opening.settled.notify_one();
            })
        };
        let on_message = {
            let link = Arc::clone(link);
            Closure::<dyn FnMut(MessageEvent)>::new(move |message: MessageEvent| {
                match message.data().dyn_into::<ArrayBuffer>() {
                    Ok(buffer) => link.receive(Bytes::from(Uint8Array::new(&buffer).to_vec())),
                    // Text has no meaning here.
                    Err(_) => link.close(StreamFault::Internal),
                }
            })
        };
        let on_close = {
            let (link, opening) = (Arc::clone(link), Rc::clone(opening));
            Closure::<dyn FnMut(CloseEvent)>::new(move |close: CloseEvent| {
                opening.is_closed.set(true);
                if fault::is_loss(close.code()) {
                    link.lose();
                } else {
                    link.close(fault::of_close(close.code()));
                }
                link.pump.notify_one();
                opening.settled.notify_one();
            })
        };
        socket.set_onopen(Some(on_open.as_ref().unchecked_ref()));
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self {
            socket,
            unsent_bytes: 0,
            _on_event: on_open,
            _on_message: on_message,
            _on_close: on_close,
        })
    }

    /// Hands over what there is to send, while the WebSocket takes it.
    fn flush(&mut self, link: &Link) {
        if self.socket.ready_state() != WebSocket::OPEN {
            return;
        }
        self.note_sent(link);
        // The last words of a stream that nobody wants go out however much is before them.
        while self.socket.buffered_amount() < BUFFERED_LIMIT_BYTES || !link.is_held() {
            let Some(message) = link.transmit() else {
                break;
            };
            if self.socket.send_with_u8_array(&message).is_err() {
                link.lose();
                break;
            }
            self.unsent_bytes += message.len() as u64;
            self.note_sent(link);
        }
    }

    fn note_sent(&mut self, link: &Link) {
        let unsent = u64::from(self.socket.buffered_amount()).min(self.unsent_bytes);
        if unsent < self.unsent_bytes {
            link.sent(self.unsent_bytes - unsent);
            self.unsent_bytes = unsent;
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.socket.set_onopen(None);
        self.socket.set_onmessage(None);
        self.socket.set_onclose(None);
        // Browsers allow no code of ours; it is closed already or closes with 1005.
        let _ = self.socket.close();
    }
}

/// Runs for as long as the stream does, over one WebSocket after the other.
async fn pump(url: String, mut socket: Socket, mut opening: Rc<Opening>, link: Arc<Link>) {
    let _listening = Listening::new(&link);
    let mut retry = Retry::default();
    loop {
        carry(socket, &opening, &link).await;
        if link.is_over() {
            return;
        }
        if !opening.is_open.get() {
            // The browser does not say why; the answer to a plain request does.
            let refusal = probe::refusal(&url).await;
            if fault::is_final(refusal) {
                return link.close(refusal);
            }
        }
        let lost_for = link.lost_for().unwrap_or_default();
        if opening.has_carried.get() {
            retry = Retry::default();
        }
        let Some(wait) = retry.next_wait(lost_for, js_sys::Math::random()) else {
            return link.close(StreamFault::Lost);
        };
        if !pause(&link, wait).await {
            return;
        }
        opening = Rc::new(Opening::default());
        socket = match Socket::new(&url, &link, &opening) {
            Ok(next) => next,
            Err(_) => return link.close(StreamFault::Internal),
        };
    }
}

/// Waits, no longer than until the browser says that it is online; whether the stream is still
/// wanted.
async fn pause(link: &Link, wait: Duration) -> bool {
    let until = link.now() + wait;
    loop {
        if link.is_over() || !link.is_held() {
            link.close(StreamFault::Lost);
            return false;
        }
        let left = until.since(link.now());
        if left.is_zero() {
            return true;
        }
        let left_ms = u32::try_from(left.as_millis()).unwrap_or(IDLE_TICK_MS);
        tokio::select! {
            () = link.pump.notified() => {}
            () = link.online.notified() => return true,
            () = TimeoutFuture::new(left_ms.saturating_add(1)) => {}
        }
    }
}

/// Carries what there is over one WebSocket, until that or the stream is over.
async fn carry(mut socket: Socket, opening: &Opening, link: &Link) {
    let greet_by = link.now() + Duration::from_millis(OPEN_TIMEOUT_MS.into());
    // Kept from message to message: one that rings too early costs less than to set one for each.
    let mut alarm: Option<(Time, TimeoutFuture)> = None;
    loop {
        socket.flush(link);
        let is_lost = link.lost_for().is_some();
        opening
            .has_carried
            .set(opening.has_carried.get() || !is_lost);
        // Lost under it, or not taken up by it in time.
        let is_late = is_lost && link.now() >= greet_by;
        let has_lost = is_lost && opening.has_carried.get();
        let is_unwanted = is_lost && !link.is_held();
        if link.is_over() || opening.is_closed.get() || is_late || has_lost || is_unwanted {
            return;
        }
        let tick = if is_lost {
            Some(greet_by.since(link.now()))
        } else {
            link.next_tick()
        };
        let tick_ms = tick.map_or(IDLE_TICK_MS, |wait| {
            u32::try_from(wait.as_millis()).map_or(IDLE_TICK_MS, |ms| ms.min(IDLE_TICK_MS))
        });
        let wait_ms = if socket.unsent_bytes > 0 {
            tick_ms.min(DRAIN_POLL_MS)
        } else {
            // A timer may be early by the part of a millisecond that was cut off.
            tick_ms.saturating_add(1)
        };
        let due = link.now() + Duration::from_millis(wait_ms.into());
        let (_, timer) = match &mut alarm {
            Some(alarm) if alarm.0 <= due => alarm,
            _ => alarm.insert((due, TimeoutFuture::new(wait_ms))),
        };
        tokio::select! {
            () = link.pump.notified() => {}
            () = timer => {
                alarm = None;
                link.tick();
            }
        }
    }
}

/// Hears of the browser's network, for as long as it is kept.
struct Listening {
    scope: Option<WorkerGlobalScope>,
    on_change: Closure<dyn FnMut(Event)>,
}

impl Listening {
    fn new(link: &Arc<Link>) -> Self {
        let link = Arc::clone(link);
        let on_change = Closure::<dyn FnMut(Event)>::new(move |event: Event| {
            link.ask();
            if event.type_() == "online" {
                link.online.notify_waiters();
            }
        });
        let scope = js_sys::global().dyn_into::<WorkerGlobalScope>().ok();
        if let Some(scope) = &scope {
            scope.set_ononline(Some(on_change.as_ref().unchecked_ref()));
            scope.set_onoffline(Some(on_change.as_ref().unchecked_ref()));
        }
        Self { scope, on_change }
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let ours: &JsValue = self.on_change.as_ref();
        // A Worker has one stream at a time; a later one's listener is left alone.
        if let Some(scope) = &self.scope
            && scope
                .ononline()
                .is_some_and(|set| *ours == JsValue::from(set))
        {
            scope.set_ononline(None);
            scope.set_onoffline(None);
        }
    }
}

fn now_ms() -> Option<f64> {
    let scope: WorkerGlobalScope = js_sys::global().dyn_into().ok()?;
    Some(scope.performance()?.now())
}
