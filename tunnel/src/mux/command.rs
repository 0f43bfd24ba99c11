//! What the owner of a stream asks for.

use bytes::Bytes;

use super::chunks::Chunks;
use super::error::{OpenError, StreamError};
use super::flow::Window;
use super::resume::{MAX_WAITING_OPENS, reconnecting};
use super::scheduler::Control;
use super::stream::{Half, Origin, SEND_BUFFER_BYTES, Stream};
use super::time::Time;
use super::{Mux, StreamId};
use crate::wire::{Code, GoAway, GoAwayReason, Target};

/// What reading gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// Bytes, at least one.
    Bytes(Bytes),
    /// Nothing now; [`super::Event::Readable`] tells when it is worth asking again.
    Blocked,
    /// The peer said FIN and everything before it was read.
    End,
}

/// What a stream has carried since its OPEN: payload in DATA frames, each byte once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// What was put into frames.
    pub sent_bytes: u64,
    /// What came, read or not.
    pub received_bytes: u64,
}

impl Mux {
    /// Opens a stream. Bytes may be written at once.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&mut self, now: Time, target: &Target) -> Result<StreamId, OpenError> {
        if self.closed {
            return Err(OpenError::Closed);
        }
        if self.draining || self.peer_draining {
            return Err(OpenError::Draining);
        }
        let target = target.to_bytes().map_err(|_| OpenError::BadTarget)?;
        if self.suspended && self.scheduler.waiting_opens() >= MAX_WAITING_OPENS {
            return Err(reconnecting());
        }
        if !self
            .table
            .local_fits(self.peer.max_streams, self.peer.max_pending)
        {
            return Err(OpenError::Busy);
        }
        let initial = u64::from(self.local.initial);
        if !self.ledger.charge(initial) {
            return Err(OpenError::Busy);
        }
        let Some(id) = self.table.next_id() else {
            self.ledger.release(initial);
            self.go_away(GoAway {
                reason: GoAwayReason::Ids,
                reconnect_after: std::time::Duration::ZERO,
                url: None,
            });
            return Err(OpenError::Draining);
        };
        let window = Window::new(initial, now);
        let mut stream = Stream::new(Origin::Local, self.peer.initial.into(), window);
        stream.sender.unopened = true;
        self.table.insert(id, stream);
        self.settle(id);
        self.scheduler.push_open(id, target, now);
        Ok(StreamId(id))
    }

    /// Whether the peer has accepted a stream of this end: `None` while it has not answered.
    #[must_use]
    pub fn accepted(&self, id: StreamId) -> Option<Result<(), OpenError>> {
        let Some(stream) = self.table.peek(id.0) else {
            return Some(Err(OpenError::Closed));
        };
        if stream.accepted {
            return Some(Ok(()));
        }
        match &stream.error {
            None => None,
            Some(StreamError::Open(error)) => Some(Err(error.clone())),
            Some(StreamError::Reset { code, text }) => Some(Err(OpenError::Rejected {
                code: *code,
                text: text.clone(),
            })),
            Some(_) => Some(Err(OpenError::Closed)),
        }
    }

    /// Says ACCEPT.
    pub fn accept(&mut self, id: StreamId) {
        let Some(stream) = self.table.stream(id.0) else {
            return;
        };
        stream.unanswered = false;
        if stream.is_live() {
            stream.accepted = true;
            self.scheduler.push(Control::Accept(id.0));
        }
        self.settle(id.0);
    }

    /// Says REJECT and forgets the stream.
    pub fn reject(&mut self, id: StreamId, code: Code, text: &str) {
        let Some(stream) = self.table.stream(id.0) else {
            return;
        };
        stream.unanswered = false;
        stream.held = false;
        if stream.is_live() {
            stream.abandon(StreamError::Reset {
                code,
                text: text.into(),
            });
            self.scheduler
                .push(Control::Reject(id.0, code, text.into()));
        }
        self.settle(id.0);
    }

    /// Writes what fits: 0 = nothing now; [`super::Event::Writable`] tells when it is worth
    /// trying again.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn write(&mut self, id: StreamId, bytes: &[u8]) -> Result<usize, StreamError> {
        self.write_with(id, bytes.len(), |buffer, fits| {
            buffer.push_copy(&bytes[..fits]);
        })
    }

    /// As [`Self::write`], but takes what fits off the front of `bytes` and need not copy it.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn write_bytes(&mut self, id: StreamId, bytes: &mut Bytes) -> Result<usize, StreamError> {
        self.write_with(id, bytes.len(), |buffer, fits| {
            buffer.push(bytes.split_to(fits));
        })
    }

    fn write_with(
        &mut self,
        id: StreamId,
        length: usize,
        push: impl FnOnce(&mut Chunks, usize),
    ) -> Result<usize, StreamError> {
        let stream = self.table.stream(id.0).ok_or(StreamError::TunnelLost)?;
        match stream.sender.half {
            Half::Cut => return Err(stream.failure()),
            Half::Finishing | Half::Finished => return Err(StreamError::Finished),
            Half::Open => {}
        }
        let sender = &mut stream.sender;
        let fits = length.min(SEND_BUFFER_BYTES.saturating_sub(sender.buffer.len()));
        push(&mut sender.buffer, fits);
        sender.waited_for = fits == 0 && length > 0;
        self.scheduler.ready(id.0, sender);
        Ok(fits)
    }

    /// Says that nothing more will be written. Returns whether FIN is already on its way; if
    /// not, [`super::Event::Writable`] tells when.
    ///
    /// # Errors
    /// [`StreamError`] if the stream was cut before.
    pub fn finish(&mut self, id: StreamId) -> Result<bool, StreamError> {
        let stream = self.table.stream(id.0).ok_or(StreamError::TunnelLost)?;
        match stream.sender.half {
            Half::Cut => return Err(stream.failure()),
            Half::Finished => return Ok(true),
            Half::Open | Half::Finishing => {}
        }
        stream.sender.half = Half::Finishing;
        stream.sender.waited_for = true;
        self.scheduler.ready(id.0, &mut stream.sender);
        Ok(false)
    }

    /// Reads at most `max` bytes.
    ///
    /// # Errors
    /// [`StreamError`] if the stream was cut before its end.
    pub fn read(&mut self, now: Time, id: StreamId, max: usize) -> Result<Read, StreamError> {
        let stream = self.table.stream(id.0).ok_or(StreamError::TunnelLost)?;
        let receiver = &mut stream.receiver;
        if receiver.chunks.is_empty() {
            return match receiver.half {
                Half::Open | Half::Finishing => Ok(Read::Blocked),
                Half::Finished => Ok(Read::End),
                Half::Cut => Err(stream.failure()),
            };
        }
        let bytes = receiver.chunks.pop(max);
        if receiver.half == Half::Open {
            let (rtt, max_window) = (self.liveness.rtt(), self.max_window_bytes);
            let taken = bytes.len() as u64;
            let credit_due = receiver
                .window
                .take(taken, now, rtt, max_window, &mut self.ledger);
            if credit_due && !receiver.credit_queued {
                receiver.credit_queued = true;
                self.scheduler.push(Control::Credit(id.0));
            }
        } else if receiver.is_spent() {
            self.settle(id.0);
        }
        Ok(Read::Bytes(bytes))
    }

    /// Cuts a stream in both directions; what came and was not read is lost.
    pub fn reset(&mut self, id: StreamId, code: Code, text: &str) {
        let Some(stream) = self.table.stream(id.0) else {
            return;
        };
        // Of an OPEN that never went out the peer need not know.
        let is_known = !(stream.sender.unopened && self.scheduler.forget_open(id.0));
        if is_known && stream.is_live() {
            self.scheduler.push(Control::Reset(id.0, code, text.into()));
        }
        stream.abandon(StreamError::Reset {
            code,
            text: text.into(),
        });
        self.settle(id.0);
    }

    /// Nobody holds the stream any more: what has not ended is cut, what was not read is
    /// dropped. One that was never answered is refused.
    pub fn release(&mut self, id: StreamId) {
        let Some(stream) = self.table.stream(id.0) else {
            return;
        };
        if stream.unanswered {
            return self.reject(id, Code::Internal, "");
        }
        stream.held = false;
        self.reset(id, Code::Cancelled, "");
    }

    /// Whether both directions have ended.
    #[must_use]
    pub fn has_ended(&self, id: StreamId) -> bool {
        self.table.peek(id.0).is_none_or(|stream| !stream.is_live())
    }

    /// What the stream has carried; `None` when nobody holds it any more.
    #[must_use]
    pub fn transferred(&self, id: StreamId) -> Option<Transferred> {
        let stream = self.table.peek(id.0)?;
        Some(Transferred {
            sent_bytes: stream.sender.sent,
            received_bytes: stream.receiver.window.received(),
        })
    }

    /// Why the stream was cut: `None` while it lives and when it ended cleanly.
    #[must_use]
    pub fn cut_reason(&self, id: StreamId) -> Option<StreamError> {
        match self.table.peek(id.0) {
            Some(stream) => stream.error.clone(),
            None => Some(StreamError::TunnelLost),
        }
    }

    /// Says GOAWAY: nothing new is opened from now on, by either end.
    pub fn go_away(&mut self, goaway: GoAway) {
        if !self.closed {
            self.draining = true;
            self.scheduler.push(Control::GoAway(goaway));
        }
    }
}
