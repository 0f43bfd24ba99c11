//! What goes out, message by message.

use bytes::{Bytes, BytesMut};

use super::scheduler::{Control, Packed};
use super::time::Time;
use super::{Event, Mux, StreamId};
use crate::wire::{Frame, MAX_MESSAGE_BYTES};

/// Less room than this in the replay store is none: a frame for a few bytes costs more than the
/// wait for an ACK.
const LEAST_REPLAY_ROOM_BYTES: u64 = 1024;

impl Mux {
    /// The next message to send, at most 64 KiB; `None` when there is nothing to send, or too
    /// much was not sent yet.
    pub fn poll_transmit(&mut self, now: Time) -> Option<Bytes> {
        if !self.wants_transmit() {
            return None;
        }
        if self.scheduler.has_data() || self.replay.is_sending_again() {
            self.liveness.sending(now);
            if let Some(ping) = self.liveness.probe(now) {
                self.scheduler.push_first(Control::Ping(ping));
            }
        }
        let message = if self.replay.is_sending_again() {
            self.pack_again()
        } else {
            self.pack(now)
        };
        if message.is_empty() {
            return None;
        }
        self.pace.hand_down(message.len() as u64, now);
        Some(message)
    }

    /// Whether [`Self::poll_transmit`] may have something.
    #[must_use]
    pub fn wants_transmit(&self) -> bool {
        if self.suspended {
            return false;
        }
        let again = self.replay.is_sending_again();
        let urgent = self.scheduler.has_urgent() || self.received.is_due();
        if again || urgent {
            return self.pace.room() > 0;
        }
        self.scheduler.has_work(&self.pace, self.is_held())
    }

    /// Whether what is not acknowledged holds back DATA and OPEN.
    fn is_held(&self) -> bool {
        self.replay_room() == 0
    }

    fn replay_room(&self) -> u64 {
        let room = self.replay.room(&self.ledger);
        if room < LEAST_REPLAY_ROOM_BYTES {
            0
        } else {
            room
        }
    }

    fn pack(&mut self, now: Time) -> Bytes {
        let mut message = self.scheduler.message(&self.table, &self.pace);
        self.begin(&mut message);
        let mut packed = Packed::default();
        let replay_room = self.replay_room();
        self.scheduler.pack(
            &mut self.table,
            &self.pace,
            replay_room,
            &mut message,
            &mut packed,
        );
        for id in packed.finished {
            self.settle(id);
        }
        for id in packed.relieved {
            if let Some(stream) = self.table.stream(id) {
                stream.sender.waited_for = false;
            }
            self.events.push_back(Event::Writable(StreamId(id)));
        }
        if packed.counted == 0 || !self.replay.is_on() {
            self.replay.count(packed.counted);
            return message.freeze();
        }
        // What is kept for a while must not hold a buffer much larger than it is.
        if message.capacity() - message.len() > message.len() / 8 + 256 {
            message = BytesMut::from(&message[..]);
        }
        let message = message.freeze();
        let counted = message.slice(packed.counted_from..);
        self.replay.keep(counted, packed.counted, &mut self.ledger);
        self.liveness.unacknowledged(now);
        message
    }

    fn pack_again(&mut self) -> Bytes {
        let room = self.pace.room().min(MAX_MESSAGE_BYTES);
        let mut message = BytesMut::new();
        self.begin(&mut message);
        // A frame and what goes before it may be a little more than a message holds.
        if message.len() < MAX_MESSAGE_BYTES / 4 {
            self.replay.pack_again(room, &mut message);
        }
        message.freeze()
    }

    /// What is first in each message, and never counted.
    fn begin(&mut self, message: &mut BytesMut) {
        if let Some(received) = self.received.acknowledge() {
            Frame::Ack(received).encode(message);
        }
        self.scheduler.pack_urgent(message);
    }
}
