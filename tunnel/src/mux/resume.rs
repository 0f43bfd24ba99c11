//! A tunnel that is lost to the network goes on over another connection (PROTOCOL section 7).

use std::time::Duration;

use super::Mux;
use super::error::{OpenError, ResumeError, StreamError};
use super::pace::Pace;
use super::scheduler::Control;
use super::time::Time;
use crate::wire::Code;

/// OPENs that wait for a lost connection.
pub(super) const MAX_WAITING_OPENS: usize = 64;
/// How long each of them waits.
const OPEN_PATIENCE: Duration = Duration::from_secs(10);

impl Mux {
    /// Whether a lost connection leaves something to go on with: both ends keep what the other
    /// may have missed, neither is leaving, and a stream lives or its last bytes are not known to
    /// have come.
    #[must_use]
    pub fn is_resumable(&self) -> bool {
        let leaving = self.closed || self.draining || self.peer_draining;
        let unfinished = self.table.live_count() > 0 || !self.replay.is_empty();
        self.replay.is_on() && !leaving && unfinished
    }

    /// The connection is lost: nothing of it is read or written any more. Streams live on; what is
    /// written to them waits.
    pub fn suspend(&mut self, now: Time) {
        if self.closed || self.suspended {
            return;
        }
        self.suspended = true;
        self.dead = false;
        self.replay.stop_again();
        self.scheduler.suspend(now);
    }

    /// Counted frames received in the epoch: what the peer must be told to go on.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.frames()
    }

    /// Counted frames that the peer is known to have received.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.replay.acknowledged()
    }

    /// Whether the tunnel can go on with a peer that has `received` so many counted frames.
    ///
    /// # Errors
    /// [`ResumeError`]
    pub fn check_resume(&self, received: u64) -> Result<(), ResumeError> {
        if self.closed || !self.replay.is_on() {
            return Err(ResumeError::Ended);
        }
        self.replay.check(received)
    }

    /// Goes on over a new connection, whose HELLOs told each end what the other has received.
    ///
    /// # Errors
    /// [`ResumeError`]: the tunnel must be closed.
    pub fn resume(&mut self, now: Time, peer_received: u64) -> Result<(), ResumeError> {
        self.check_resume(peer_received)?;
        if !self.suspended {
            return Err(ResumeError::Ended);
        }
        let acknowledged = self.replay.acknowledge(peer_received, &mut self.ledger);
        acknowledged.map_err(|_| ResumeError::AboveSent)?;
        self.suspended = false;
        self.received.told();
        self.pace = Pace::new();
        self.replay.start_again();
        self.liveness.restart(now);
        if !self.replay.is_empty() {
            self.liveness.unacknowledged(now);
        }
        if let Some(ping) = self.liveness.probe(now) {
            self.scheduler.push_first(Control::Ping(ping));
        }
        Ok(())
    }

    /// Whether a connection is waited for.
    #[must_use]
    pub fn is_suspended(&self) -> bool {
        self.suspended
    }

    /// Whether no stream lives, and the peer is known to have all that was sent where it tells.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.table.live_count() == 0 && self.replay.is_empty()
    }

    /// What is kept for sending again.
    #[must_use]
    pub fn replay_bytes(&self) -> u64 {
        self.replay.kept_bytes()
    }

    #[cfg(test)]
    pub(super) fn replay_capacity(&self) -> usize {
        self.replay.capacity()
    }

    pub(super) fn open_deadline(&self) -> Option<Time> {
        self.scheduler
            .oldest_open()
            .map(|since| since + OPEN_PATIENCE)
    }

    pub(super) fn expire_opens(&mut self, now: Time) {
        while self.open_deadline().is_some_and(|at| at <= now) {
            let Some(id) = self.scheduler.pop_open() else {
                return;
            };
            if let Some(stream) = self.table.stream(id) {
                stream.cut(StreamError::Open(reconnecting()));
                self.settle(id);
            }
        }
    }
}

pub(super) fn reconnecting() -> OpenError {
    OpenError::Rejected {
        code: Code::Reconnecting,
        text: "the connection is being restored".into(),
    }
}
