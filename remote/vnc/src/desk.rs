//! One desktop: the client, what it draws on, and who is told.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use gloo_timers::future::TimeoutFuture;
use js_sys::{Array, Uint8Array};
use remote_messages::vnc::{self, Ended, ToPage, ToWorker};
use remote_stream::{LinkState, Stream, Watch};
use tokio::sync::Notify;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::spawn_local;
use web_sys::{DedicatedWorkerGlobalScope, console};
use zeroize::Zeroizing;

use crate::canvas::{Canvas, cursor_url};
use crate::ended;
use crate::photo::Darkroom;
use crate::rfb::{Buttons, Client, Event, Keyboard, Pace, Platform, Press, Quality};

const TRAFFIC_EVERY_MS: u32 = 2_000;
/// Of an update that takes longer, what has come is drawn so often: on a slow line a picture grows
/// before one's eyes. Not more often: on a fast line 16 ms cost more than they saved.
const DRAW_EVERY_MS: f64 = 100.0;

pub(crate) struct Desk {
    client: RefCell<Client>,
    keyboard: RefCell<Keyboard>,
    canvas: Canvas,
    darkroom: Darkroom,
    pace: RefCell<Pace>,
    chosen: Cell<vnc::Quality>,
    drawn: Cell<bool>,
    drawn_at_ms: Cell<f64>,
    /// Rectangles that had come when that was looked at last.
    painted: Cell<u64>,
    /// Since when the page waits for a whole picture.
    refreshes_since_ms: Cell<Option<f64>>,
    /// There is something to send, or it is over.
    output: Notify,
    /// What was to be sent is on its way.
    taken: Notify,
    closed: Cell<bool>,
}

impl Desk {
    pub(crate) fn new(
        canvas: Canvas,
        darkroom: Darkroom,
        quality: vnc::Quality,
        encodings: Option<&[i32]>,
    ) -> Rc<Self> {
        let desk = Self {
            client: RefCell::default(),
            keyboard: RefCell::new(Keyboard::new(platform())),
            canvas,
            darkroom,
            pace: RefCell::default(),
            chosen: Cell::new(quality),
            drawn: Cell::new(false),
            drawn_at_ms: Cell::new(0.0),
            painted: Cell::new(0),
            refreshes_since_ms: Cell::new(None),
            output: Notify::new(),
            taken: Notify::new(),
            closed: Cell::new(false),
        };
        if let Some(fixed) = fixed(quality) {
            desk.client.borrow_mut().set_quality(fixed);
        }
        if let Some(encodings) = encodings {
            desk.client.borrow_mut().limit_encodings(encodings);
        }
        Rc::new(desk)
    }

    /// Serves until it ends.
    pub(crate) async fn serve(self: &Rc<Self>, stream: Stream) -> Ended {
        let watch = stream.watch();
        let ended = tokio::select! {
            ended = self.read(&stream) => ended,
            ended = self.write(&stream) => ended,
            () = tell_traffic(&watch) => Ended::Disconnected,
            never = tell_link(&watch) => match never {},
        };
        match (ended, watch.fault()) {
            _ if self.closed.get() => Ended::Closed,
            (Ended::Disconnected, Some(fault)) => Ended::Stream { fault },
            (ended, _) => ended,
        }
    }

    async fn read(self: &Rc<Self>, stream: &Stream) -> Ended {
        loop {
            // A server that wants answers and does not take them is not read from meanwhile; nor
            // one whose JPEGs are being decoded, where what follows needs them.
            while self.client.borrow().is_stalled() {
                self.taken.notified().await;
            }
            let outcome = match stream.next_bytes().await {
                Ok(bytes) if !bytes.is_empty() => {
                    let length = bytes.len();
                    let mut client = self.client.borrow_mut();
                    let outcome = client.take(bytes);
                    let now = Duration::from_secs_f64(now_ms() / 1000.0);
                    let mut pace = self.pace.borrow_mut();
                    pace.came(now, length as u64, client.is_updating());
                    outcome
                }
                _ => self.client.borrow_mut().end(),
            };
            self.went_on();
            if let Err(error) = outcome {
                return ended::of(error);
            }
            let is_updating = self.client.borrow().is_updating();
            if is_updating && now_ms() - self.drawn_at_ms.get() >= DRAW_EVERY_MS {
                self.draw();
            }
        }
    }

