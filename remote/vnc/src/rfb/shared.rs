//! What the session's coroutine and its owner share. All on one thread.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use zeroize::Zeroizing;

use super::clipboard::Clipboard;
use super::input::Input;
use super::screen::Screen;
use super::{Event, Quality};

/// Events that nobody has taken: more are dropped, whatever they are.
const MAX_EVENTS: usize = 256;

#[derive(Default)]
pub(super) struct Shared {
    pub(super) input: Input,
    pub(super) output: RefCell<Vec<u8>>,
    pub(super) events: RefCell<VecDeque<Event>>,
    pub(super) screen: RefCell<Screen>,
    pub(super) password: RefCell<Option<Zeroizing<String>>>,
    pub(super) clipboard: RefCell<Clipboard>,
    pub(super) quality: Cell<Quality>,
    /// Instead of the usual list.
    pub(super) encodings: RefCell<Option<Vec<i32>>>,
    /// The handshake is over.
    pub(super) running: Cell<bool>,
    /// The server has said that it takes sizes.
    pub(super) resizable: Cell<bool>,
    /// An update was asked for and has not come.
    pub(super) asked: Cell<bool>,
}

impl Shared {
    pub(super) fn send(&self, bytes: &[u8]) {
        self.output.borrow_mut().extend_from_slice(bytes);
    }

    pub(super) fn tell(&self, event: Event) {
        let mut events = self.events.borrow_mut();
        if events.len() < MAX_EVENTS {
            events.push_back(event);
        }
    }
}
