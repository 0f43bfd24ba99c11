//! Ties the session to its Worker, its screen and the page.

use std::rc::Rc;

use api::DeviceId;
use js_sys::Uint8Array;
use leptos::prelude::*;
use leptos::task::spawn_local;
use remote_messages::ssh::{Open, Size, ToPage, ToWorker};
use web_sys::HtmlElement;

use super::chords::Chord;
use super::drawn::Drawn;
use super::keys::{Key, Modifiers};
use super::paste::{Paste, judge};
use super::screen::{Heard, Screen, Typed};
use super::session::{Action, Input, Session, Stage};
use super::settings::Settings;
use super::{links, pins};
use crate::api_client::stream_url;
use crate::pages::viewer::{Bell, DeviceSignal, Measure, Report, Worker, clipboard, service_of};
use crate::state::{Toasts, focus};
use crate::words::cleaned;

/// More of a title says nothing in a tab.
const MOST_TITLE_LETTERS: usize = 60;
/// What a way out of the terminal leads to.
const FIRST_ACTION: &str = "terminal-search-button";

/// A terminal as its parts share it.
#[derive(Clone, Copy)]
pub(super) struct Control {
    pub(super) device: DeviceSignal,
    pub(super) id: DeviceId,
    pub(super) service: StoredValue<String>,
    toasts: Toasts,
    session: StoredValue<Session, LocalStorage>,
    worker: StoredValue<Option<Worker<ToWorker>>, LocalStorage>,
    /// Counts the Workers: what an ended one still says is not heard.
    worker_number: StoredValue<u32>,
    worker_listens: StoredValue<bool>,
    opening: StoredValue<Option<String>>,
    screen: StoredValue<Option<Screen>, LocalStorage>,
    drawn: StoredValue<Drawn>,
    pub(super) stage: RwSignal<Stage>,
    /// What runs waits for the browser's next connection.
    pub(super) reconnecting: RwSignal<bool>,
    /// A shell has written here: there is something to search and to copy, also when it is over.
    pub(super) written: RwSignal<bool>,
    /// Whether the host key in use was trusted here and is not reported by the device.
    pub(super) pinned: RwSignal<bool>,
    pub(super) measure: RwSignal<Option<Measure>>,
    /// What the shell calls itself.
    pub(super) title: RwSignal<Option<String>>,
    pub(super) bell: Bell,
    pub(super) settings: RwSignal<Settings>,
    pub(super) modifiers: RwSignal<Modifiers>,
    pub(super) searching: RwSignal<bool>,
    /// On a phone the bar may be hidden; whoever leaves the terminal needs it.
    pub(super) bar: RwSignal<bool>,
    pub(super) selected: RwSignal<bool>,
    /// A text that is asked about before it goes in.
    pub(super) paste: RwSignal<Option<String>>,
    /// An address that the shell wrote other words over.
    pub(super) link: RwSignal<Option<String>>,
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
            opening: StoredValue::new(None),
            screen: StoredValue::new_local(None),
            drawn: StoredValue::new(Drawn::default()),
            written: RwSignal::new(false),
            pinned: RwSignal::new(false),
            measure: RwSignal::new(None),
            title: RwSignal::new(None),
            bell: Bell::new(),
            settings: RwSignal::new(Settings::read()),
            modifiers: RwSignal::new(Modifiers::default()),
            searching: RwSignal::new(false),
            bar: RwSignal::new(false),
            selected: RwSignal::new(false),
            paste: RwSignal::new(None),
            link: RwSignal::new(None),
        }
    }

    /// Draws the terminal into `host`, once.
    pub(super) fn draw(self, host: HtmlElement) {
        let settings = self.settings.get_untracked();
        spawn_local(async move {
            let hear = Rc::new(move |heard| self.hear(heard));
            match Screen::open(host, settings, hear).await {
                // The page may be gone by now.
                Ok(screen) => {
                    if self.screen.try_set_value(Some(screen)).is_none() {
                        self.open();
                    }
                }
                Err(_) => self.take(Input::ModuleFailed),
            }
        });
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
            Action::Start { user } => self.start(user),
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
            Action::Keep(key) => {
                self.service
                    .with_value(|service| pins::keep(self.id, service, &key.key));
            }
            Action::Begun { user } => self.begin(&user),
        }
    }

    fn start(self, user: String) {
        self.perform(Action::End);
        let number = self.worker_number.get_value();
        let worker = Worker::start("ssh", move |report| {
            if self.worker_number.try_get_value() == Some(number) {
                self.report(report);
            }
        });
        self.opening.set_value(Some(user));
        self.drawn.set_value(Drawn::default());
        self.measure.set(None);
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
        self.opening.set_value(None);
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
            Report::Message(ToPage::Traffic {
                sent_bytes,
                received_bytes,
                rtt_ms,
            }) => self.measure.set(Some(Measure {
                sent_bytes,
                received_bytes,
                rtt_ms,
            })),
            Report::Message(message) => self.take(Input::Told(message)),
            Report::Bytes(bytes) => self.output(&bytes),
            Report::Failed => self.take(Input::ModuleFailed),
        }
    }

    /// Says where to, once the Worker listens and the terminal's size is known.
    fn open(self) {
        let size = self
            .screen
            .with_value(|screen| screen.as_ref().map(Screen::size));
        let (Some(size), true) = (size, self.worker_listens.get_value()) else {
            return;
        };
        let mut user = None;
        self.opening.update_value(|opening| user = opening.take());
        let Some(user) = user else { return };
        let service = self.service.get_value();
        let reported = self.device.with_untracked(|device| {
            let service = service_of(device.as_deref(), &service);
            service.map_or_else(Vec::new, |service| service.host_keys.clone())
        });
        let known = pins::known(&reported, pins::kept(self.id, &service).as_deref());
        self.pinned.set(known.pinned);
        self.send(&ToWorker::Open(Open {
            url: stream_url(self.id, &service),
            user,
            size,
            host_keys: known.keys,
        }));
        self.take(Input::Loaded);
    }

    fn begin(self, user: &str) {
        self.service
            .with_value(|service| pins::keep_user(self.id, service, user));
        self.title.set(None);
        self.written.set(true);
        self.with_screen(|screen| {
            screen.reset();
            screen.focus();
        });
    }

    fn send(self, message: &ToWorker) {
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                worker.send(message);
            }
        });
    }

    fn output(self, bytes: &Uint8Array) {
        let length = bytes.length();
        self.drawn.update_value(|drawn| drawn.handed_over(length));
        let number = self.worker_number.get_value();
        self.with_screen(|screen| screen.write(bytes, move || self.note_drawn(length, number)));
    }

    fn note_drawn(self, bytes: u32, number: u32) {
        // What an ended Worker wrote is no business of the next one.
        if self.worker_number.try_get_value() != Some(number) {
            return;
        }
        let mut told = None;
        self.drawn.update_value(|drawn| told = drawn.drawn(bytes));
        if let Some(bytes) = told {
            self.send(&ToWorker::Drawn { bytes });
        }
    }

    fn hear(self, heard: Heard) {
        if self.stage.try_with_untracked(|_| ()).is_none() {
            return;
        }
        match heard {
            Heard::Typed(typed) => self.typed(typed),
            Heard::Resized(size) => self.resized(size),
            Heard::Title(title) => self.title.set(cleaned(&title, MOST_TITLE_LETTERS)),
            Heard::Bell => self.bell.ring(),
            Heard::Link {
                address,
                named: false,
            } => links::open(&address),
            Heard::Link {
                address,
                named: true,
            } => self.link.set(Some(address)),
            Heard::Pasted(text) => self.paste_judged(&text),
            Heard::Chord(chord) => self.chord(chord),
            Heard::Selected(selected) => self.selected.set(selected),
        }
    }

    pub(super) fn is_running(self) -> bool {
        self.stage.with_untracked(|stage| *stage == Stage::Running)
    }

    fn typed(self, typed: Typed) {
        if !self.is_running() {
            return;
        }
        let bytes = match typed {
            Typed::Binary(text) => text.chars().map(|letter| letter as u8).collect(),
            Typed::Text(text) => {
                let mut changed = None;
                if self.modifiers.with_untracked(Modifiers::is_on) {
                    self.modifiers.update(|held| changed = held.typed(&text));
                }
                changed.unwrap_or(text).into_bytes()
            }
        };
        self.worker.with_value(|worker| {
            if let Some(worker) = worker {
                worker.send_bytes(&bytes);
            }
        });
    }

    fn resized(self, size: Size) {
        if self.is_running() {
            self.send(&ToWorker::Resize(size));
        }
    }

    /// A key of the row above a phone's keyboard.
    pub(super) fn press(self, key: Key) {
        self.with_screen(|screen| {
            let application = screen.terminal().modes().application_cursor_keys();
            let mut bytes = String::new();
            self.modifiers
                .update(|held| bytes = held.press(key, application));
            screen.terminal().input(&bytes, true);
        });
    }

    pub(super) fn chord(self, chord: Chord) {
        match chord {
            Chord::Copy => self.copy(),
            Chord::Paste => self.paste(),
            Chord::Search => self.searching.set(true),
            Chord::Larger => self.change_settings(Settings::larger),
            Chord::Smaller => self.change_settings(Settings::smaller),
            Chord::UsualSize => self.change_settings(Settings::usual),
            Chord::Leave => {
                self.bar.set(true);
                focus(FIRST_ACTION);
            }
        }
    }

    pub(super) fn change_settings(self, change: impl FnOnce(Settings) -> Settings) {
        let settings = change(self.settings.get_untracked());
        settings.keep();
        self.settings.set(settings);
        self.with_screen(|screen| screen.apply(settings));
    }

    pub(super) fn copy(self) {
        let mut text = String::new();
        self.with_screen(|screen| text = screen.terminal().selection());
        if text.is_empty() {
            return;
        }
        let toasts = self.toasts;
        spawn_local(async move {
            if clipboard::write(&text).await {
                toasts.done("Copied");
            } else {
                toasts.refused(
                    "Your browser does not let this page copy. Select, then use its own menu.",
                );
            }
        });
    }

    /// By a button or a menu: the browser may ask whether this page may read the clipboard.
    pub(super) fn paste(self) {
        spawn_local(async move {
            match clipboard::read().await {
                Some(text) => self.paste_judged(&text),
                None => self.toasts.refused(
                    "Your browser does not let this page read the clipboard. Press Ctrl+Shift+V in the terminal.",
                ),
            }
        });
    }

    fn paste_judged(self, text: &str) {
        if self
            .stage
            .try_with_untracked(|stage| *stage == Stage::Running)
            != Some(true)
        {
            return;
        }
        let mut bracketed = false;
        self.with_screen(|screen| bracketed = screen.terminal().modes().bracketed_paste());
        match judge(text, bracketed) {
            Paste::Nothing => {}
            Paste::Now(text) => self.with_screen(|screen| screen.paste(&text)),
            Paste::Ask(text) => self.paste.set(Some(text)),
        }
    }

    /// Does something with the terminal, once it is drawn and while the page is there.
    pub(super) fn with_screen(self, act: impl FnOnce(&Screen)) {
        self.screen.try_with_value(|screen| {
            if let Some(screen) = screen {
                act(screen);
            }
        });
    }
}
