//! RFB, the protocol of VNC (RFC 6143), as pure computation.
//!
//! It knows no socket, no clock, no browser:
//!
//! - **in**: [`Client::feed`] what came, [`Client::end`] when nothing more will;
//! - **commands**: keys, the pointer, the clipboard, a size, a quality;
//! - **out**: [`Client::take_output`], [`Client::poll_event`], [`Client::with_screen`];
//! - **JPEGs** are decoded outside: [`Client::take_jpegs`], [`Client::put_jpeg`].
//!
//! Inside, the session is a coroutine that reads as if it blocked: a future that its owner polls
//! whenever something has come. Nothing wakes it, and nothing else runs it.

mod clipboard;
mod decode;
mod error;
mod handshake;
mod input;
mod jpeg;
mod keys;
mod message;
mod pace;
mod screen;
mod session;
mod shared;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use zeroize::Zeroizing;

use self::shared::Shared;

pub use self::error::{Error, SecurityType};
pub use self::jpeg::Jpeg;
pub use self::keys::{KeyEvent, Keyboard, Platform, Press, keysym_of, keysym_of_letter};
pub use self::message::Buttons;
pub use self::pace::Pace;
pub use self::screen::{PIXEL_BYTES, Rect, Screen};

/// What came and waits to be read, at most: more than any single message needs, so whoever sends
/// on beyond it has not waited for the password or does not read its answers.
const MAX_WAITING_BYTES: usize = 8 << 20;

/// How much a picture may lose on its way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// Nothing.
    Lossless,
    /// JPEG that is hard to tell from the original.
    #[default]
    High,
    /// JPEG at a third of that.
    Medium,
    /// For the slowest of lines.
    Low,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The server asks for a password: [`Client::answer_password`].
    PasswordWanted,
    /// The desktop's name; untrusted text.
    Name(String),
    /// The screen has this size now.
    Resized {
        /// Pixels across.
        width: u16,
        /// Pixels down.
        height: u16,
    },
    /// An update is complete: draw what is dirty, then [`Client::request_update`].
    UpdateEnd,
    /// The pointer looks like this.
    Cursor(Cursor),
    /// The server's clipboard has this text.
    Clipboard(String),
    /// The bell rang.
    Bell,
    /// The server refused another size.
    ResizeRefused,
}

/// A pointer's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Pixels across; 0: no pointer is shown.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// Where it points, from the left.
    pub hot_x: u16,
    /// Where it points, from the top.
    pub hot_y: u16,
    /// Red, green, blue, alpha.
    pub pixels: Vec<u8>,
}

/// One end of a session.
pub struct Client {
    session: Pin<Box<dyn Future<Output = Error>>>,
    shared: Rc<Shared>,
    ended: Option<Error>,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// Waits for the server's first word.
    #[must_use]
    pub fn new() -> Self {
        let shared = Rc::new(Shared::default());
        Self {
            session: Box::pin(session::run(Rc::clone(&shared))),
            shared,
            ended: None,
        }
    }

