//! The streams that the peer opens.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use super::shared::{Handle, Shared, store};
use super::stream::Stream;
use crate::wire::{Code, Target};

/// The streams that the peer opens. Dropped, all that comes later is refused (not offered).
pub struct Incoming {
    shared: Arc<Shared>,
}

impl Incoming {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The next one; `None` when the tunnel has ended. Cancel-safe.
    pub async fn next(&mut self) -> Option<IncomingStream> {
        poll_fn(|cx| {
            self.shared.with(|state| {
                while let Some((id, target)) = state.incoming.pop_front() {
                    let waiters = state.waiters.get(&id);
                    let changed = waiters.map(|waiters| Arc::clone(&waiters.changed));
                    if let Some(changed) = changed
                        && !state.mux.has_ended(id)
                    {
                        let shared = Arc::clone(&self.shared);
                        let handle = Handle {
                            shared,
                            id,
                            changed,
                        };
                        return Poll::Ready(Some(IncomingStream { handle, target }));
                    }
                    // Given up by the peer while it waited here.
                    state.mux.release(id);
                    state.waiters.remove(&id);
                }
                if state.closed.is_some() {
                    return Poll::Ready(None);
                }
                store(&mut state.incoming_waker, cx.waker());
                Poll::Pending
            })
        })
        .await
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.shared.with(|state| {
            state.takes_incoming = false;
            for (id, _) in std::mem::take(&mut state.incoming) {
                state.mux.reject(id, Code::NotOffered, "");
                state.waiters.remove(&id);
            }
        });
    }
}

/// A stream that the peer has opened and that waits for an answer. Dropped = REJECT(internal).
/// It counts against `max_pending` until it is answered or dropped, also when the peer has given
/// it up: keep it for as long as the work on it goes on.
pub struct IncomingStream {
    handle: Handle,
    target: Target,
}

impl IncomingStream {
    pub(super) const fn new(handle: Handle, target: Target) -> Self {
        Self { handle, target }
    }

    /// What it asks for.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Completes when the peer no longer wants it, so that a pending connect can be given up.
    pub async fn cancelled(&self) {
        let id = self.handle.id;
        self.handle
            .shared
            .wait(&self.handle.changed, |state| {
                state.mux.has_ended(id).then_some(())
            })
            .await;
    }

    /// Says ACCEPT.
    #[must_use]
    pub fn accept(self) -> Stream {
        self.handle
            .shared
            .with(|state| state.mux.accept(self.handle.id));
        Stream::new(self.handle)
    }

    /// Says REJECT. `text` is shown to people at the other end.
    pub fn reject(self, code: Code, text: &str) {
        self.handle
            .shared
            .with(|state| state.mux.reject(self.handle.id, code, text));
    }
}
