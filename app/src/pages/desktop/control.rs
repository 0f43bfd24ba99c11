//! Ties the session to its Worker, its canvas and the page.

use api::DeviceId;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use remote_messages::vnc::{Quality, ToPage, ToWorker};
use web_sys::OffscreenCanvas;

use super::geometry::Zoom;
use super::held::{Held, Stroke};
use super::session::{Action, Input, Session, Stage};
use super::{screenshot, settings};
use crate::api_client::stream_url;
use crate::pages::viewer::{Bell, DeviceSignal, Measure, Report, Worker, clipboard};
use crate::state::{Toasts, focus};
use crate::words::{cleaned, legible};

/// More of a name says nothing in a tab.
const MOST_NAME_LETTERS: usize = 60;
/// What a way out of the desktop leads to.
pub(super) const FIRST_ACTION: &str = "desktop-clipboard-button";
/// The hidden field that has the keyboard.
pub(super) const KEYS: &str = "desktop-keys";
const WHEEL_UP: u8 = 8;
const WHEEL_DOWN: u8 = 16;
const WHEEL_LEFT: u8 = 32;
const WHEEL_RIGHT: u8 = 64;

/// A desktop as its parts share it.
#[derive(Clone, Copy)]
pub(super) struct Control {
    pub(super) device: DeviceSignal,
    pub(super) id: DeviceId,
    pub(super) service: StoredValue<String>,
    pub(super) toasts: Toasts,
    session: StoredValue<Session, LocalStorage>,
    worker: StoredValue<Option<Worker<ToWorker>>, LocalStorage>,
    /// Counts the Workers: what an ended one still says is not heard.
    worker_number: StoredValue<u32>,
    worker_listens: StoredValue<bool>,
    canvas: StoredValue<Option<OffscreenCanvas>, LocalStorage>,
    /// Counts the canvases: each Worker has one of its own, for a browser gives a canvas away only
    /// once. The last picture stays on the last one.
    pub(super) number: RwSignal<u32>,
    pub(super) stage: RwSignal<Stage>,
    /// What runs waits for the browser's next connection.
    pub(super) reconnecting: RwSignal<bool>,
    /// Of the desktop, in its pixels.
    pub(super) size: RwSignal<Option<(u16, u16)>>,
    pub(super) zoom: RwSignal<Zoom>,
    /// The room for the picture, in the page's pixels.
    pub(super) room: RwSignal<(f64, f64)>,
    /// As a style sheet has it.
    pub(super) cursor: RwSignal<String>,
    pub(super) measure: RwSignal<Option<Measure>>,
    /// What the desktop calls itself.
    pub(super) name: RwSignal<Option<String>>,
    pub(super) bell: Bell,
    pub(super) quality: RwSignal<Quality>,
    pub(super) held: RwSignal<Held>,
    /// The text of the desktop's clipboard, or what is to be sent to it.
    pub(super) clipboard: RwSignal<String>,
    pub(super) clipboard_open: RwSignal<bool>,
    /// On a phone the bar may be hidden; whoever leaves the desktop needs it.
    pub(super) bar: RwSignal<bool>,
}

impl Control {
    pub(super) fn new(device: DeviceSignal, id: DeviceId, service: String, online: bool) -> Self {
        let session = Session::new(online);
        Self {
            device,
            id,
            service: StoredValue::new(service),
            toasts: Toasts::expect(),
            stage: RwSignal::new(session.stage().clone()),
            reconnecting: RwSignal::new(false),
            session: StoredValue::new_local(session),
            worker: StoredValue::new_local(None),
            worker_number: StoredValue::new(0),
            worker_listens: StoredValue::new(false),
            canvas: StoredValue::new_local(None),
            number: RwSignal::new(0),
            size: RwSignal::new(None),
            zoom: RwSignal::new(Zoom::default()),
            room: RwSignal::new((0.0, 0.0)),
            cursor: RwSignal::new(String::new()),
            measure: RwSignal::new(None),
            name: RwSignal::new(None),
            bell: Bell::new(),
            quality: RwSignal::new(settings::quality()),
            held: RwSignal::new(Held::default()),
            clipboard: RwSignal::new(String::new()),
            clipboard_open: RwSignal::new(false),
            bar: RwSignal::new(false),
        }
    }

