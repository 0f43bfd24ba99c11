//! Fingers on the picture.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Event, HtmlElement, TouchEvent};

use super::control::Control;
use super::geometry::{Notches, Zoom, pinched, scale, scrolled};
use super::gestures::{Act, Gestures, Point, STAYS_MS};
use super::picture::place;
use crate::state::window;

const LEFT: u8 = 1;
const RIGHT: u8 = 4;
/// Fingers move less than wheels.
const NOTCH_PX: f64 = 30.0;

struct Fingers {
    control: Control,
    room: HtmlElement,
    gestures: RefCell<Gestures>,
    stays: RefCell<Option<Timeout>>,
    wheels: Cell<(Notches, Notches)>,
}

/// What hears an event.
type Take = fn(&Rc<Fingers>, &TouchEvent);

/// Listens until dropped.
pub(super) fn listen(control: Control, room: &HtmlElement) -> Vec<EventListener> {
    let fingers = Rc::new(Fingers {
        control,
        room: room.clone(),
        gestures: RefCell::default(),
        stays: RefCell::default(),
        wheels: Cell::default(),
    });
    let heard: [(&'static str, Take); 4] = [
        ("touchstart", Fingers::start),
        ("touchmove", Fingers::moved),
        ("touchend", Fingers::end),
        ("touchcancel", Fingers::cancel),
    ];
    heard
        .into_iter()
        .map(|(name, take)| {
            let fingers = Rc::clone(&fingers);
            let options = EventListenerOptions::enable_prevent_default();
            EventListener::new_with_options(room, name, options, move |event: &Event| {
                if let Some(event) = event.dyn_ref::<TouchEvent>() {
                    // No scrolling, no zooming of the page, and no clicks made of it.
                    event.prevent_default();
                    take(&fingers, event);
                }
            })
        })
        .collect()
}

impl Fingers {
    fn start(self: &Rc<Self>, event: &TouchEvent) {
        let (waits, act) = self.gestures.borrow_mut().down(&points(event));
        self.stays.replace(waits.then(|| {
            let fingers = Rc::clone(self);
            Timeout::new(STAYS_MS, move || {
                let act = fingers.gestures.borrow_mut().stays();
                fingers.perform(act);
            })
        }));
        self.perform(act);
    }

    fn moved(self: &Rc<Self>, event: &TouchEvent) {
        let acts = self.gestures.borrow_mut().moved(&points(event));
        for act in acts {
            self.perform(Some(act));
        }
    }

    fn end(self: &Rc<Self>, event: &TouchEvent) {
        let left = event.touches().length() as usize;
        let act = self.gestures.borrow_mut().up(left, event.time_stamp());
        self.stays.replace(None);
        self.perform(act);
    }

    fn cancel(self: &Rc<Self>, _: &TouchEvent) {
        let act = self.gestures.borrow_mut().cancel();
        self.stays.replace(None);
        self.perform(act);
    }

    fn perform(&self, act: Option<Act>) {
        match act {
            None => {}
            Some(Act::Click(at)) => self.at(at, |control, at| {
                // The desktop sees the pointer come before it is pressed.
                control.point(at, 0);
                control.click(at, LEFT);
            }),
            Some(Act::RightClick(at)) => {
                buzz();
                self.at(at, |control, at| {
                    control.point(at, 0);
                    control.click(at, RIGHT);
                });
            }
            Some(Act::Press(at)) => self.at(at, |control, at| {
                control.point(at, 0);
                control.point(at, LEFT);
            }),
            Some(Act::Drag(at)) => self.at(at, |control, at| control.point(at, LEFT)),
            Some(Act::Release(at)) => self.at(at, |control, at| control.point(at, 0)),
            Some(Act::Zoom { factor, around, by }) => self.zoom(factor, around, by),
            Some(Act::Scroll { by, at }) => self.scroll(by, at),
        }
    }

    fn at(&self, point: Point, act: impl FnOnce(Control, (u16, u16))) {
        if let Some(at) = place(self.control, &self.room, point) {
            act(self.control, at);
        }
    }

    fn zoom(&self, factor: f64, around: Point, by: Point) {
        let control = self.control;
        let Some(size) = control.size.get_untracked() else {
            return;
        };
        let room_size = control.room.get_untracked();
        let before = scale(control.zoom.get_untracked(), size, room_size);
        let fits = scale(Zoom::Fit, size, room_size);
        let zoom = pinched(before, factor, fits);
        let grown = scale(zoom, size, room_size) / before;
        control.zoom.set(zoom);
        let shown = self.room.get_bounding_client_rect();
        let left = scrolled(
            f64::from(self.room.scroll_left()),
            around.0 - shown.left(),
            grown,
        );
        let top = scrolled(
            f64::from(self.room.scroll_top()),
            around.1 - shown.top(),
            grown,
        );
        let room = self.room.clone();
        // Once the picture has its new size.
        request_animation_frame(move || {
            room.set_scroll_left((left - by.0).round() as i32);
            room.set_scroll_top((top - by.1).round() as i32);
        });
    }

    /// What is larger than its room moves in it; the rest of the way is the desktop's wheel.
    fn scroll(&self, by: Point, at: Point) {
        let before = (self.room.scroll_left(), self.room.scroll_top());
        self.room.set_scroll_left(before.0 - by.0.round() as i32);
        self.room.set_scroll_top(before.1 - by.1.round() as i32);
        let took = (
            f64::from(before.0 - self.room.scroll_left()),
            f64::from(before.1 - self.room.scroll_top()),
        );
        let (mut right, mut down) = self.wheels.get();
        let rest = |by: f64, took: f64| if took == 0.0 { -by } else { 0.0 };
        let notches = (
            right.turn(rest(by.0, took.0), NOTCH_PX),
            down.turn(rest(by.1, took.1), NOTCH_PX),
        );
        self.wheels.set((right, down));
        self.at(at, |control, at| control.turn(at, 0, notches));
    }
}

fn points(event: &TouchEvent) -> Vec<Point> {
    let touches = event.touches();
    (0..touches.length())
        .filter_map(|at| touches.get(at))
        .map(|touch| (f64::from(touch.client_x()), f64::from(touch.client_y())))
        .collect()
}

/// The finger hides what it presses: phones tell by a buzz that it stayed long enough.
fn buzz() {
    const BUZZ_MS: u32 = 20;
    if let Some(window) = window() {
        let _ = window.navigator().vibrate_with_duration(BUZZ_MS);
    }
}
