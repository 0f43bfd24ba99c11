//! The handle that opens streams.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::run::Closed;
use super::shared::{Handle, Shared, State, Waiters};
use super::stream::Stream;
use crate::mux::OpenError;
use crate::wire::{GoAway, Target};

/// Opens streams on a live tunnel; cheap to clone. Dropping it closes nothing.
#[derive(Clone)]
pub struct Tunnel {
    pub(super) shared: Arc<Shared>,
}

/// Whether a tunnel has a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It has.
    Connected,
    /// It was lost to the network and waits for another one.
    Suspended {
        /// Since when.
        since: Instant,
        /// What ended the connection.
        lost_by: Closed,
    },
    /// It has ended.
    Ended,
}

/// Figures of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Round-trip time, minimum of the last 10 s.
    pub rtt: Option<Duration>,
    /// Live streams.
    pub streams: u32,
    /// WebSocket payload bytes.
    pub bytes_sent: u64,
    /// WebSocket payload bytes.
    pub bytes_received: u64,
    /// What it costs the budgets: granted unread credit, and what is kept for sending again.
    pub held_bytes: u64,
}

impl Tunnel {
    /// Opens a stream. Returns at once: bytes may be written before the peer has accepted
    /// (they count against its initial window); a refusal then shows in [`Stream::accepted`] and
    /// in reads and writes.
    ///
    /// # Errors
    /// [`OpenError`] where this end already knows that it cannot be.
    pub fn open(&self, target: &Target) -> Result<Stream, OpenError> {
        let now = self.shared.now();
        let waiters = Waiters::default();
        let changed = Arc::clone(&waiters.changed);
        let id = self.shared.with(|state| {
            let id = state.mux.open(now, target)?;
            state.waiters.insert(id, waiters);
            Ok::<_, OpenError>(id)
        })?;
        Ok(Stream::new(Handle {
            shared: Arc::clone(&self.shared),
            id,
            changed,
        }))
    }

    /// Says GOAWAY: nothing new is opened from now on, living streams go on.
    pub fn go_away(&self, goaway: GoAway) {
        self.shared.with(|state| state.mux.go_away(goaway));
    }

    /// Completes when the peer has said GOAWAY; `None` when the tunnel ended without.
    pub async fn sent_away(&self) -> Option<GoAway> {
        self.shared
            .wait(&self.shared.changed, |state| {
                let goaway = state.goaway.clone();
                (goaway.is_some() || state.closed.is_some()).then_some(goaway)
            })
            .await
    }

    /// Sends a PING now, not after the usual silence: for when the network has changed or the
    /// machine has slept. Without any answer the tunnel ends as dead, after 30 s by default.
    pub fn probe(&self) {
        let now = self.shared.now();
        self.shared.with(|state| state.mux.ask(now));
    }

    /// How long nothing at all has come from the peer.
    #[must_use]
    pub fn silent_for(&self) -> Duration {
        let now = self.shared.now();
        self.shared.drive(|state| state.mux.silent_for(now))
    }

    /// Completes when a PING has not been answered for 5 s while a stream is open: the peer may be
    /// out of reach over this connection, and somebody waits. It counts as dead only later.
    pub async fn doubtful(&self) {
        self.shared
            .wait(&self.shared.changed, |state| {
                state.mux.is_doubtful().then_some(())
            })
            .await;
    }

    /// Ends the tunnel now; its streams end with [`crate::mux::StreamError::TunnelLost`]. A
    /// GOAWAY said before still goes out if the socket takes it at once.
    pub fn close(&self) {
        self.shared.with(|state| state.close_requested = true);
    }

    /// Whether it has a connection now.
    #[must_use]
    pub fn link(&self) -> Link {
        self.shared.drive(|state| link(state))
    }

    /// Completes when [`Self::link`] is another than `seen`.
    pub async fn link_changed(&self, seen: &Link) -> Link {
        self.shared
            .wait(&self.shared.changed, |state| {
                Some(link(state)).filter(|now| now != seen)
            })
            .await
    }

    /// Completes when the tunnel has ended.
    pub async fn closed(&self) -> Closed {
        self.shared
            .wait(&self.shared.changed, |state| state.closed.clone())
            .await
    }

    /// Whether the peer answered the close of the connection: then it lived to the end. Completes
    /// after that, when the socket is closed.
    pub async fn farewell_answered(&self) -> bool {
        self.shared
            .wait(&self.shared.changed, |state| state.farewell_answered)
            .await
    }

    /// Completes when no stream lives (for draining).
    pub async fn idle(&self) {
        self.shared
            .wait(&self.shared.changed, |state| {
                (state.mux.live_streams() == 0).then_some(())
            })
            .await;
    }

    /// Completes when no stream lives and the peer is known to have all that was sent, where it
    /// tells; or when the tunnel has ended. To be awaited before [`Self::close`] by whoever wants a
    /// lost connection at the very end to be no loss.
    pub async fn settled(&self) {
        self.shared
            .wait(&self.shared.changed, |state| {
                let settled = state.mux.is_settled() || state.closed.is_some();
                state.awaits_settled |= !settled;
                settled.then_some(())
            })
            .await;
    }

    /// Figures of now.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.shared.drive(|state| Stats {
            rtt: state.mux.rtt(),
            streams: state.mux.live_streams(),
            bytes_sent: state.bytes_sent,
            bytes_received: state.bytes_received,
            held_bytes: state.mux.budget_used_bytes(),
        })
    }
}

fn link(state: &State) -> Link {
    match state.suspended_since {
        _ if state.closed.is_some() => Link::Ended,
        None => Link::Connected,
        Some(since) => Link::Suspended {
            since,
            lost_by: state.lost_by(),
        },
    }
}