    /// Bytes came.
    ///
    /// # Errors
    /// The session has ended; it stays so.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.take(Bytes::copy_from_slice(bytes))
    }

    /// As [`Self::feed`], without a copy.
    ///
    /// # Errors
    /// The same.
    pub fn take(&mut self, bytes: Bytes) -> Result<(), Error> {
        if self.ended.is_none() {
            if self.shared.input.waiting_bytes() > MAX_WAITING_BYTES {
                let error = Error::TooLarge("what the server sends unasked");
                self.ended = Some(error);
            } else {
                self.shared.input.feed(bytes);
            }
        }
        self.go_on()
    }

    /// Nothing more will come.
    ///
    /// # Errors
    /// How the session has ended.
    pub fn end(&mut self) -> Result<(), Error> {
        self.shared.input.end();
        self.go_on()
    }

    fn go_on(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.ended {
            return Err(error.clone());
        }
        let mut nobody = Context::from_waker(Waker::noop());
        match self.session.as_mut().poll(&mut nobody) {
            Poll::Pending => Ok(()),
            Poll::Ready(error) => {
                self.ended = Some(error.clone());
                Err(error)
            }
        }
    }

    /// What is to be sent. A session that waited for it goes on: afterwards there may be events,
    /// more to send, or an [`Self::outcome`].
    #[must_use]
    pub fn take_output(&mut self) -> Vec<u8> {
        let output = self.shared.take_output();
        if self.shared.is_stalled() {
            // How it ends is kept.
            let _ = self.go_on();
        }
        output
    }

    /// It reads nothing before [`Self::take_output`]: the server wants answers and does not take
    /// them. To be fed meanwhile costs memory.
    #[must_use]
    pub fn is_stalled(&self) -> bool {
        self.ended.is_none() && self.shared.is_stalled()
    }

    /// How it stands, without anything being fed.
    ///
    /// # Errors
    /// The session has ended.
    pub fn outcome(&self) -> Result<(), Error> {
        self.ended.clone().map_or(Ok(()), Err)
    }

    /// What happened next. Of each kind of event only the last one waits to be taken.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.shared.poll_event()
    }

    /// An update has begun to come and is not complete: for [`Pace::came`].
    #[must_use]
    pub fn is_updating(&self) -> bool {
        self.shared.updating.get()
    }

    /// How many rectangles came in an encoding, by its number.
    #[must_use]
    pub fn rectangles_of(&self, encoding: i32) -> u32 {
        let rectangles = self.shared.rectangles.borrow();
        rectangles.get(&encoding).copied().unwrap_or(0)
    }

    /// How many rectangles came in each encoding that came at all.
    #[must_use]
    pub fn rectangles(&self) -> Vec<(i32, u32)> {
        let rectangles = self.shared.rectangles.borrow();
        rectangles
            .iter()
            .map(|(encoding, count)| (*encoding, *count))
            .collect()
    }

    /// What is to be decoded. Until each of them is put, the update that it is part of does not end.
    #[must_use]
    pub fn take_jpegs(&mut self) -> Vec<Jpeg> {
        self.shared.jpegs.take()
    }

    /// The pixels of a JPEG (red, green, blue and anything), or `None`: it cannot be decoded.
    ///
    /// # Errors
    /// The session has ended, maybe by this.
    pub fn put_jpeg(&mut self, number: u64, pixels: Option<&[u8]>) -> Result<(), Error> {
        if let Some(rect) = self.shared.jpegs.finish(number)
            && self.ended.is_none()
        {
            match pixels.filter(|pixels| pixels.len() == rect.pixels() * PIXEL_BYTES) {
                Some(pixels) => {
                    decode::put(rect, pixels, &self.shared.screen);
                    // What was dirty there may have been drawn since.
                    self.shared.screen.borrow_mut().touch(rect);
                }
                None => self.ended = Some(Error::Malformed("a JPEG cannot be read")),
            }
        }
        self.go_on()
    }

    /// Looks at the picture, and takes what is dirty.
    pub fn with_screen<T>(&mut self, look: impl FnOnce(&mut Screen) -> T) -> T {
        look(&mut self.shared.screen.borrow_mut())
    }

    /// Answers [`Event::PasswordWanted`].
    ///
    /// # Errors
    /// The session has ended.
    pub fn answer_password(&mut self, password: Zeroizing<String>) -> Result<(), Error> {
        *self.shared.password.borrow_mut() = Some(password);
        self.go_on()
    }

    /// Asks for what changes from now on; once for each [`Event::UpdateEnd`]. While nothing
    /// changes, nothing is sent either way.
    pub fn request_update(&mut self) {
        message::request_update(&self.shared, true);
    }

    /// Asks for the whole screen anew, also while an update is asked for.
    pub fn refresh(&mut self) {
        self.shared.asked.set(false);
        message::request_update(&self.shared, false);
    }

    /// A key went down or up.
    pub fn key(&mut self, keysym: u32, down: bool) {
        message::key(&self.shared, keysym, down);
    }

    /// The pointer is there, with these buttons down.
    pub fn pointer(&mut self, x: u16, y: u16, buttons: Buttons) {
        message::pointer(&self.shared, x, y, buttons);
    }

    /// Shares the clipboards, or no longer. Until then neither end learns anything of the other's:
    /// a server must not read what somebody copied elsewhere, nor leave there what it likes, before
    /// that somebody wants it (S43).
    pub fn set_clipboard_enabled(&mut self, enabled: bool) {
        clipboard::enable(&self.shared, enabled);
    }

    /// The text of our clipboard; nothing without [`Self::set_clipboard_enabled`].
    pub fn set_clipboard(&mut self, text: &str) {
        clipboard::offer(&self.shared, text);
    }

    /// Asks for another size of the screen; [`Event::ResizeRefused`] if the server takes none.
    pub fn resize(&mut self, width: u16, height: u16) {
        message::resize(&self.shared, width, height);
    }

    /// Takes no other encodings (by number) than these, before the first [`Self::feed`]: for tests
    /// and measurements.
    pub fn limit_encodings(&mut self, encodings: &[i32]) {
        *self.shared.encodings.borrow_mut() = Some(encodings.to_vec());
    }

    /// Asks for pictures of this quality from now on.
    pub fn set_quality(&mut self, quality: Quality) {
        if self.shared.quality.replace(quality) != quality && self.shared.running.get() {
            message::set_encodings(&self.shared);
        }
    }
}