    /// Lets the session go on, and does what it asks for.
    pub(super) fn take(self, input: Input) {
        let mut next = None;
        self.session.try_update_value(|session| {
            let actions = session.take(input);
            next = Some((actions, session.stage().clone(), session.is_reconnecting()));
        });
        let Some((actions, stage, reconnecting)) = next else {
            return;
        };
        if self.reconnecting.get_untracked() != reconnecting {
            self.reconnecting.set(reconnecting);
        }
        for action in actions {
            self.perform(action);
        }
        if self.stage.with_untracked(|before| *before != stage) {
            self.stage.set(stage);
        }
    }

    fn perform(self, action: Action) {
        match action {
            Action::Start => self.start(),
            Action::Send(message) => self.send(&message),
            Action::End => {
                let old = self.detach();
                // A listener of it may be what is just running: it must have returned by then.
                spawn_local(async move { drop(old) });
            }
            Action::Leave => {
                if let Some(old) = self.detach() {
                    old.leave(&ToWorker::Close);
                }
            }
        }
    }

    fn start(self) {
        self.perform(Action::End);
        let number = self.worker_number.get_value();
        let worker = Worker::start("vnc", move |report| {
            if self.worker_number.try_get_value() == Some(number) {
                self.report(report);
            }
        });
        self.number
            .update(|number| *number = number.wrapping_add(1));
        self.measure.set(None);
        self.size.set(None);
        self.cursor.set(String::new());
        if worker.is_none() {
            // Later: the session is just now at work.
            spawn_local(async move { self.take(Input::ModuleFailed) });
        }
        self.worker.set_value(worker);
    }

    /// The Worker is not heard any more.
    fn detach(self) -> Option<Worker<ToWorker>> {
        self.worker_number
            .update_value(|number| *number = number.wrapping_add(1));
        self.worker_listens.set_value(false);
        let mut old = None;
        self.worker.update_value(|worker| old = worker.take());
        old
    }

    fn report(self, report: Report<ToPage>) {
        match report {
            Report::Ready => {
                self.worker_listens.set_value(true);
                self.open();
            }
            Report::Message(message) => self.told(message),
            Report::Bytes(bytes) => self.save_screenshot(&bytes),
            Report::Failed => self.take(Input::ModuleFailed),
        }
    }

    fn told(self, message: ToPage) {
        match message {
            ToPage::Traffic {
                sent_bytes,
                received_bytes,
                rtt_ms,
            } => self.measure.set(Some(Measure {
                sent_bytes,
                received_bytes,
                rtt_ms,
            })),
            ToPage::Name { name } => self.name.set(cleaned(&name, MOST_NAME_LETTERS)),
            ToPage::Resized { width, height } => self.size.set(Some((width, height))),
            ToPage::ResizeRefused => self
                .toasts
                .refused("The device's desktop keeps the size that it has."),
            ToPage::Cursor {
                image,
                hot_x,
                hot_y,
            } => self.cursor.set(match image {
                Some(image) => format!("url({image}) {hot_x} {hot_y}, default"),
                None => "none".to_owned(),
            }),
            ToPage::Clipboard { text } => self.clipboard.set(text),
            ToPage::Bell => self.bell.ring(),
            ToPage::Refreshed { .. } => {}
            other => self.take(Input::Told(other)),
        }
    }

    /// The page has a new canvas: the Worker that is starting draws on it.
    pub(super) fn draw_on(self, canvas: OffscreenCanvas) {
        self.canvas.set_value(Some(canvas));
        self.open();
    }

