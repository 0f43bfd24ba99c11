//! The picture and what a mouse or a pen does on it.

use gloo_events::{EventListener, EventListenerOptions};
use leptos::html;
use leptos::prelude::*;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Event, HtmlElement, PointerEvent, ResizeObserver, WheelEvent};

use super::control::{Control, KEYS};
use super::geometry::{Notches, Zoom, pixel, scale};
use super::{keyboard, touch};
use crate::state::{focus, window};
use crate::words::legible;

/// A notch of a wheel, as browsers tell it, at least.
const NOTCH_PX: f64 = 60.0;
/// A line and a page of a wheel that tells those.
const LINE_PX: f64 = 40.0;
const PAGE_PX: f64 = 400.0;

/// The picture in its room, and the hidden field that has the keyboard.
#[component]
pub(super) fn Picture(control: Control) -> impl IntoView {
    let room = NodeRef::<html::Div>::new();
    let field = NodeRef::<html::Textarea>::new();
    Effect::new(move |drawn: Option<bool>| {
        if drawn == Some(true) {
            return true;
        }
        let (Some(room), Some(field)) = (room.get(), field.get()) else {
            return false;
        };
        measure(control, &room);
        let mut listeners = keyboard::listen(control, &field);
        listeners.extend(listen(control, &room));
        // Held by the owner, so that they end with it.
        StoredValue::new_local((listeners, touch::listen(control, &room)));
        true
    });
    let name = control.device.with_untracked(|device| {
        let device = device.as_ref();
        device
            .map(|device| legible(&device.name))
            .unwrap_or_default()
    });
    let fits = Memo::new(move |_| control.zoom.get() == Zoom::Fit);
    view! {
        <div
            class="desk"
            class:desk--fits=move || fits.get()
            class:desk--rings=move || control.bell.rings.get()
            role="region"
            aria-label=format!("Screen of {name}")
            node_ref=room
        >
            <textarea
                class="desk__keys"
                id=KEYS
                node_ref=field
                aria-label=format!("Keyboard of the desktop. {} leads out of it.", keyboard::LEAVE)
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
            ></textarea>
            // By its number: another one must be another node.
            <For
                each=move || [control.number.get()]
                key=|number| *number
                children=move |number| view! { <Canvas control=control number=number /> }
            />
        </div>
    }
}

/// One Worker's canvas: it gets all that a new one has.
#[component]
fn Canvas(control: Control, number: u32) -> impl IntoView {
    let node = NodeRef::<html::Canvas>::new();
    Effect::new(move |given: Option<bool>| {
        if given == Some(true) {
            return true;
        }
        let Some(canvas) = node.get() else {
            return false;
        };
        if control.number.get_untracked() == number {
            if let Ok(offscreen) = canvas.transfer_control_to_offscreen() {
                control.draw_on(offscreen);
            }
        }
        true
    });
    let shown = move || {
        let size = control.size.get()?;
        let scale = scale(control.zoom.get(), size, control.room.get());
        Some((f64::from(size.0) * scale, f64::from(size.1) * scale))
    };
    let length =
        move |pick: fn((f64, f64)) -> f64| move || shown().map(|size| format!("{}px", pick(size)));
    view! {
        <canvas
            class="desk__picture"
            node_ref=node
            class:desk__picture--none=move || control.size.with(Option::is_none)
            style:inline-size=length(|size| size.0)
            style:block-size=length(|size| size.1)
            style:cursor=move || control.cursor.get()
        ></canvas>
    }
}

/// Follows the room's size.
fn measure(control: Control, room: &HtmlElement) {
    let element = room.clone();
    let look = move || {
        let size = (
            f64::from(element.client_width()),
            f64::from(element.client_height()),
        );
        if control
            .room
            .try_get_untracked()
            .is_some_and(|old| old != size)
        {
            control.room.set(size);
        }
    };
    look();
    let changed = Closure::<dyn Fn(JsValue)>::new(move |_| look());
    if let Ok(observer) = ResizeObserver::new(changed.as_ref().unchecked_ref()) {
        observer.observe(room);
        let kept = StoredValue::new_local((observer.clone(), changed));
        on_cleanup(move || {
            observer.disconnect();
            kept.dispose();
        });
    }
}

