//! The state of one channel.

use bytes::BytesMut;

use crate::mux::{Chunks, StreamError, Time};

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Open,
    /// Sending only: CLOSE goes out after what is buffered.
    Finishing,
    /// CLOSE has been sent, or has come.
    Finished,
    /// Sending only: this end said CLOSE in its owner's place, before the agent would forget the
    /// channel. There was nothing left to send.
    Shut,
    /// Ended before its CLOSE.
    Cut,
}

/// One channel, from its OPEN_REQUEST until both ends and its handle are done with it.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: u16,
    pub(super) port: u16,
    /// The agent confirmed, or sent DATA, which is as good.
    pub(super) confirmed: bool,
    /// Somebody may still read or write it.
    pub(super) held: bool,
    /// The table counts it among those that live.
    pub(super) counted: bool,
    /// Why it was cut.
    pub(super) error: Option<StreamError>,
    // Sending.
    pub(super) sending: Half,
    pub(super) outbox: BytesMut,
    pub(super) sent_bytes: u64,
    /// Whether it stands in the round.
    pub(super) queued: bool,
    /// Whether somebody waits to write, or for CLOSE to be sent.
    pub(super) waited_for: bool,
    // Receiving.
    pub(super) receiving: Half,
    pub(super) inbox: Chunks,
    pub(super) inbox_bytes: usize,
    pub(super) received_bytes: u64,
    /// The inbox is full: the agent's socket is not read.
    pub(super) full: bool,
    /// It is watched whether it drains: since when.
    pub(super) watched_since: Option<Time>,
    /// So much was read since then.
    pub(super) drained_bytes: usize,
}

impl Channel {
    pub(super) fn new(id: u16, port: u16) -> Self {
        Self {
            id,
            port,
            confirmed: false,
            held: true,
            counted: true,
            error: None,
            sending: Half::Open,
            outbox: BytesMut::new(),
            sent_bytes: 0,
            queued: false,
            waited_for: false,
            receiving: Half::Open,
            inbox: Chunks::default(),
            inbox_bytes: 0,
            received_bytes: 0,
            full: false,
            watched_since: None,
            drained_bytes: 0,
        }
    }

    /// Whether a direction has not ended.
    pub(super) fn is_live(&self) -> bool {
        self.receiving == Half::Open || matches!(self.sending, Half::Open | Half::Finishing)
    }

    /// Whether there is something to send. Nothing goes before the agent confirmed: what it gets
    /// earlier it may lose.
    pub(super) fn is_ready(&self) -> bool {
        self.confirmed && (!self.outbox.is_empty() || self.sending == Half::Finishing)
    }

    /// Ends what has not ended. What came may still be read.
    pub(super) fn cut(&mut self, error: StreamError) {
        if !self.is_live() {
            return;
        }
        if matches!(self.sending, Half::Open | Half::Finishing) {
            self.sending = Half::Cut;
        }
        if self.receiving == Half::Open {
            self.receiving = Half::Cut;
        }
        self.error = Some(error);
    }

    /// What to say where a direction was cut.
    pub(super) fn failure(&self) -> StreamError {
        self.error.clone().unwrap_or(StreamError::TunnelLost)
    }
}
