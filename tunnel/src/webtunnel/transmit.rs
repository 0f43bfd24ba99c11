//! What goes out, message by message.

use bytes::Bytes;

use super::MAX_DATA_BYTES;
use super::channel::Half;
use super::message::Message;
use super::mux::Mux;
use crate::mux::{Event, StreamId, Time};

/// What a PING carries: one without payload is a close to some.
const PING: Bytes = Bytes::from_static(&[0]);

/// What to send: one WebSocket frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A binary frame.
    Message(Bytes),
    /// A PING.
    Ping(Bytes),
}

impl Mux {
    /// The next frame to send; `None` when there is nothing to send, or nothing may be sent yet.
    /// A message has from 4 to 2052 bytes.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Outgoing> {
        if !self.wants_transmit() {
            return None;
        }
        if self.rouse.is_due() {
            self.rouse.pinged(now);
            return Some(Outgoing::Ping(PING));
        }
        if self.pause.takes_ping() {
            return Some(Outgoing::Ping(PING));
        }
        let message = match self.control.pop_front() {
            Some(message) => {
                self.control_sent(&message, now);
                message
            }
            None => self.next_of_round(now)?,
        };
        self.rouse.sent();
        Some(Outgoing::Message(message.encode()))
    }

    /// Whether [`Self::poll_transmit`] may have something.
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        let has_some = self.rouse.is_due()
            || self.pause.wants_ping()
            || !self.control.is_empty()
            || !self.round.is_empty();
        has_some && !self.rouse.holds() && !self.closed
    }

    fn control_sent(&mut self, message: &Message, now: Time) {
        match message {
            Message::Error(id, _) => self.rest_after_ours(*id, now),
            // Sent in an owner's place, after the device's own.
            Message::Close(id) => self.rest_after_both(*id, now),
            _ => {}
        }
    }

    /// One message of the channel whose turn it is.
    fn next_of_round(&mut self, now: Time) -> Option<Message> {
        loop {
            let stream = self.round.pop_front()?;
            let Some(channel) = self.channels.get_mut(&stream) else {
                continue;
            };
            channel.queued = false;
            if !channel.is_ready() {
                continue;
            }
            if channel.outbox.is_empty() {
                let id = channel.id;
                self.close_sent(stream, now);
                return Some(Message::Close(id));
            }
            let bytes = channel.outbox.len().min(MAX_DATA_BYTES);
            let data = channel.outbox.split_to(bytes).freeze();
            let message = Message::Data(channel.id, data);
            if channel.outbox.is_empty() {
                // A channel at rest holds nothing.
                channel.outbox = bytes::BytesMut::new();
            }
            channel.sent_bytes += bytes as u64;
            let (left, waited_for) = (channel.outbox.len(), channel.waited_for);
            self.outbox_bytes -= bytes;
            self.ledger.release(bytes as u64);
            if waited_for && left <= self.outbox_limit() / 2 {
                self.writable(stream);
            }
            self.queue(stream);
            return Some(message);
        }
    }

    fn close_sent(&mut self, stream: StreamId, now: Time) {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        let id = channel.id;
        channel.sending = Half::Finished;
        if channel.receiving != Half::Open {
            self.by_id.remove(&id);
            self.rest_after_both(id, now);
        }
        self.writable(stream);
        self.settle(stream);
    }

    fn writable(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && channel.waited_for
        {
            // Who waits for CLOSE goes on waiting.
            channel.waited_for = channel.sending == Half::Finishing;
            self.events.push_back(Event::Writable(stream));
        }
    }
}
