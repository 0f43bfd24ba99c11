//! What goes out next: control first, then small writes, then the rest in turn.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::pace::Pace;
use super::stream::{Half, SEND_BUFFER_BYTES, Sender};
use super::table::Table;
use super::time::Time;
use crate::wire::{
    Code, FULL_MESSAGE_BYTES, Frame, GoAway, HEADER_BYTES, MAX_MESSAGE_BYTES, encode_data_header,
};

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
    Accept(u32),
    Reject(u32, Code, String),
    /// The limit is looked up when it goes out: several that were due become one.
    Credit(u32),
    Reset(u32, Code, String),
}

impl Control {
    /// About the connection, not a stream: never counted, never sent again.
    fn is_urgent(&self) -> bool {
        matches!(self, Self::Ping(_) | Self::Pong(_) | Self::GoAway(_))
    }
}

/// An OPEN that waits to be sent.
#[derive(Debug)]
struct Opening {
    id: u32,
    target: Bytes,
    since: Time,
}

/// The queues of a tunnel.
#[derive(Debug, Default)]
pub(super) struct Scheduler {
    /// What is not about a stream; first in each message.
    urgent: VecDeque<Control>,
    control: VecDeque<Control>,
    /// Ids rise.
    opens: VecDeque<Opening>,
    /// Streams that have nothing to send but FIN, which is never held back.
    fins: VecDeque<u32>,
    small: VecDeque<u32>,
    bulk: VecDeque<u32>,
    /// What the first of `bulk` may still send in its turn, which the end of a message cut short.
    turn_left: Option<usize>,
}

/// What packing did to streams.
#[derive(Debug, Default)]
pub(super) struct Packed {
    /// Where in the message the frames begin that resumption counts.
    pub(super) counted_from: usize,
    /// How many these are.
    pub(super) counted: u64,
    /// There is room to write again, or FIN is out.
    pub(super) relieved: Vec<u32>,
    /// FIN is out: the stream may have ended.
    pub(super) finished: Vec<u32>,
}

impl Scheduler {
    pub(super) fn push(&mut self, control: Control) {
        if control.is_urgent() {
            self.urgent.push_back(control);
        } else {
            self.control.push_back(control);
        }
    }

    /// A PING: before everything else.
    pub(super) fn push_first(&mut self, ping: Control) {
        self.urgent.push_front(ping);
    }

    pub(super) fn push_open(&mut self, id: u32, target: Bytes, since: Time) {
        self.opens.push_back(Opening { id, target, since });
    }

    /// OPENs that were not sent yet.
    pub(super) fn waiting_opens(&self) -> usize {
        self.opens.len()
    }

    /// Takes an OPEN back. Returns whether it was not sent yet.
    pub(super) fn forget_open(&mut self, id: u32) -> bool {
        let found = self.opens.binary_search_by_key(&id, |opening| opening.id);
        found.is_ok_and(|index| self.opens.remove(index).is_some())
    }

    /// Since when the first OPEN waits.
    pub(super) fn oldest_open(&self) -> Option<Time> {
        self.opens.front().map(|opening| opening.since)
    }

    /// Takes the first OPEN back.
    pub(super) fn pop_open(&mut self) -> Option<u32> {
        self.opens.pop_front().map(|opening| opening.id)
    }

    /// The connection is lost: PINGs and PONGs are for nobody any more, and OPENs wait from now
    /// on.
    pub(super) fn suspend(&mut self, now: Time) {
        self.urgent.clear();
        for opening in &mut self.opens {
            opening.since = now;
        }
    }

    /// Puts a stream into a queue if it has something to send.
    pub(super) fn ready(&mut self, id: u32, sender: &mut Sender) {
        if sender.queued || !sender.is_ready() {
            return;
        }
        sender.queued = true;
        if sender.fin_is_due() {
            self.fins.push_back(id);
        } else if sender.sendable() <= SMALL_BYTES {
            self.small.push_back(id);
        } else {
            self.bulk.push_back(id);
        }
    }

    pub(super) fn has_data(&self) -> bool {
        !self.small.is_empty() || !self.bulk.is_empty() || !self.fins.is_empty()
    }

    pub(super) fn has_urgent(&self) -> bool {
        !self.urgent.is_empty()
    }

