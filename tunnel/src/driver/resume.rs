//! A tunnel that waits for its next connection, and how that one is handed in.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, sleep_until};

use super::connection::Connection;
use super::run::Closed;
use super::shared::{Shared, State, store};
use super::socket::Socket;
use super::tunnel::Tunnel;
use crate::mux::ResumeError;
use crate::wire::Resume;

/// Where the next connection is left for the driver.
type Slot<S> = Arc<Mutex<Option<Box<Connection<S>>>>>;

/// The driver's side.
pub(super) struct Awaited<S> {
    slot: Slot<S>,
    resume_for: Duration,
}

/// Hands a tunnel its next connection; cheap to clone. Does not keep the tunnel alive.
pub struct Resumer<S> {
    id: [u8; 16],
    shared: Arc<Shared>,
    slot: Slot<S>,
}

impl<S> Clone for Resumer<S> {
    fn clone(&self) -> Self {
        Self {
            id: self.id,
            shared: Arc::clone(&self.shared),
            slot: Arc::clone(&self.slot),
        }
    }
}

/// A tunnel without a connection, for the one that is being made. Dropped, the tunnel goes on
/// waiting.
pub struct Detached<S> {
    resumer: Resumer<S>,
    generation: u64,
    received: u64,
    peer_received: Option<u64>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Awaited<S> {
    pub(super) fn new(
        id: [u8; 16],
        resume_for: Duration,
        shared: &Arc<Shared>,
    ) -> (Self, Resumer<S>) {
        let slot = Slot::default();
        let resumer = Resumer {
            id,
            shared: Arc::clone(shared),
            slot: Arc::clone(&slot),
        };
        (Self { slot, resume_for }, resumer)
    }

    /// The next connection, or why there is none.
    pub(super) async fn next(&self, shared: &Shared) -> Result<Box<Connection<S>>, Closed> {
        let mut timer = pin!(sleep_until(Instant::now()));
        poll_fn(|cx| {
            loop {
                if let Some(connection) = lock(&self.slot).take() {
                    return Poll::Ready(Ok(connection));
                }
                let look_again_at = shared.drive(|state| {
                    store(&mut state.driver, cx.waker());
                    self.keep_time(state, shared)
                });
                match look_again_at {
                    Err(closed) => return Poll::Ready(Err(closed)),
                    // Resumed since the slot was looked into.
                    Ok(None) => continue,
                    Ok(Some(at)) => timer.as_mut().reset(at),
                }
                if timer.as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        })
        .await
    }

    /// Does what is due; tells when to look again, or that nothing is waited for any more.
    fn keep_time(&self, state: &mut State, shared: &Shared) -> Result<Option<Instant>, Closed> {
        if state.close_requested {
            return Err(Closed::Local);
        }
        let Some(since) = state.suspended_since else {
            return Ok(None);
        };
        let give_up_at = since + self.resume_for;
        if give_up_at <= Instant::now() {
            return Err(state.lost_by());
        }
        state.mux.handle_timeout(shared.now());
        let timeout = state.mux.next_timeout().map(|at| shared.instant(at));
        Ok(Some(timeout.map_or(give_up_at, |at| at.min(give_up_at))))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Resumer<S> {
    /// The tunnel's id.
    #[must_use]
    pub fn id(&self) -> &[u8; 16] {
        &self.id
    }

    /// Takes the tunnel off the connection it has, if it still has one: nothing more is read from
    /// that or written to it, and what was read from it counts. `peer_received`: what the peer
    /// says it received, where it has said so already.
    ///
    /// # Errors
    /// [`ResumeError`]: the tunnel has ended, or the peer's number cannot be; it should be ended
    /// then ([`super::Tunnel::close`]).
    pub fn detach(&self, peer_received: Option<u64>) -> Result<Detached<S>, ResumeError> {
        let now = self.shared.now();
        let (generation, received) = self.shared.with(|state| {
            if state.closed.is_some() || state.close_requested {
                return Err(ResumeError::Ended);
            }
            let least = peer_received.unwrap_or_else(|| state.mux.acknowledged());
            state.mux.check_resume(least)?;
            state.detach(now, None);
            Ok((state.generation, state.mux.received()))
        })?;
        // One that was handed in and not yet picked up is an older one now.
        drop(lock(&self.slot).take());
        self.shared.changed.notify_waiters();
        Ok(Detached {
            resumer: self.clone(),
            generation,
            received,
            peer_received,
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Detached<S> {
    /// What the HELLO of this end says.
    pub(super) fn resume(&self) -> Resume {
        Resume {
            tunnel: self.resumer.id,
            received: self.received,
        }
    }

    /// As [`Self::attach`], with the number that [`Resumer::detach`] was told.
    pub(super) fn attach_told(self, socket: Socket<S>) -> Result<(), ResumeError> {
        let received = self.peer_received.ok_or(ResumeError::Ended)?;
        self.attach(socket, Bytes::new(), received)
    }

    /// The tunnel goes on over `socket`.
    pub(super) fn attach(
        self,
        socket: Socket<S>,
        early: Bytes,
        peer_received: u64,
    ) -> Result<(), ResumeError> {
        let Resumer { shared, slot, .. } = &self.resumer;
        let connection = Connection::new(socket, Arc::clone(shared), self.generation, early);
        let now = shared.now();
        shared.with(|state| {
            let is_latest = state.generation == self.generation;
            if !is_latest || state.closed.is_some() || state.close_requested {
                return Err(ResumeError::Ended);
            }
            state.mux.resume(now, peer_received)?;
            state.suspended_since = None;
            *lock(slot) = Some(Box::new(connection));
            Ok(())
        })?;
        shared.wake_driver();
        shared.changed.notify_waiters();
        Ok(())
    }

    /// To end the tunnel once this is used up.
    pub(super) fn handle(&self) -> Tunnel {
        Tunnel {
            shared: Arc::clone(&self.resumer.shared),
        }
    }

    /// The peer does not go on: the tunnel ends.
    pub(super) fn give_up(self) {
        self.handle().close();
    }
}

fn lock<S>(slot: &Mutex<Option<Box<Connection<S>>>>) -> MutexGuard<'_, Option<Box<Connection<S>>>> {
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}
