//! What the page has said and nobody has taken up yet.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes, BytesMut};
use remote_messages::ssh::{Open, Size, ToWorker};
use tokio::sync::Notify;
use zeroize::Zeroize;

use crate::flow::Flow;

/// What was typed or pasted and not sent: a device that does not read its input holds it back.
const UNSENT_LIMIT_BYTES: usize = 8 << 20;
/// Sign-in messages that nobody waits for yet; a page has one under way.
const REPLIES_LIMIT: usize = 4;
/// Taken at a time: a packet of SSH.
const PIECE_BYTES: usize = 32 << 10;

/// The page's side of the client: say here what the page says.
#[derive(Default)]
pub struct Inbox {
    state: Mutex<State>,
    changed: Notify,
    pub(crate) flow: Arc<Flow>,
}

#[derive(Default)]
struct State {
    open: Option<Open>,
    replies: VecDeque<Reply>,
    typed: BytesMut,
    size: Option<Size>,
    closed: bool,
}

/// What is said while signing in. Dropped, it leaves no secret in memory.
pub(crate) enum Reply {
    Trust,
    Password(String),
    PrivateKey {
        text: String,
        passphrase: Option<String>,
    },
    Answers(Vec<String>),
}

impl Drop for Reply {
    fn drop(&mut self) {
        match self {
            Self::Trust => {}
            Self::Password(password) => password.zeroize(),
            Self::PrivateKey { text, passphrase } => {
                text.zeroize();
                passphrase.zeroize();
            }
            Self::Answers(answers) => answers.zeroize(),
        }
    }
}

/// What the page has sent does not fit: nothing of it was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl Inbox {
    /// A message of the page.
    ///
    /// # Errors
    /// [`Refused`]: more than one page has any reason to say.
    pub fn say(&self, message: ToWorker) -> Result<(), Refused> {
        let reply = match message {
            ToWorker::Drawn { bytes } => {
                self.flow.drawn(bytes);
                return Ok(());
            }
            ToWorker::Open(open) => return self.change(|state| state.open = Some(open)),
            ToWorker::Resize(size) => return self.change(|state| state.size = Some(size)),
            ToWorker::Close => return self.change(|state| state.closed = true),
            ToWorker::TrustHostKey => Reply::Trust,
            ToWorker::Password { password } => Reply::Password(password),
            ToWorker::PrivateKey { text, passphrase } => Reply::PrivateKey { text, passphrase },
            ToWorker::Answers { answers } => Reply::Answers(answers),
        };
        if self.lock().replies.len() >= REPLIES_LIMIT {
            return Err(Refused);
        }
        self.change(|state| state.replies.push_back(reply))
    }

    /// What was typed or pasted.
    ///
    /// # Errors
    /// [`Refused`]: the device does not take it. A paste is taken as a whole or not at all.
    pub fn type_bytes(&self, bytes: &[u8]) -> Result<(), Refused> {
        if self.lock().typed.len().saturating_add(bytes.len()) > UNSENT_LIMIT_BYTES {
            return Err(Refused);
        }
        self.change(|state| state.typed.extend_from_slice(bytes))
    }

    /// Where to: the page's first message.
    pub async fn opened(&self) -> Open {
        self.wait(|state| state.open.take()).await
    }

    /// The next sign-in message.
    pub(crate) async fn reply(&self) -> Reply {
        self.wait(|state| state.replies.pop_front()).await
    }

    /// The next bytes that were typed, a packet's worth at most.
    pub(crate) async fn typed(&self) -> Bytes {
        self.wait(|state| {
            let length = state.typed.len().min(PIECE_BYTES);
            if length == 0 {
                return None;
            }
            let piece = Bytes::copy_from_slice(&state.typed[..length]);
            state.typed.advance(length);
            if state.typed.is_empty() {
                // A paste's memory does not stay.
                state.typed = BytesMut::new();
            }
            Some(piece)
        })
        .await
    }

    /// The newest size that was not taken yet.
    pub(crate) async fn resized(&self) -> Size {
        self.wait(|state| state.size.take()).await
    }

    /// The newest size, where there was one since the beginning.
    pub(crate) fn take_size(&self) -> Option<Size> {
        self.lock().size.take()
    }

    pub(crate) async fn closed(&self) {
        self.wait(|state| state.closed.then_some(())).await;
    }

    async fn wait<T>(&self, mut check: impl FnMut(&mut State) -> Option<T>) -> T {
        loop {
            // Enabled before the check: a change in between is not lost.
            let mut notified = pin!(self.changed.notified());
            notified.as_mut().enable();
            if let Some(value) = check(&mut self.lock()) {
                return value;
            }
            notified.await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> Result<(), Refused> {
        change(&mut self.lock());
        self.changed.notify_waiters();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_typed_comes_in_pieces_and_in_order() {
        let inbox = Inbox::default();
        let paste: Vec<u8> = (0..70_000_u32).map(|n| n as u8).collect();
        inbox.type_bytes(&paste).unwrap();
        inbox.type_bytes(b"x").unwrap();
        let mut all = Vec::new();
        while all.len() < 70_001 {
            let piece = inbox.typed().await;
            assert!(piece.len() <= PIECE_BYTES);
            all.extend_from_slice(&piece);
        }
        assert_eq!(all[..70_000], paste);
        assert_eq!(all[70_000], b'x');
    }

    #[test]
    fn a_paste_is_taken_as_a_whole_or_not_at_all() {
        let inbox = Inbox::default();
        inbox.type_bytes(b"x").unwrap();
        let refused = inbox.type_bytes(&vec![0; UNSENT_LIMIT_BYTES]);
        assert_eq!(refused, Err(Refused));
        assert_eq!(inbox.lock().typed.len(), 1);
    }

    #[test]
    fn a_page_cannot_fill_it_with_sign_ins() {
        let inbox = Inbox::default();
        for _ in 0..REPLIES_LIMIT {
            inbox.say(ToWorker::TrustHostKey).unwrap();
        }
        assert_eq!(inbox.say(ToWorker::TrustHostKey), Err(Refused));
        inbox.say(ToWorker::Close).expect("always taken");
    }
}
