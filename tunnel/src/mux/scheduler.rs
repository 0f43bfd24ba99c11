//! What goes out next: control first, then small writes, then the rest in turn.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::pace::Pace;
use super::stream::{Half, SEND_BUFFER_BYTES, Sender};
use super::table::Table;
use crate::wire::{Code, Frame, GoAway, HEADER_BYTES, MAX_MESSAGE_BYTES, encode_data};

/// A stream with no more than this to send goes before those with more.
const SMALL_BYTES: usize = 1024;
/// The largest control frame is an OPEN.
const MAX_CONTROL_BYTES: usize = HEADER_BYTES + 4 * 1024;

/// A frame without payload of a stream.
#[derive(Debug)]
pub(super) enum Control {
    Ping([u8; 8]),
    Pong([u8; 8]),
    GoAway(GoAway),
    Open(u32, Bytes),
    Accept(u32),
    Reject(u32, Code, String),
    /// The limit is looked up when it goes out: several that were due become one.
    Credit(u32),
    Reset(u32, Code, String),
}

/// The queues of a tunnel.
#[derive(Debug, Default)]
pub(super) struct Scheduler {
    control: VecDeque<Control>,
    small: VecDeque<u32>,
    bulk: VecDeque<u32>,
    /// What the first of `bulk` may still send in its turn, which the end of a message cut short.
    turn_left: Option<usize>,
}

/// What packing did to streams.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// There is room to write again, or FIN is out.
    pub(super) relieved: Vec<u32>,
    /// FIN is out: the stream may have ended.
    pub(super) finished: Vec<u32>,
}

impl Scheduler {
    pub(super) fn push(&mut self, control: Control) {
        self.control.push_back(control);
    }

    /// Before everything else.
    pub(super) fn push_first(&mut self, control: Control) {
        self.control.push_front(control);
    }

    /// Puts a stream into a queue if it has something to send.
    pub(super) fn ready(&mut self, id: u32, sender: &mut Sender) {
        if sender.queued || !sender.is_ready() {
            return;
        }
        sender.queued = true;
        if sender.sendable() <= SMALL_BYTES {
            self.small.push_back(id);
        } else {
            self.bulk.push_back(id);
        }
    }

    pub(super) fn has_data(&self) -> bool {
        !self.small.is_empty() || !self.bulk.is_empty()
    }