    /// Drops everything: the tunnel has ended.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn shrink(&mut self) {
        self.urgent.shrink_to_fit();
        self.control.shrink_to_fit();
        self.opens.shrink_to_fit();
        self.fins.shrink_to_fit();
        self.small.shrink_to_fit();
        self.bulk.shrink_to_fit();
    }

    /// Whether [`Self::pack`] would pack anything. `held`: no DATA and no OPEN may go.
    pub(super) fn has_work(&self, pace: &Pace, held: bool) -> bool {
        let control = !self.control.is_empty() || !self.fins.is_empty();
        if control && pace.room() > 0 {
            return true;
        }
        let small = !self.small.is_empty() || !self.opens.is_empty();
        let bulk = !self.bulk.is_empty();
        !held && ((small && pace.room() > 0) || (bulk && pace.bulk_room() > 0))
    }

    /// A buffer for the next message.
    pub(super) fn message(&self, table: &Table, pace: &Pace) -> BytesMut {
        BytesMut::with_capacity(self.estimate(table, pace.room().min(FULL_MESSAGE_BYTES)))
    }

    /// Begins a message with what is not about a stream.
    pub(super) fn pack_urgent(&mut self, message: &mut BytesMut) {
        while message.len() + MAX_CONTROL_BYTES <= MAX_MESSAGE_BYTES {
            let frame = match self.urgent.pop_front() {
                Some(Control::Ping(opaque)) => Frame::Ping(opaque),
                Some(Control::Pong(opaque)) => Frame::Pong(opaque),
                Some(Control::GoAway(goaway)) => Frame::GoAway(goaway),
                _ => return,
            };
            frame.encode(message);
        }
    }

    /// Goes on with what is about streams. No OPEN and no DATA beyond `replay_room` bytes, but
    /// for the frame that reaches it.
    pub(super) fn pack(
        &mut self,
        table: &mut Table,
        pace: &Pace,
        replay_room: u64,
        message: &mut BytesMut,
        packed: &mut Packed,
    ) {
        packed.counted_from = message.len();
        let room = pace.room().min(FULL_MESSAGE_BYTES);
        let bulk_room = pace.bulk_room().min(FULL_MESSAGE_BYTES);
        self.pack_control(table, message, packed);
        let replay_room = usize::try_from(replay_room).unwrap_or(usize::MAX);
        let held_from = message.len().saturating_add(replay_room);
        self.pack_opens(table, held_from, message, packed);
        self.pack_fins(table, message, packed);
        // Small writes may not starve large ones for ever.
        let small_room = if self.bulk.is_empty() { room } else { room / 2 };
        self.pack_small(table, small_room.min(held_from), message, packed);
        // A message is delivered as a whole, so on a slow path a keystroke has one of its own.
        if message.is_empty() || !pace.is_slow() {
            let bulk_room = bulk_room.min(held_from);
            self.pack_bulk(table, pace, bulk_room, message, packed);
        }
    }

    fn pack_control(&mut self, table: &mut Table, message: &mut BytesMut, packed: &mut Packed) {
        while message.len() + MAX_CONTROL_BYTES <= MAX_MESSAGE_BYTES {
            let frame = match self.control.pop_front() {
                Some(Control::Accept(stream)) => Frame::Accept { stream },
                Some(Control::Reject(stream, code, text)) => Frame::Reject { stream, code, text },
                Some(Control::Reset(stream, code, text)) => Frame::Reset { stream, code, text },
                Some(Control::Credit(stream)) => {
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
                Some(Control::Ping(_) | Control::Pong(_) | Control::GoAway(_)) | None => return,
            };
            frame.encode(message);
            packed.counted += 1;
        }
    }

    fn pack_opens(
        &mut self,
        table: &mut Table,
        held_from: usize,
        message: &mut BytesMut,
        packed: &mut Packed,
    ) {
        let max = held_from.min(MAX_MESSAGE_BYTES - MAX_CONTROL_BYTES);
        while message.len() < max {
            let Some(Opening { id, target, .. }) = self.opens.pop_front() else {
                return;
            };
            Frame::Open { stream: id, target }.encode(message);
            packed.counted += 1;
            if let Some(stream) = table.stream(id) {
                stream.sender.unopened = false;
                self.ready(id, &mut stream.sender);
            }
        }
    }

    fn pack_fins(&mut self, table: &mut Table, message: &mut BytesMut, packed: &mut Packed) {
        while message.len() + HEADER_BYTES <= MAX_MESSAGE_BYTES {
            let Some(id) = self.fins.pop_front() else {
                return;
            };
            if let Some(stream) = table.stream(id) {
                stream.sender.queued = false;
                pack_frame(id, &mut stream.sender, 0, message, packed);
            }
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
        let mut bytes = (self.urgent.len() + self.control.len()) * (HEADER_BYTES + 32)
            + (self.opens.len() + self.fins.len()) * (HEADER_BYTES + 64);
        let opening = self.opens.iter().map(|opening| &opening.id);
        for id in self.small.iter().chain(&self.bulk).chain(opening) {
            if bytes >= room {
                return room;
            }
            let sendable = table.peek(*id).map_or(0, |stream| stream.sender.sendable());
            bytes += sendable + 2 * HEADER_BYTES;
        }
        bytes.min(FULL_MESSAGE_BYTES)
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
        encode_data_header(id, bytes, message);
        let mut left = bytes;
        while left > 0 {
            let part = sender.buffer.pop(left);
            message.extend_from_slice(&part);
            left -= part.len();
        }
        packed.counted += 1;
        sender.sent += bytes as u64;
        if sender.waited_for && sender.buffer.len() <= SEND_BUFFER_BYTES / 2 {
            packed.relieved.push(id);
        }
    }
    if sender.fin_is_due() && message.len() + HEADER_BYTES <= MAX_MESSAGE_BYTES {
        Frame::Fin { stream: id }.encode(message);
        packed.counted += 1;
        sender.half = Half::Finished;
        packed.relieved.push(id);
        packed.finished.push(id);
    }
}