    /// Says where to, once the Worker listens and has something to draw on.
    fn open(self) {
        if !self.worker_listens.get_value() {
            return;
        }
        let mut canvas = None;
        self.canvas.update_value(|kept| canvas = kept.take());
        let Some(canvas) = canvas else { return };
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                worker.give(&canvas, &canvas);
            }
        });
        self.send(&ToWorker::Open {
            url: self
                .service
                .with_value(|service| stream_url(self.id, service)),
            quality: self.quality.get_untracked(),
            encodings: None,
        });
        self.take(Input::Loaded);
    }

    pub(super) fn is_running(self) -> bool {
        self.stage
            .try_with_untracked(|stage| *stage == Stage::Running)
            == Some(true)
    }

    fn send(self, message: &ToWorker) {
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                worker.send(message);
            }
        });
    }

    /// Tells the desktop, if it is there.
    pub(super) fn say(self, message: &ToWorker) {
        if self.is_running() {
            self.send(message);
        }
    }

    /// The pointer is there, with these buttons (RFB's numbers) down.
    pub(super) fn point(self, (x, y): (u16, u16), buttons: u8) {
        self.say(&ToWorker::Pointer { x, y, buttons });
    }

    /// The left or right button, down and up.
    pub(super) fn click(self, at: (u16, u16), button: u8) {
        self.point(at, button);
        self.point(at, 0);
    }

    /// Turns the wheel by so many notches to the right and down, with these buttons down.
    pub(super) fn turn(self, at: (u16, u16), buttons: u8, (right, down): (i32, i32)) {
        let wheels = [
            (down, WHEEL_DOWN, WHEEL_UP),
            (right, WHEEL_RIGHT, WHEEL_LEFT),
        ];
        for (notches, forth, back) in wheels {
            let wheel = if notches > 0 { forth } else { back };
            for _ in 0..notches.unsigned_abs() {
                self.point(at, buttons | wheel);
                self.point(at, buttons);
            }
        }
    }

    /// Keys of the row above a phone's keyboard, or of that keyboard, with what is held.
    pub(super) fn strike(self, stroke: Stroke) {
        let mut messages = Vec::new();
        self.held.update(|held| messages = held.strike(&stroke));
        for message in messages {
            self.say(&message);
        }
    }

    pub(super) fn choose_quality(self, quality: Quality) {
        settings::keep_quality(quality);
        self.quality.set(quality);
        self.say(&ToWorker::Quality { quality });
    }

    /// Asks for a desktop of the room's size.
    pub(super) fn resize_to_room(self) {
        let (width, height) = self.room.get_untracked();
        // Screens are at most a few thousand pixels wide.
        let (width, height) = (width.max(1.0) as u16, height.max(1.0) as u16);
        self.zoom.set(Zoom::Fit);
        self.say(&ToWorker::Resize { width, height });
    }

    /// This computer's text becomes the desktop's.
    pub(super) fn send_clipboard(self, text: String) {
        self.clipboard.set(text.clone());
        self.say(&ToWorker::Clipboard { text });
    }

    pub(super) fn copy_clipboard(self) {
        let text = self.clipboard.get_untracked();
        let toasts = self.toasts;
        spawn_local(async move {
            if clipboard::write(&text).await {
                toasts.done("Copied");
            } else {
                toasts.refused(
                    "Your browser does not let this page copy. Select the text, then copy it.",
                );
            }
        });
    }

    fn save_screenshot(self, png: &Uint8Array) {
        let name = self.device.with_untracked(|device| {
            let device = device.as_ref();
            device
                .map(|device| legible(&device.name))
                .unwrap_or_default()
        });
        if screenshot::save(png, &name).is_none() {
            self.toasts
                .refused("Your browser does not let this page save a picture.");
        }
    }

    /// Takes the focus out of the desktop, which takes every key.
    pub(super) fn leave(self) {
        self.bar.set(true);
        focus(FIRST_ACTION);
    }
}
