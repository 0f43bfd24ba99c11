//! What was sent and not yet acknowledged, to be sent again after a resumption (PROTOCOL
//! section 7).

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use super::budget::Ledger;
use super::error::{ProtocolError, ResumeError};
use crate::wire::first_frame_bytes;

/// The least budget that keeps a stream going, and what a tunnel has however short memory runs.
pub(super) const MIN_REPLAY_BYTES: u64 = 128 * 1024;
/// What keeping a part costs beside its bytes.
const PART_BYTES: u64 = 96;
/// Control frames are never held back. A peer that has us send so many beyond the budget without
/// acknowledging any does not keep to the rules.
const MAX_BEYOND_BYTES: u64 = 1024 * 1024;
/// A queue that was longer than this is given back at once when it is empty.
const KEEP_PARTS: usize = 64;

/// Counted frames that went out, each next to the one before.
#[derive(Debug)]
struct Part {
    bytes: Bytes,
    frames: u64,
}

impl Part {
    fn cost(&self) -> u64 {
        self.bytes.len() as u64 + PART_BYTES
    }
}

/// The store of one tunnel.
#[derive(Debug)]
pub(super) struct Replay {
    /// 0: nothing is kept.
    budget_bytes: u64,
    parts: VecDeque<Part>,
    kept_bytes: u64,
    sent: u64,
    acknowledged: u64,
    /// While it sends again: the part, and how many of its bytes are out.
    again: Option<(usize, usize)>,
}

