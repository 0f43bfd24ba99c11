//! Bytes of a stream that wait: to be read, or to be sent.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::wire::MAX_PAYLOAD_BYTES;

/// A part of a buffer keeps the whole buffer alive. Below this it is copied instead, so that a
/// peer cannot make a few bytes hold 64 KiB that no budget counts: what is kept is at most four
/// times what is counted. Not more of it is copied, as bulk comes in larger parts and a copy is
/// paid for in processor time. Small parts share a buffer, not one each.
const COPY_BELOW_BYTES: usize = MAX_PAYLOAD_BYTES / 2;

/// A queue of byte strings that is read as one.
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    whole: VecDeque<Bytes>,
    /// Small parts, all of them later than `whole`.
    tail: BytesMut,
    length: usize,
}

impl Chunks {
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Bytes in all.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    pub(crate) fn push(&mut self, bytes: Bytes) {
        if bytes.len() < COPY_BELOW_BYTES {
            self.push_copy(&bytes);
        } else {
            self.length += bytes.len();
            self.seal_tail();
            self.whole.push_back(bytes);
        }
    }

    pub(crate) fn push_copy(&mut self, bytes: &[u8]) {
        self.length += bytes.len();
        self.tail.extend_from_slice(bytes);
    }

    /// Takes at most `max` bytes off the front; empty only when there are none or `max` is zero.
    pub(crate) fn pop(&mut self, max: usize) -> Bytes {
        if self.whole.is_empty() {
            self.seal_tail();
        }
        let Some(front) = self.whole.front_mut() else {
            return Bytes::new();
        };
        if front.len() > max {
            self.length -= max;
            return front.split_to(max);
        }
        self.length -= front.len();
        let bytes = self.whole.pop_front().unwrap_or_default();
        if self.whole.is_empty() {
            // A stream at rest holds nothing.
            self.whole = VecDeque::new();
        }
        bytes
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.whole
                .push_back(std::mem::take(&mut self.tail).freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_in_order_whatever_their_sizes() {
        let mut chunks = Chunks::default();
        let mut expected = Vec::new();
        for (n, size) in [1, 5000, 2, 3, 16_384, 16_383, 40_000, 9000]
            .into_iter()
            .enumerate()
        {
            let bytes = vec![n as u8; size];
            expected.extend_from_slice(&bytes);
            if n % 2 == 0 {
                chunks.push(bytes.into());
            } else {
                chunks.push_copy(&bytes);
            }
            assert_eq!(chunks.len(), expected.len());
        }
        let mut read = Vec::new();
        while !chunks.is_empty() {
            read.extend_from_slice(&chunks.pop(1000));
        }
        assert_eq!(read, expected);
        assert!(chunks.pop(1).is_empty());
    }

    #[test]
    fn s36_a_small_part_does_not_keep_its_message_alive() {
        let message = Bytes::from(vec![0; 60_000]);
        for part in [1, 4096, (16 << 10) - 1] {
            let mut chunks = Chunks::default();
            chunks.push(message.slice(..part));
            assert!(message.is_unique(), "{part}");
        }
    }
}
