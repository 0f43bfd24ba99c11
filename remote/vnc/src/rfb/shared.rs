//! What the session's coroutine and its owner share. All on one thread.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::mem::discriminant;
use std::task::Poll;

use zeroize::Zeroizing;

use super::clipboard::{self, Clipboard};
use super::input::Input;
use super::jpeg::Jpegs;
use super::screen::Screen;
use super::{Event, Quality};

/// Answers that the server has asked for and nobody has taken: beyond, the next one waits, and the
/// server's messages with it. One text of the clipboard must fit beside much that is small.
pub(super) const MAX_ANSWERS_BYTES: usize = clipboard::MAX_TEXT_BYTES + (256 << 10);

#[derive(Default)]
pub(super) struct Shared {
    pub(super) input: Input,
    pub(super) output: RefCell<Vec<u8>>,
    /// Of the output, what the server has asked for. What people do is not counted: their typing
    /// must never keep the picture from coming.
    answers_bytes: Cell<usize>,
    /// It waits for its answers to be taken.
    stalled: Cell<bool>,
    events: RefCell<VecDeque<Event>>,
    pub(super) screen: RefCell<Screen>,
    pub(super) jpegs: Jpegs,
    pub(super) password: RefCell<Option<Zeroizing<String>>>,
    pub(super) clipboard: RefCell<Clipboard>,
    pub(super) quality: Cell<Quality>,
    /// Instead of the usual list.
    pub(super) encodings: RefCell<Option<Vec<i32>>>,
    /// The handshake is over.
    pub(super) running: Cell<bool>,
    /// The server takes sizes, and this is its first screen: its number and its flags.
    pub(super) first_screen: Cell<Option<(u32, u32)>>,
    /// An update was asked for and has not come.
    pub(super) asked: Cell<bool>,
    /// An update has begun and is not complete.
    pub(super) updating: Cell<bool>,
    /// How many rectangles came, by encoding.
    pub(super) rectangles: RefCell<BTreeMap<i32, u32>>,
}

impl Shared {
    /// Sends what people want sent.
    pub(super) fn send(&self, bytes: &[u8]) {
        self.output.borrow_mut().extend_from_slice(bytes);
    }

    /// Sends what the server wants sent, once there is room for it.
    pub(super) async fn answer(&self, bytes: &[u8]) {
        poll_fn(|_| {
            let is_full = self.answers_bytes.get() >= MAX_ANSWERS_BYTES;
            self.stalled.set(is_full);
            if is_full {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
        self.answers_bytes
            .set(self.answers_bytes.get() + bytes.len());
        self.send(bytes);
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.get() || self.jpegs.stalls()
    }

    pub(super) fn take_output(&self) -> Vec<u8> {
        self.answers_bytes.set(0);
        self.output.take()
    }

    /// One event of each kind waits at most, the last one: each tells how things are, and whoever
    /// comes late learns it all the same. So none is ever dropped, whatever a server sends.
    pub(super) fn tell(&self, event: Event) {
        let mut events = self.events.borrow_mut();
        let kind = discriminant(&event);
        // A size comes within an update, whose end will be told. To draw before the size is known
        // would lose what is drawn.
        let is_size = matches!(event, Event::Resized { .. });
        events.retain(|older| {
            discriminant(older) != kind && !(is_size && *older == Event::UpdateEnd)
        });
        events.push_back(event);
    }

    pub(super) fn poll_event(&self) -> Option<Event> {
        self.events.borrow_mut().pop_front()
    }

    pub(super) fn count_rectangle(&self, encoding: i32) {
        let mut rectangles = self.rectangles.borrow_mut();
        let count = rectangles.entry(encoding).or_default();
        *count = count.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resized(width: u16) -> Event {
        Event::Resized { width, height: 1 }
    }

    #[test]
    fn s36_the_last_event_of_each_kind_waits() {
        let shared = Shared::default();
        for number in 0..1000 {
            shared.tell(Event::Bell);
            shared.tell(Event::Name(number.to_string()));
            shared.tell(Event::UpdateEnd);
        }
        let events = std::iter::from_fn(|| shared.poll_event()).collect::<Vec<_>>();
        let name = Event::Name("999".to_owned());
        assert_eq!(events, [Event::Bell, name, Event::UpdateEnd]);
    }

    #[test]
    fn a_size_is_known_before_its_picture_is_drawn() {
        let shared = Shared::default();
        shared.tell(Event::UpdateEnd);
        shared.tell(resized(1));
        shared.tell(resized(2));
        shared.tell(Event::UpdateEnd);
        let events = std::iter::from_fn(|| shared.poll_event()).collect::<Vec<_>>();
        assert_eq!(events, [resized(2), Event::UpdateEnd]);
    }
}