impl Replay {
    /// 0 = none.
    pub(super) fn new(budget_bytes: u64) -> Self {
        let budget_bytes = if budget_bytes == 0 {
            0
        } else {
            budget_bytes.max(MIN_REPLAY_BYTES)
        };
        Self {
            budget_bytes,
            parts: VecDeque::new(),
            kept_bytes: 0,
            sent: 0,
            acknowledged: 0,
            again: None,
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.budget_bytes > 0
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// How many bytes of DATA and OPEN may go out before the next ACK.
    pub(super) fn room(&self, ledger: &Ledger) -> u64 {
        if !self.is_on() {
            return u64::MAX;
        }
        let least = MIN_REPLAY_BYTES.saturating_sub(self.kept_bytes);
        let most = self.budget_bytes.saturating_sub(self.kept_bytes);
        least.max(most.min(ledger.growth_room()))
    }

    /// Counted frames went out that need not be kept.
    pub(super) fn count(&mut self, frames: u64) {
        self.sent += frames;
    }

    /// Counted frames went out, `frames` of them.
    pub(super) fn keep(&mut self, bytes: Bytes, frames: u64, ledger: &mut Ledger) {
        self.count(frames);
        let part = Part { bytes, frames };
        ledger.charge_anyway(part.cost());
        self.kept_bytes += part.cost();
        self.parts.push_back(part);
    }

    /// The peer has received so many. Returns whether that was news.
    pub(super) fn acknowledge(
        &mut self,
        received: u64,
        ledger: &mut Ledger,
    ) -> Result<bool, ProtocolError> {
        if self.check(received).is_err() {
            return Err(ProtocolError::Acknowledged);
        }
        let mut frames = received - self.acknowledged;
        let is_news = frames > 0;
        self.acknowledged = received;
        while let Some(part) = self.parts.front_mut() {
            if frames < part.frames {
                let before = part.cost();
                let mut bytes = 0;
                for _ in 0..frames {
                    bytes += first_frame_bytes(&part.bytes[bytes..]);
                }
                part.bytes.advance(bytes);
                part.frames -= frames;
                let freed = before - part.cost();
                if let Some((0, out)) = &mut self.again {
                    *out = out.saturating_sub(bytes);
                }
                self.free(freed, ledger);
                break;
            }
            frames -= part.frames;
            let freed = part.cost();
            self.parts.pop_front();
            self.again = match self.again {
                Some((0, _)) => Some((0, 0)),
                Some((index, out)) => Some((index - 1, out)),
                None => None,
            };
            self.free(freed, ledger);
        }
        if self.parts.is_empty() {
            self.again = None;
            if self.parts.capacity() > KEEP_PARTS {
                self.parts = VecDeque::new();
            }
        }
        Ok(is_news)
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Whether an honest peer can have received so many.
    pub(super) fn check(&self, received: u64) -> Result<(), ResumeError> {
        if received > self.sent {
            Err(ResumeError::AboveSent)
        } else if received < self.acknowledged {
            Err(ResumeError::BelowAcknowledged)
        } else {
            Ok(())
        }
    }

    /// Whether the peer has made this end keep more than any honest one does.
    pub(super) fn is_overfull(&self) -> bool {
        self.is_on() && self.kept_bytes > self.budget_bytes + MAX_BEYOND_BYTES
    }

    /// All that is kept is to go out again.
    pub(super) fn start_again(&mut self) {
        self.again = (!self.parts.is_empty()).then_some((0, 0));
    }

    pub(super) fn stop_again(&mut self) {
        self.again = None;
    }

    /// Whether something is to go out again before anything new.
    pub(super) fn is_sending_again(&self) -> bool {
        self.again.is_some()
    }

    /// Appends what is to go out again until the message has `room` bytes; at least one frame.
    pub(super) fn pack_again(&mut self, room: usize, message: &mut BytesMut) {
        let Some((mut index, mut out)) = self.again else {
            return;
        };
        let start = message.len();
        while let Some(part) = self.parts.get(index) {
            let rest = &part.bytes[out..];
            let frame = first_frame_bytes(rest);
            if frame == 0 {
                (index, out) = (index + 1, 0);
                continue;
            }
            if message.len() > start && message.len() + frame > room {
                break;
            }
            message.extend_from_slice(&rest[..frame]);
            out += frame;
        }
        self.again = (index < self.parts.len()).then_some((index, out));
    }

    /// Drops everything: the tunnel has ended.
    pub(super) fn clear(&mut self, ledger: &mut Ledger) {
        let kept = self.kept_bytes;
        self.free(kept, ledger);
        self.parts = VecDeque::new();
        self.again = None;
    }

    pub(super) fn shrink(&mut self) {
        self.parts.shrink_to_fit();
    }

    pub(super) fn kept_bytes(&self) -> u64 {
        self.kept_bytes
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.parts.capacity()
    }

    fn free(&mut self, bytes: u64, ledger: &mut Ledger) {
        self.kept_bytes -= bytes;
        ledger.release(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::budget::Budget;
    use crate::wire::encode_data_header;

    fn ledger() -> Ledger {
        Ledger::new(1 << 20, Budget::new(1 << 20))
    }

    fn frames(sizes: &[usize]) -> Bytes {
        let mut message = BytesMut::new();
        for size in sizes {
            encode_data_header(1, *size, &mut message);
            message.extend_from_slice(&vec![*size as u8; *size]);
        }
        message.freeze()
    }

    fn again(replay: &mut Replay, room: usize) -> Vec<u8> {
        let mut message = BytesMut::new();
        replay.pack_again(room, &mut message);
        message.to_vec()
    }

    #[test]
    fn what_was_not_acknowledged_goes_out_again_in_its_order() {
        let (mut replay, mut ledger) = (Replay::new(1), ledger());
        replay.keep(frames(&[5, 6, 7]), 3, &mut ledger);
        replay.keep(frames(&[8]), 1, &mut ledger);
        assert_eq!(replay.acknowledge(1, &mut ledger), Ok(true));
        replay.start_again();
        assert_eq!(again(&mut replay, 1), frames(&[6]));
        // An answer to what was sent before the cut may still be under way in a hostile peer.
        assert_eq!(replay.acknowledge(2, &mut ledger), Ok(true));
        assert_eq!(again(&mut replay, 1000), frames(&[7, 8]));
        assert!(!replay.is_sending_again());
        assert_eq!(replay.acknowledge(4, &mut ledger), Ok(true));
        assert_eq!((replay.kept_bytes(), ledger.used_bytes()), (0, 0));
    }

    #[test]
    fn an_acknowledgement_out_of_range_is_refused() {
        let (mut replay, mut ledger) = (Replay::new(1), ledger());
        replay.keep(frames(&[5, 6, 7]), 3, &mut ledger);
        assert_eq!(replay.acknowledge(2, &mut ledger), Ok(true));
        assert_eq!(replay.acknowledge(2, &mut ledger), Ok(false));
        assert_eq!(replay.check(1), Err(ResumeError::BelowAcknowledged));
        assert_eq!(replay.check(4), Err(ResumeError::AboveSent));
        for wrong in [0, 1, 4, u64::MAX] {
            let error = replay.acknowledge(wrong, &mut ledger);
            assert_eq!(error, Err(ProtocolError::Acknowledged));
        }
    }

    #[test]
    fn s36_the_budget_is_held_and_short_memory_leaves_the_least() {
        let (mut replay, mut roomy) = (Replay::new(300 << 10), ledger());
        assert_eq!(replay.room(&roomy), 300 << 10);
        replay.keep(frames(&[32 << 10; 9]), 9, &mut roomy);
        assert!(replay.room(&roomy) < 12 << 10);
        let mut short = Ledger::new(1 << 20, Budget::new(1 << 20));
        assert!(short.charge(1 << 20));
        let mut replay = Replay::new(300 << 10);
        assert_eq!(replay.room(&short), MIN_REPLAY_BYTES);
        replay.keep(frames(&[32 << 10; 4]), 4, &mut short);
        assert_eq!(replay.room(&short), 0);
        replay.clear(&mut short);
        assert_eq!(short.used_bytes(), 1 << 20);
    }
}
