//! Fingers on the terminal, which the library knows nothing of: one finger scrolls, a finger that
//! stays selects a word and, moved on, more.

use std::cell::RefCell;
use std::rc::Rc;

use gloo_events::{EventListener, EventListenerOptions};
use gloo_timers::callback::Timeout;
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, TouchEvent, WheelEvent, WheelEventInit};

use super::xterm::Terminal;

/// A finger that stays as long means to select.
const STAYS_MS: u32 = 450;
/// Less than this is no movement but a shaking hand.
const SHAKE_PX: i32 = 8;

pub(super) struct Touch {
    _listeners: Vec<EventListener>,
}

/// A cell of the whole buffer, counted along its lines.
type Cell = i32;

enum Finger {
    Down { x: i32, y: i32, _stays: Timeout },
    Scrolls { y: i32 },
    Selects { from: Cell, to: Cell },
}

/// Begins to listen; ends when dropped.
pub(super) fn listen(host: &HtmlElement, terminal: &Terminal) -> Touch {
    let finger: Rc<RefCell<Option<Finger>>> = Rc::default();
    let active = EventListenerOptions::enable_prevent_default();

    let (state, shown, shell) = (Rc::clone(&finger), host.clone(), terminal.clone());
    let start = EventListener::new_with_options(host, "touchstart", active, move |event| {
        let Some((x, y)) = only_finger(event) else {
            state.replace(None);
            return;
        };
        let (later, shown, shell) = (Rc::clone(&state), shown.clone(), shell.clone());
        let stays = Timeout::new(STAYS_MS, move || {
            let Some(cell) = cell_at(&shown, &shell, x, y) else {
                return;
            };
            let (from, to) = word_around(&shell, cell);
            select(&shell, from, to);
            later.replace(Some(Finger::Selects { from, to }));
        });
        state.replace(Some(Finger::Down {
            x,
            y,
            _stays: stays,
        }));
    });

    let (state, shown, shell) = (Rc::clone(&finger), host.clone(), terminal.clone());
    let moved = EventListener::new_with_options(host, "touchmove", active, move |event| {
        let Some((x, y)) = only_finger(event) else {
            return;
        };
        event.prevent_default();
        let mut finger = state.borrow_mut();
        match &*finger {
            Some(Finger::Down { x: x0, y: y0, .. })
                if (x - x0).abs().max((y - y0).abs()) > SHAKE_PX =>
            {
                *finger = Some(Finger::Scrolls { y });
            }
            Some(Finger::Scrolls { y: before }) => {
                let rest_px = scroll(&shown, &shell, before - y, x, y);
                *finger = Some(Finger::Scrolls { y: y + rest_px });
            }
            Some(Finger::Selects { from, to }) => {
                if let Some(cell) = cell_at(&shown, &shell, x, y) {
                    select(&shell, (*from).min(cell), (*to).max(cell));
                }
            }
            Some(Finger::Down { .. }) | None => {}
        }
    });

    let state = finger;
    let end = EventListener::new_with_options(host, "touchend", active, move |event| {
        // The click that would follow takes the selection away, or opens a keyboard.
        if !matches!(state.take(), Some(Finger::Down { .. }) | None) {
            event.prevent_default();
        }
    });
    Touch {
        _listeners: vec![start, moved, end],
    }
}

fn only_finger(event: &web_sys::Event) -> Option<(i32, i32)> {
    let touches = event.dyn_ref::<TouchEvent>()?.touches();
    let touch = touches.get(0).filter(|_| touches.length() == 1)?;
    Some((touch.client_x(), touch.client_y()))
}

