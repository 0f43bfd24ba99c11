//! What a connection's socket, its requests and their answers know of each other.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::caps::Permit;
use super::refusal::Refusal;
use crate::lifecycle::Lifecycle;

/// Shared by the gate that guards the socket and by the answers on their way through it.
pub(super) struct Link {
    /// Cancelled: the connection ends now, whatever it is at.
    cut: CancellationToken,
    /// Cancelled: the socket is gone.
    closed: CancellationToken,
    /// Whoever waits to read or to write the socket, to hear of a cut or of their turn.
    pub(super) reader: AtomicWaker,
    pub(super) writer: AtomicWaker,
    state: Mutex<State>,
}

struct State {
    turn: Turn,
    refusal: Option<Refusal>,
    permit: Option<Permit>,
}

/// Whose turn it is. One request at a time is let through, so that what is decided about one
/// can never be taken for the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The next head may pass. Since the last answer was over, or the connection was made.
    Idle(Instant),
    /// A request has passed, its answer is not over.
    Answer,
    /// The answer was 101: bytes are no longer HTTP.
    Switched,
}

impl Link {
    pub(super) fn new(permit: Option<Permit>) -> Arc<Self> {
        let state = State {
            turn: Turn::Idle(Instant::now()),
            refusal: None,
            permit,
        };
        Arc::new(Self {
            cut: CancellationToken::new(),
            closed: CancellationToken::new(),
            reader: AtomicWaker::new(),
            writer: AtomicWaker::new(),
            state: Mutex::new(state),
        })
    }

    pub(super) fn turn(&self) -> Turn {
        self.state().turn
    }

    /// A head goes through the gate, or in its place one that stands for the refusal.
    pub(super) fn pass_head(&self, refusal: Option<Refusal>) {
        let mut state = self.state();
        state.turn = Turn::Answer;
        state.refusal = refusal;
    }

    /// The request whose head passed is being answered until the guard is dropped.
    pub(super) fn answer(self: &Arc<Self>) -> (Answering, Option<Refusal>) {
        let refusal = self.state().refusal.take();
        (
            Answering {
                link: Arc::clone(self),
                over: CancellationToken::new(),
            },
            refusal,
        )
    }

    /// The answer is 101. `false` when there are too many upgraded connections.
    pub(super) fn switch(&self) -> bool {
        let mut state = self.state();
        if state
            .permit
            .as_mut()
            .is_some_and(|permit| !permit.upgrade())
        {
            return false;
        }
        state.turn = Turn::Switched;
        drop(state);
        self.reader.wake();
        true
    }

    pub(super) fn cut(&self) {
        self.cut.cancel();
        self.reader.wake();
        self.writer.wake();
    }

    pub(super) fn is_cut(&self) -> bool {
        self.cut.is_cancelled()
    }

    pub(super) async fn until_cut(&self) {
        self.cut.cancelled().await;
    }

    /// The socket is gone, and its place is free.
    pub(super) fn close(&self) {
        self.closed.cancel();
        self.state().permit = None;
    }

    fn over(&self) {
        let mut state = self.state();
        if state.turn == Turn::Answer {
            state.turn = Turn::Idle(Instant::now());
            drop(state);
            self.reader.wake();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request's turn; ends when its answer has gone to its last byte, or never will.
pub(super) struct Answering {
    link: Arc<Link>,
    over: CancellationToken,
}

impl Answering {
    pub(super) fn guard(&self, lifecycle: &Lifecycle) -> ConnectionGuard {
        ConnectionGuard {
            link: Arc::clone(&self.link),
            over: self.over.clone(),
            lifecycle: lifecycle.clone(),
        }
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        if self.link.turn() != Turn::Switched {
            self.over.cancel();
        }
        self.link.over();
    }
}

/// The connection that a request came on. A request extension, for answers under a lease.
#[derive(Clone)]
pub struct ConnectionGuard {
    link: Arc<Link>,
    over: CancellationToken,
    lifecycle: Lifecycle,
}

impl ConnectionGuard {
    /// From now on, until this request's answer is over (after an upgrade: until the connection
    /// is closed), the connection is reset as soon as `token` is cancelled: promptly, also when
    /// the peer does not read, and never in a way that looks like the answer's proper end.
    pub fn cut_with(&self, token: CancellationToken) {
        self.cut_after(token, Duration::ZERO);
    }

    /// The same for an answer that ends by itself when `token` is cancelled, and properly, if only
    /// the peer reads it: it has `grace` for that.
    pub fn cut_after(&self, token: CancellationToken, grace: Duration) {
        let link = Arc::clone(&self.link);
        let over = self.over.clone();
        self.lifecycle.spawn("cut", async move {
            let overdue = async {
                token.cancelled().await;
                // Even a sleep of nothing would let the answer's own end come first.
                if !grace.is_zero() {
                    tokio::time::sleep(grace).await;
                }
            };
            tokio::select! {
                () = overdue => link.cut(),
                () = over.cancelled() => {}
                () = link.closed.cancelled() => {}
            }
        });
    }

    /// Completes when the connection's socket is gone.
    pub async fn closed(&self) {
        self.link.closed.cancelled().await;
    }
}