    async fn write(self: &Rc<Self>, stream: &Stream) -> Ended {
        loop {
            let output = self.client.borrow_mut().take_output();
            // A session that waited for this has gone on, maybe to its end.
            self.take_jpegs();
            self.take_events();
            let outcome = self.client.borrow().outcome();
            if let Err(error) = outcome {
                return ended::of(error);
            }
            if !output.is_empty() && stream.send(&output).await.is_err() {
                return Ended::Disconnected;
            }
            self.taken.notify_one();
            if self.closed.get() {
                let _ = stream.finish().await;
                return Ended::Closed;
            }
            if output.is_empty() {
                self.output.notified().await;
            }
        }
    }

    /// The session has gone on: takes what it has for others.
    fn went_on(self: &Rc<Self>) {
        self.take_jpegs();
        self.take_events();
        self.output.notify_one();
    }

    fn take_jpegs(self: &Rc<Self>) {
        let jpegs = self.client.borrow_mut().take_jpegs();
        for jpeg in jpegs {
            let desk = Rc::clone(self);
            spawn_local(async move {
                let number = jpeg.number;
                let pixels = desk.darkroom.pixels(jpeg).await.ok();
                // If it ends the session, the writer learns it.
                let _ = desk.client.borrow_mut().put_jpeg(number, pixels.as_deref());
                desk.went_on();
                desk.taken.notify_one();
            });
        }
    }

    fn take_events(self: &Rc<Self>) {
        loop {
            let event = self.client.borrow_mut().poll_event();
            match event {
                None => return,
                Some(Event::UpdateEnd) => self.updated(),
                Some(Event::Resized { width, height }) => {
                    self.canvas.resize(width, height);
                    tell(&ToPage::Resized { width, height });
                }
                Some(Event::Cursor(cursor)) => spawn_local(async move {
                    let image = cursor_url(&cursor).await.unwrap_or(None);
                    tell(&ToPage::Cursor {
                        image,
                        hot_x: cursor.hot_x,
                        hot_y: cursor.hot_y,
                    });
                }),
                Some(Event::PasswordWanted) => tell(&ToPage::PasswordWanted),
                Some(Event::Name(name)) => tell(&ToPage::Name { name }),
                Some(Event::Clipboard(text)) => tell(&ToPage::Clipboard { text }),
                Some(Event::Bell) => tell(&ToPage::Bell),
                Some(Event::ResizeRefused) => tell(&ToPage::ResizeRefused),
            }
        }
    }

    fn draw(&self) {
        let drawn = self
            .client
            .borrow_mut()
            .with_screen(|screen| self.canvas.draw(screen));
        if drawn.is_err() {
            console::warn_1(&"vnc: the browser does not draw".into());
        }
        self.drawn_at_ms.set(now_ms());
    }

    /// Draws, and asks for more once it is on the screen: a page that nobody sees asks for nothing.
    fn updated(self: &Rc<Self>) {
        self.draw();
        if self.has_painted() {
            if !self.drawn.replace(true) {
                tell(&ToPage::Running);
            }
            if let Some(since_ms) = self.refreshes_since_ms.take() {
                let rectangles = self.client.borrow().rectangles();
                tell(&ToPage::Refreshed {
                    rectangles,
                    // A clock that goes forward, and no desktop lives for centuries.
                    took_us: ((now_ms() - since_ms) * 1000.0) as u64,
                });
            }
        }
        let measured = self.pace.borrow().quality();
        let quality = fixed(self.chosen.get()).unwrap_or(measured);
        self.client.borrow_mut().set_quality(quality);
        let desk = Rc::clone(self);
        after_frame(move || {
            desk.client.borrow_mut().request_update();
            desk.output.notify_one();
        });
    }

    /// Whether pixels have come since this was asked last: many updates tell a size, a name or a
    /// pointer alone.
    fn has_painted(&self) -> bool {
        let rectangles = self.client.borrow().rectangles();
        let count = rectangles.iter().map(|(_, count)| u64::from(*count)).sum();
        self.painted.replace(count) != count
    }

