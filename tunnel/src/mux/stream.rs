//! The state of one stream.

use super::chunks::Chunks;
use super::error::StreamError;
use super::flow::Window;

/// What a stream keeps of what was written and may not be sent yet.
pub(super) const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Who opened it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Local,
    Remote,
}

/// One direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Open,
    /// Sending only: FIN goes out after what is buffered.
    Finishing,
    /// FIN has been sent, or has come.
    Finished,
    /// Ended before its FIN.
    Cut,
}

#[derive(Debug)]
pub(super) struct Sender {
    pub(super) half: Half,
    pub(super) buffer: Chunks,
    /// Offset up to which the peer lets us send.
    pub(super) limit: u64,
    pub(super) sent: u64,
    /// Its OPEN still waits to be sent: nothing else may go before it.
    pub(super) unopened: bool,
    /// Whether it stands in one of the scheduler's queues.
    pub(super) queued: bool,
    /// Whether somebody waits to write, or for FIN to be sent.
    pub(super) waited_for: bool,
}

impl Sender {
    fn new(limit: u64) -> Self {
        Self {
            half: Half::Open,
            buffer: Chunks::default(),
            limit,
            sent: 0,
            unopened: false,
            queued: false,
            waited_for: false,
        }
    }

    /// Buffered bytes within the peer's window.
    pub(super) fn sendable(&self) -> usize {
        let window = self.limit.saturating_sub(self.sent);
        usize::try_from(window).map_or(self.buffer.len(), |window| window.min(self.buffer.len()))
    }

    /// Whether the scheduler has something to do here.
    pub(super) fn is_ready(&self) -> bool {
        !self.unopened && (self.sendable() > 0 || self.fin_is_due())
    }

    pub(super) fn fin_is_due(&self) -> bool {
        self.half == Half::Finishing && self.buffer.is_empty() && !self.unopened
    }

    fn cut(&mut self) {
        if matches!(self.half, Half::Open | Half::Finishing) {
            self.half = Half::Cut;
            self.buffer.clear();
        }
    }

    fn ended(&self) -> bool {
        matches!(self.half, Half::Finished | Half::Cut)
    }
}

#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) half: Half,
    pub(super) chunks: Chunks,
    pub(super) window: Window,
    /// Whether a CREDIT stands in the control queue.
    pub(super) credit_queued: bool,
}

impl Receiver {
    fn cut(&mut self) {
        if self.half == Half::Open {
            self.half = Half::Cut;
            self.chunks.clear();
        }
    }

    fn ended(&self) -> bool {
        self.half != Half::Open
    }

    /// Nothing more is to come, and nothing is left to read.
    pub(super) fn is_spent(&self) -> bool {
        self.ended() && self.chunks.is_empty()
    }
}

/// One stream, from its OPEN until both ends and its handle are done with it.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) origin: Origin,
    /// ACCEPT has been sent, or has come.
    pub(super) accepted: bool,
    /// Somebody may still read, write or answer it.
    pub(super) held: bool,
    /// Remote: still to be accepted or rejected by whoever holds it, though it may have been cut.
    pub(super) unanswered: bool,
    pub(super) sender: Sender,
    pub(super) receiver: Receiver,
    /// Why it was cut.
    pub(super) error: Option<StreamError>,
    /// Under what the table has counted it.
    pub(super) counted: Counted,
}

/// The counts a stream is part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) live: bool,
    pub(super) pending: bool,
}

impl Stream {
    pub(super) fn new(origin: Origin, send_limit: u64, window: Window) -> Self {
        Self {
            origin,
            accepted: false,
            held: true,
            unanswered: origin == Origin::Remote,
            sender: Sender::new(send_limit),
            receiver: Receiver {
                half: Half::Open,
                chunks: Chunks::default(),
                window,
                credit_queued: false,
            },
            error: None,
            counted: Counted::default(),
        }
    }

    /// Whether frames of it may still come or go.
    pub(super) fn is_live(&self) -> bool {
        !(self.sender.ended() && self.receiver.ended())
    }

    pub(super) fn is_pending(&self) -> bool {
        match self.origin {
            Origin::Local => !self.accepted && self.is_live(),
            Origin::Remote => self.unanswered,
        }
    }

    /// Ends every direction that is not finished.
    pub(super) fn cut(&mut self, error: StreamError) {
        if self.is_live() {
            self.sender.cut();
            self.receiver.cut();
            self.error = Some(error);
        }
    }

    /// As [`Self::cut`], and what came and was not read is lost too, even before a FIN.
    pub(super) fn abandon(&mut self, error: StreamError) {
        if !self.receiver.chunks.is_empty() {
            self.receiver.chunks.clear();
            self.receiver.half = Half::Cut;
            self.error = Some(error.clone());
        }
        self.cut(error);
    }

    /// The error to show for a direction that was cut.
    pub(super) fn failure(&self) -> StreamError {
        self.error.clone().unwrap_or(StreamError::TunnelLost)
    }
}