    /// Drops everything: the tunnel has ended.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn shrink(&mut self) {
        self.control.shrink_to_fit();
        self.small.shrink_to_fit();
        self.bulk.shrink_to_fit();
    }

    /// Whether [`Self::pack`] would pack anything.
    pub(super) fn has_work(&self, pace: &Pace) -> bool {
        let urgent = !self.control.is_empty() || !self.small.is_empty();
        (urgent && pace.room() > 0) || (!self.bulk.is_empty() && pace.bulk_room() > 0)
    }

    /// Packs one message; empty when there is nothing to say or no room.
    pub(super) fn pack(&mut self, table: &mut Table, pace: &Pace, packed: &mut Packed) -> Bytes {
        let room = pace.room().min(MAX_MESSAGE_BYTES);
        let bulk_room = pace.bulk_room().min(MAX_MESSAGE_BYTES);
        let mut message = BytesMut::with_capacity(self.estimate(table, room));
        self.pack_control(table, &mut message);
        // Small writes may not starve large ones for ever.
        let small_room = if self.bulk.is_empty() { room } else { room / 2 };
        self.pack_small(table, small_room, &mut message, packed);
        // A message is delivered as a whole, so on a slow path a keystroke has one of its own.
        if message.is_empty() || !pace.is_slow() {
            self.pack_bulk(table, pace, bulk_room, &mut message, packed);
        }
        message.freeze()
    }

    fn pack_control(&mut self, table: &mut Table, message: &mut BytesMut) {
        while message.len() + MAX_CONTROL_BYTES <= MAX_MESSAGE_BYTES {
            let Some(control) = self.control.pop_front() else {
                return;
            };
            let frame = match control {
                Control::Ping(opaque) => Frame::Ping(opaque),
                Control::Pong(opaque) => Frame::Pong(opaque),
                Control::GoAway(goaway) => Frame::GoAway(goaway),
                Control::Open(stream, target) => Frame::Open { stream, target },
                Control::Accept(stream) => Frame::Accept { stream },
                Control::Reject(stream, code, text) => Frame::Reject { stream, code, text },
                Control::Reset(stream, code, text) => Frame::Reset { stream, code, text },
                Control::Credit(stream) => {
                    let Some(state) = table.stream(stream) else {
                        continue;
                    };
                    state.receiver.credit_queued = false;
                    if state.receiver.half != Half::Open {
                        continue;
                    }
                    Frame::Credit {
                        stream,
                        limit: state.receiver.window.grant(),
                    }
                }
            };
            frame.encode(message);
        }
    }

    fn pack_small(
        &mut self,
        table: &mut Table,
        room: usize,
        message: &mut BytesMut,
        packed: &mut Packed,
    ) {
        while message.len() + HEADER_BYTES < room {
            let Some(id) = self.small.pop_front() else {
                return;
            };
            let Some(stream) = table.stream(id) else {
                continue;
            };
            if stream.sender.sendable() > SMALL_BYTES {
                // More was written since.
                self.bulk.push_back(id);
            } else {
                let max = room - message.len() - HEADER_BYTES;
                pack_frame(id, &mut stream.sender, max, message, packed);
                stream.sender.queued = false;
                self.ready(id, &mut stream.sender);
            }
        }
    }

    /// Gives each stream one frame in turn, until the message has `room` bytes.
    fn pack_bulk(
        &mut self,
        table: &mut Table,
        pace: &Pace,
        room: usize,
        message: &mut BytesMut,
        packed: &mut Packed,
    ) {
        while message.len() + HEADER_BYTES < room {
            let Some(id) = self.bulk.pop_front() else {
                return;
            };
            let Some(stream) = table.stream(id) else {
                continue;
            };
            let turn = self.turn_left.take().unwrap_or(pace.max_frame());
            let space = room - message.len() - HEADER_BYTES;
            pack_frame(id, &mut stream.sender, turn.min(space), message, packed);
            // Not `ready`, which would let the last bytes of a large write overtake others.
            stream.sender.queued = stream.sender.is_ready();
            if stream.sender.queued && space < turn {
                self.bulk.push_front(id);
                self.turn_left = Some(turn - space);
            } else if stream.sender.queued {
                self.bulk.push_back(id);
            }
        }
    }

    /// How large the message will be, so that it is allocated once and no larger than needed.
    fn estimate(&self, table: &Table, room: usize) -> usize {
        let mut bytes = self.control.len() * (HEADER_BYTES + 32);
        for id in self.small.iter().chain(&self.bulk) {
            if bytes >= room {
                return room;
            }
            let sendable = table.peek(*id).map_or(0, |stream| stream.sender.sendable());
            bytes += sendable + 2 * HEADER_BYTES;
        }
        bytes.min(MAX_MESSAGE_BYTES)
    }
}

/// Packs one frame of at most `max` bytes, and FIN if it is due then.
fn pack_frame(
    id: u32,
    sender: &mut Sender,
    max: usize,
    message: &mut BytesMut,
    packed: &mut Packed,
) {
    let bytes = sender.sendable().min(max);
    if bytes > 0 {
        encode_data(id, &sender.buffer.split_to(bytes), message);
        sender.sent += bytes as u64;
        if sender.buffer.is_empty() {
            // A stream at rest holds nothing.
            sender.buffer = BytesMut::new();
        }
        if sender.waited_for && sender.buffer.len() <= SEND_BUFFER_BYTES / 2 {
            packed.relieved.push(id);
        }
    }
    if sender.fin_is_due() && message.len() + HEADER_BYTES <= MAX_MESSAGE_BYTES {
        Frame::Fin { stream: id }.encode(message);
        sender.half = Half::Finished;
        packed.relieved.push(id);
        packed.finished.push(id);
    }
}
