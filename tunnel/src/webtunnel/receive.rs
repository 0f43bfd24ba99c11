//! What an agent sends.

use bytes::Bytes;

use super::channel::{Channel, Half};
use super::error::{Fault, MessageError};
use super::message::Message;
use super::mux::{Mux, close_deadline};
use super::properties::Property;
use crate::mux::{Event, OpenError, StreamError, StreamId, Time};

impl Mux {
    /// A message came: the payload of one binary frame.
    ///
    /// # Errors
    /// [`MessageError`]: the tunnel must be closed.
    pub fn handle_message(&mut self, now: Time, message: &Bytes) -> Result<(), MessageError> {
        if self.closed {
            return Ok(());
        }
        self.handle_socket_control(now);
        if message.is_empty() {
            return Ok(());
        }
        match Message::decode(message)? {
            Message::Data(id, data) => self.data(now, id, data),
            Message::OpenConfirm(id) => {
                if let Some(stream) = self.by_id.get(&id).copied() {
                    self.confirm(stream);
                }
            }
            Message::OpenFault(id, fault) => self.open_fault(now, id, fault),
            Message::Close(id) => self.close_came(now, id),
            Message::Error(id, fault) => self.error_came(now, id, fault),
            Message::PropUpdate(body) => self.properties = Some(Property::read_all(&body)?),
            // Only this end opens; what other versions say is theirs.
            Message::OpenRequest(..) | Message::Unknown(_) => {}
        }
        Ok(())
    }

    /// A PING or PONG came: a sign of life.
    pub fn handle_socket_control(&mut self, now: Time) {
        self.heard_at = now;
        self.rouse.heard();
    }

    /// The agent confirmed, or did as if.
    fn confirm(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && !channel.confirmed
        {
            channel.confirmed = true;
            self.unconfirmed -= 1;
            self.events.push_back(Event::Accepted(stream));
            self.queue(stream);
        }
    }

    fn data(&mut self, now: Time, id: u16, data: Bytes) {
        // Of a channel that this end has dropped, some may still be on its way.
        let Some(stream) = self.by_id.get(&id).copied() else {
            return;
        };
        // Agents before 1.15 may send it first.
        self.confirm(stream);
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if channel.receiving != Half::Open || data.is_empty() {
            return;
        }
        let bytes = data.len();
        channel.received_bytes += bytes as u64;
        channel.inbox_bytes += bytes;
        channel.inbox.push(data);
        self.ledger.charge_anyway(bytes as u64);
        self.readable(stream);
        self.filled(now, stream, bytes);
    }

    fn open_fault(&mut self, now: Time, id: u16, fault: Fault) {
        let Some(stream) = self.by_id.get(&id).copied() else {
            return;
        };
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if channel.confirmed {
            // Of a second open on the id, which this end never sends.
            return;
        }
        if fault == Fault::ChannelInUse {
            // An older channel of the id still lives there. It is not ours to touch: another id.
            self.by_id.remove(&id);
            self.rest_after_ours(id, now);
            if let Some(other) = self.ids.take(now)
                && let Some(channel) = self.channels.get_mut(&stream)
            {
                channel.id = other;
                let port = channel.port;
                self.by_id.insert(other, stream);
                self.control.push_back(Message::OpenRequest(other, port));
                return;
            }
        } else {
            self.rest_after_both(id, now);
        }
        let (code, text) = fault.of_open();
        let text = text.into();
        self.end(
            stream,
            StreamError::Open(OpenError::Rejected { code, text }),
        );
    }

    fn close_came(&mut self, now: Time, id: u16) {
        let Some(stream) = self.by_id.get(&id).copied() else {
            return;
        };
        self.confirm(stream);
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if channel.receiving != Half::Open {
            return;
        }
        channel.receiving = Half::Finished;
        if channel.sending == Half::Finished {
            self.by_id.remove(&id);
            self.rest_after_both(id, now);
        } else {
            self.closing.push_back((close_deadline(now), stream));
        }
        self.readable(stream);
        self.not_full(stream);
        self.settle(stream);
    }

    fn error_came(&mut self, now: Time, id: u16, fault: Fault) {
        let Some(stream) = self.by_id.get(&id).copied() else {
            return;
        };
        self.rest_after_both(id, now);
        let (code, text) = fault.of_channel();
        let text = text.into();
        self.end(stream, StreamError::Reset { code, text });
    }

    /// Several in a row are one event.
    fn readable(&mut self, stream: StreamId) {
        let event = Event::Readable(stream);
        if self.events.back() != Some(&event) {
            self.events.push_back(event);
        }
    }

    pub(super) fn channel(&self, stream: StreamId) -> Option<&Channel> {
        self.channels.get(&stream)
    }
}