/// Where a point of the page lies on the desktop.
pub(super) fn place(
    control: Control,
    room: &HtmlElement,
    (x, y): (f64, f64),
) -> Option<(u16, u16)> {
    let (width, height) = control.size.try_get_untracked()??;
    let canvas: Element = room.query_selector(".desk__picture").ok()??;
    let shown = canvas.get_bounding_client_rect();
    Some((
        pixel(x, shown.left(), shown.width(), width),
        pixel(y, shown.top(), shown.height(), height),
    ))
}

fn listen(control: Control, room: &HtmlElement) -> Vec<EventListener> {
    let active = EventListenerOptions::enable_prevent_default();
    let on = |name: &'static str, take: Box<dyn Fn(&HtmlElement, &Event)>| {
        let shown = room.clone();
        EventListener::new_with_options(room, name, active, move |event| take(&shown, event))
    };
    let mut listeners: Vec<EventListener> =
        ["pointerdown", "pointermove", "pointerup", "pointercancel"]
            .into_iter()
            .map(|name| {
                on(
                    name,
                    Box::new(move |room, event| pointer(control, room, event)),
                )
            })
            .collect();
    // The picture's own menu and scrolling are the desktop's.
    for name in ["contextmenu", "mousedown"] {
        listeners.push(on(name, Box::new(|_, event| event.prevent_default())));
    }
    let wheels = StoredValue::new((Notches::default(), Notches::default()));
    listeners.push(on(
        "wheel",
        Box::new(move |room, event| wheel(control, room, event, wheels)),
    ));
    listeners
}

fn pointer(control: Control, room: &HtmlElement, event: &Event) {
    let Some(event) = event.dyn_ref::<PointerEvent>() else {
        return;
    };
    // Fingers have a file of their own.
    if event.pointer_type() == "touch" {
        return;
    }
    if event.type_() == "pointerdown" {
        if !on_picture(event) {
            return;
        }
        event.prevent_default();
        focus(KEYS);
        // What is dragged out of the picture is still dragged.
        let _ = room.set_pointer_capture(event.pointer_id());
    }
    let at = (f64::from(event.client_x()), f64::from(event.client_y()));
    if let Some(at) = place(control, room, at) {
        control.point(at, buttons(event.buttons()));
    }
}

fn on_picture(event: &PointerEvent) -> bool {
    event
        .target()
        .and_then(|target| target.dyn_into::<Element>().ok())
        .is_some_and(|target| target.tag_name() == "CANVAS")
}

fn wheel(
    control: Control,
    room: &HtmlElement,
    event: &Event,
    wheels: StoredValue<(Notches, Notches)>,
) {
    let Some(event) = event.dyn_ref::<WheelEvent>() else {
        return;
    };
    event.prevent_default();
    let unit_px = match event.delta_mode() {
        WheelEvent::DOM_DELTA_LINE => LINE_PX,
        WheelEvent::DOM_DELTA_PAGE => PAGE_PX,
        _ => 1.0,
    };
    let mut notches = (0, 0);
    wheels.update_value(|(right, down)| {
        notches = (
            right.turn(event.delta_x() * unit_px, NOTCH_PX),
            down.turn(event.delta_y() * unit_px, NOTCH_PX),
        );
    });
    let at = (f64::from(event.client_x()), f64::from(event.client_y()));
    if let Some(at) = place(control, room, at) {
        control.turn(at, buttons(event.buttons()), notches);
    }
}

/// From a browser's bits (left, right, middle) to RFB's (left, middle, right).
fn buttons(bits: u16) -> u8 {
    let bit = |from: u16, to: u8| if bits & from == 0 { 0 } else { to };
    bit(1, 1) | bit(4, 2) | bit(2, 4)
}

/// Whether this is a machine with a mouse, where the keyboard may go to the desktop by itself.
pub(super) fn has_mouse() -> bool {
    window()
        .and_then(|window| window.match_media("(pointer: fine)").ok().flatten())
        .is_some_and(|query| query.matches())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_have_the_numbers_of_vnc() {
        assert_eq!(buttons(0), 0);
        assert_eq!(buttons(1), 1);
        assert_eq!(buttons(2), 4);
        assert_eq!(buttons(4), 2);
        assert_eq!(buttons(7), 7);
    }
}