    /// A message of the page.
    pub(crate) fn say(self: &Rc<Self>, message: ToWorker) {
        if is_an_act(&message) {
            self.client.borrow_mut().set_clipboard_enabled(true);
        }
        match message {
            ToWorker::Open { .. } => {}
            ToWorker::Password { password } => {
                // If it ends the session, the reader learns it from the next read.
                let _ = self
                    .client
                    .borrow_mut()
                    .answer_password(Zeroizing::new(password));
            }
            ToWorker::Key {
                key,
                code,
                location,
                down,
            } => {
                let press = Press {
                    key: &key,
                    code: &code,
                    location,
                };
                let mut keyboard = self.keyboard.borrow_mut();
                let events = if down {
                    keyboard.down(press)
                } else {
                    keyboard.up(&code)
                };
                self.send_keys(&events);
            }
            ToWorker::Text { text } => self.send_keys(&Keyboard::text(&text)),
            ToWorker::ControlAltDelete => self.send_keys(&Keyboard::control_alt_delete()),
            ToWorker::Blur => {
                let events = self.keyboard.borrow_mut().release_all();
                self.send_keys(&events);
            }
            ToWorker::Pointer { x, y, buttons } => {
                self.client.borrow_mut().pointer(x, y, Buttons(buttons));
            }
            ToWorker::Clipboard { text } => self.client.borrow_mut().set_clipboard(&text),
            ToWorker::Resize { width, height } => self.client.borrow_mut().resize(width, height),
            ToWorker::Quality { quality } => {
                self.chosen.set(quality);
                if let Some(fixed) = fixed(quality) {
                    self.client.borrow_mut().set_quality(fixed);
                }
            }
            ToWorker::Refresh => {
                self.refreshes_since_ms.set(Some(now_ms()));
                self.client.borrow_mut().refresh();
            }
            ToWorker::Screenshot => {
                let desk = Rc::clone(self);
                spawn_local(async move {
                    match desk.canvas.png().await {
                        Ok(png) => post_bytes(&png),
                        Err(_) => console::warn_1(&"vnc: no screenshot".into()),
                    }
                });
            }
            ToWorker::Close => self.closed.set(true),
        }
        self.output.notify_one();
    }

    fn send_keys(&self, events: &[(u32, bool)]) {
        let mut client = self.client.borrow_mut();
        for (keysym, down) in events {
            client.key(*keysym, *down);
        }
    }
}

/// Before somebody has done something on this desktop it learns nothing of clipboards, nor tells
/// (S43): to look at it is not to use it.
fn is_an_act(message: &ToWorker) -> bool {
    match message {
        ToWorker::Key { down, .. } => *down,
        ToWorker::Pointer { buttons, .. } => *buttons != 0,
        ToWorker::Text { .. } | ToWorker::Clipboard { .. } => true,
        _ => false,
    }
}

fn platform() -> Platform {
    let name = scope().map(|scope| scope.navigator().platform());
    let apple = ["Mac", "iPhone", "iPad", "iPod"];
    match name.and_then(Result::ok) {
        Some(name) if apple.iter().any(|start| name.starts_with(start)) => Platform::Apple,
        _ => Platform::Other,
    }
}

fn fixed(quality: vnc::Quality) -> Option<Quality> {
    match quality {
        vnc::Quality::Automatic => None,
        vnc::Quality::Lossless => Some(Quality::Lossless),
        vnc::Quality::High => Some(Quality::High),
        vnc::Quality::Medium => Some(Quality::Medium),
        vnc::Quality::Low => Some(Quality::Low),
    }
}

/// Tells the page when the connection is lost and found again.
async fn tell_link(watch: &Watch) -> Infallible {
    let mut state = LinkState::Connected;
    loop {
        state = watch.link_changed(state).await;
        tell(&match state {
            LinkState::Connected => ToPage::Reconnected,
            LinkState::Reconnecting { .. } => ToPage::Reconnecting,
        });
    }
}

async fn tell_traffic(watch: &Watch) {
    let mut last = None;
    loop {
        let stats = watch.stats();
        if last.replace(stats) != Some(stats) {
            tell(&ToPage::Traffic {
                sent_bytes: stats.sent_bytes,
                received_bytes: stats.received_bytes,
                rtt_ms: stats
                    .rtt
                    .and_then(|rtt| u32::try_from(rtt.as_millis()).ok()),
            });
        }
        TimeoutFuture::new(TRAFFIC_EVERY_MS).await;
    }
}

/// Tells the page.
pub(crate) fn tell(message: &ToPage) {
    if let (Ok(json), Some(scope)) = (serde_json::to_string(message), scope()) {
        let _ = scope.post_message(&JsValue::from_str(&json));
    }
}

fn post_bytes(bytes: &Uint8Array) {
    if let Some(scope) = scope() {
        let _ = scope.post_message_with_transfer(bytes, &Array::of1(&bytes.buffer()));
    }
}

pub(crate) fn scope() -> Option<DedicatedWorkerGlobalScope> {
    js_sys::global().dyn_into().ok()
}

fn now_ms() -> f64 {
    scope()
        .and_then(|scope| scope.performance())
        .map_or(0.0, |performance| performance.now())
}

fn after_frame(then: impl FnOnce() + 'static) {
    let then = Closure::once_into_js(then);
    if let Some(scope) = scope() {
        let _ = scope.request_animation_frame(then.unchecked_ref());
    }
}
