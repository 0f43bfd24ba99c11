//! What the owner of a channel asks for.

use super::channel::{Channel, Half};
use super::error::Fault;
use super::message::Message;
use super::mux::{CHANNEL_COST_BYTES, Mux, open_deadline};
use crate::mux::{OpenError, Read, StreamError, StreamId, Time, Transferred};
use crate::wire::{Code, Target};

/// Bytes of a channel that are under way towards the device: with an agent there is no credit, so
/// what is held back is held back here.
pub(super) const OUTBOX_BYTES: usize = 256 << 10;
/// The same once all channels together have [`OUTBOXES_BYTES`].
const SMALL_OUTBOX_BYTES: usize = 16 << 10;
const OUTBOXES_BYTES: usize = 4 << 20;
/// Channels of one agent. Each costs it a socket, of which a process has 1024 by default.
const MAX_CHANNELS: u32 = 512;
/// Of these, not answered yet.
const MAX_UNCONFIRMED: u32 = 128;

impl Mux {
    /// Opens a channel to a port of the device: [`Target::Tcp`], whose host is the agent's
    /// business. Bytes may be written at once.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(&mut self, now: Time, target: &Target) -> Result<StreamId, OpenError> {
        if self.closed {
            return Err(OpenError::Closed);
        }
        if self.draining {
            return Err(OpenError::Draining);
        }
        let port = match target {
            Target::Tcp { port, .. } if *port > 0 => *port,
            _ => return Err(OpenError::BadTarget),
        };
        let has_room = self.live < MAX_CHANNELS && self.unconfirmed < MAX_UNCONFIRMED;
        if !has_room || !self.ledger.charge(CHANNEL_COST_BYTES) {
            return Err(OpenError::Busy);
        }
        let Some(id) = self.ids.take(now) else {
            self.ledger.release(CHANNEL_COST_BYTES);
            return Err(OpenError::Busy);
        };
        let stream = self.next_stream();
        self.channels.insert(stream, Channel::new(id, port));
        self.by_id.insert(id, stream);
        self.live += 1;
        self.unconfirmed += 1;
        self.control.push_back(Message::OpenRequest(id, port));
        self.opening.push_back((open_deadline(now), stream));
        Ok(stream)
    }

    fn next_stream(&mut self) -> StreamId {
        loop {
            self.last_stream = self.last_stream.wrapping_add(1);
            let stream = StreamId(self.last_stream);
            if !self.channels.contains_key(&stream) {
                return stream;
            }
        }
    }

    /// Whether the agent has confirmed: `None` while it has not answered.
    #[must_use]
    pub fn accepted(&self, stream: StreamId) -> Option<Result<(), OpenError>> {
        let Some(channel) = self.channels.get(&stream) else {
            return Some(Err(OpenError::Closed));
        };
        if channel.confirmed {
            return Some(Ok(()));
        }
        match &channel.error {
            None => None,
            Some(StreamError::Open(error)) => Some(Err(error.clone())),
            Some(StreamError::Reset { code, text }) => Some(Err(OpenError::Rejected {
                code: *code,
                text: text.clone(),
            })),
            Some(_) => Some(Err(OpenError::Closed)),
        }
    }

    /// Writes what fits: 0 = nothing now; `Writable` tells when it is worth trying again.
    ///
    /// # Errors
    /// [`StreamError`]
    pub fn write(&mut self, stream: StreamId, bytes: &[u8]) -> Result<usize, StreamError> {
        let room = self.outbox_limit();
        let channel = self
            .channels
            .get_mut(&stream)
            .ok_or(StreamError::TunnelLost)?;
        match channel.sending {
            Half::Open => {}
            Half::Finishing | Half::Finished => return Err(StreamError::Finished),
            Half::Shut => {
                return Err(StreamError::Reset {
                    code: Code::Broken,
                    text: "the device has ended the connection".into(),
                });
            }
            Half::Cut => return Err(channel.failure()),
        }
        let fits = bytes.len().min(room.saturating_sub(channel.outbox.len()));
        channel.outbox.extend_from_slice(&bytes[..fits]);
        channel.waited_for = fits == 0 && !bytes.is_empty();
        self.outbox_bytes += fits;
        self.ledger.charge_anyway(fits as u64);
        self.queue(stream);
        Ok(fits)
    }

    pub(super) const fn outbox_limit(&self) -> usize {
        if self.outbox_bytes < OUTBOXES_BYTES {
            OUTBOX_BYTES
        } else {
            SMALL_OUTBOX_BYTES
        }
    }

    /// Puts the channel into the round, if it has something to send.
    pub(super) fn queue(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && !channel.queued
            && channel.is_ready()
        {
            channel.queued = true;
            self.round.push_back(stream);
        }
    }

    /// Says that nothing more will be written. Returns whether CLOSE is already on its way; if
    /// not, `Writable` tells when.
    ///
    /// # Errors
    /// [`StreamError`] if the channel was cut before.
    pub fn finish(&mut self, stream: StreamId) -> Result<bool, StreamError> {
        let channel = self
            .channels
            .get_mut(&stream)
            .ok_or(StreamError::TunnelLost)?;
        match channel.sending {
            Half::Cut => return Err(channel.failure()),
            Half::Finished | Half::Shut => return Ok(true),
            Half::Open | Half::Finishing => {}
        }
        channel.sending = Half::Finishing;
        channel.waited_for = true;
        self.queue(stream);
        Ok(false)
    }

    /// Reads at most `max` bytes.
    ///
    /// # Errors
    /// [`StreamError`] if the channel was cut before its end.
    pub fn read(&mut self, stream: StreamId, max: usize) -> Result<Read, StreamError> {
        let channel = self
            .channels
            .get_mut(&stream)
            .ok_or(StreamError::TunnelLost)?;
        if channel.inbox.is_empty() {
            return match channel.receiving {
                Half::Finished => Ok(Read::End),
                Half::Cut => Err(channel.failure()),
                _ => Ok(Read::Blocked),
            };
        }
        let bytes = channel.inbox.pop(max);
        channel.inbox_bytes -= bytes.len();
        channel.drained_bytes += bytes.len();
        self.ledger.release(bytes.len() as u64);
        self.drained(stream, bytes.len());
        Ok(Read::Bytes(bytes))
    }

    /// Cuts a channel in both directions; what came and was not read is lost.
    pub fn reset(&mut self, stream: StreamId, code: Code, text: &str) {
        self.forget_at_agent(stream, Fault::Socket);
        if let Some(channel) = self.channels.get_mut(&stream) {
            let error = StreamError::Reset {
                code,
                text: text.into(),
            };
            if !channel.inbox.is_empty() {
                channel.receiving = Half::Cut;
                channel.error = Some(error.clone());
            }
            self.drop_inbox(stream);
            self.end(stream, error);
        }
    }

    /// Nobody holds the channel any more: what has not ended is cut, what was not read is dropped.
    pub fn release(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream) {
            channel.held = false;
            self.reset(stream, Code::Cancelled, "");
        }
    }

    /// Whether both directions have ended.
    #[must_use]
    pub fn has_ended(&self, stream: StreamId) -> bool {
        let channel = self.channels.get(&stream);
        channel.is_none_or(|channel| !channel.is_live())
    }

    /// What the channel has carried; `None` when nobody holds it any more.
    #[must_use]
    pub fn transferred(&self, stream: StreamId) -> Option<Transferred> {
        let channel = self.channels.get(&stream)?;
        Some(Transferred {
            sent_bytes: channel.sent_bytes,
            received_bytes: channel.received_bytes,
        })
    }

    /// Why the channel was cut: `None` while it lives and when it ended cleanly.
    #[must_use]
    pub fn cut_reason(&self, stream: StreamId) -> Option<StreamError> {
        match self.channels.get(&stream) {
            Some(channel) => channel.error.clone(),
            None => Some(StreamError::TunnelLost),
        }
    }
}