/// Scrolls by as many whole lines as the finger has gone, and gives what is left of its way. A program
/// that has the screen, or reads the mouse, is told of a wheel instead.
fn scroll(host: &HtmlElement, terminal: &Terminal, way_px: i32, x: i32, y: i32) -> i32 {
    let line_px = host.client_height() / i32::from(terminal.rows().max(1));
    let lines = way_px / line_px.max(1);
    if lines == 0 {
        return way_px;
    }
    let is_plain = terminal.buffer().active().kind() == "normal";
    if is_plain && terminal.modes().mouse_tracking() == "none" {
        terminal.scroll_lines(lines);
    } else {
        for _ in 0..lines.abs() {
            turn_wheel(terminal, lines.signum(), x, y);
        }
    }
    way_px - lines * line_px
}

fn turn_wheel(terminal: &Terminal, line: i32, x: i32, y: i32) {
    let about = WheelEventInit::new();
    about.set_delta_y(f64::from(line));
    about.set_delta_mode(WheelEvent::DOM_DELTA_LINE);
    about.set_client_x(x);
    about.set_client_y(y);
    about.set_bubbles(true);
    about.set_cancelable(true);
    if let (Ok(event), Some(element)) = (
        WheelEvent::new_with_event_init_dict("wheel", &about),
        terminal.element(),
    ) {
        let _ = element.dispatch_event(&event);
    }
}

fn cell_at(host: &HtmlElement, terminal: &Terminal, x: i32, y: i32) -> Option<Cell> {
    let screen = host.query_selector(".xterm-screen").ok().flatten()?;
    let place = screen.get_bounding_client_rect();
    let (columns, rows) = (terminal.cols(), terminal.rows());
    let column = share(f64::from(x) - place.left(), place.width(), columns);
    let row = share(f64::from(y) - place.top(), place.height(), rows);
    Some((terminal.buffer().active().first_shown() + row) * i32::from(columns) + column)
}

/// In which of so many equal parts of a length a point lies; the nearest, if in none.
fn share(at: f64, length: f64, parts: u16) -> i32 {
    if length <= 0.0 {
        return 0;
    }
    let part = (at / length * f64::from(parts)).floor();
    part.clamp(0.0, f64::from(parts) - 1.0) as i32
}

fn select(terminal: &Terminal, from: Cell, to: Cell) {
    let columns = i32::from(terminal.cols()).max(1);
    terminal.select(from % columns, from / columns, to - from + 1);
}

fn word_around(terminal: &Terminal, cell: Cell) -> (Cell, Cell) {
    let columns = i32::from(terminal.cols()).max(1);
    let line = terminal.buffer().active().line(cell / columns);
    let Some(line) = line else {
        return (cell, cell);
    };
    let (from, to) = word(&line.text(false), (cell % columns) as usize);
    let start = cell - cell % columns;
    (start + from as i32, start + to as i32)
}

/// The first and last letter of the word at a place; the place itself where there is none.
fn word(line: &str, at: usize) -> (usize, usize) {
    let letters: Vec<char> = line.chars().collect();
    let is_part = |place: usize| {
        letters
            .get(place)
            .is_some_and(|letter| !letter.is_whitespace())
    };
    if !is_part(at) {
        return (at, at);
    }
    let from = (0..=at).rev().take_while(|place| is_part(*place)).last();
    let to = (at..letters.len())
        .take_while(|place| is_part(*place))
        .last();
    (from.unwrap_or(at), to.unwrap_or(at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_what_stands_between_blanks() {
        assert_eq!(word("ls /etc/ssh -l", 5), (3, 10));
        assert_eq!(word("ls /etc/ssh -l", 0), (0, 1));
        assert_eq!(word("ls /etc/ssh -l", 2), (2, 2));
        assert_eq!(word("ab", 9), (9, 9));
    }

    #[test]
    fn a_point_outside_belongs_to_the_nearest_cell() {
        assert_eq!(share(-5.0, 800.0, 80), 0);
        assert_eq!(share(799.9, 800.0, 80), 79);
        assert_eq!(share(900.0, 800.0, 80), 79);
        assert_eq!(share(15.0, 800.0, 80), 1);
        assert_eq!(share(1.0, 0.0, 80), 0);
    }
}
