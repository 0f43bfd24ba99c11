//! How much output has been drawn, told to the Worker in batches.

/// As much is told at once: a message for every kilobyte would cost more than the drawing.
const BATCH_BYTES: u32 = 64 * 1024;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drawn {
    /// Handed to the terminal, not drawn yet.
    waiting_bytes: u32,
    untold_bytes: u32,
}

impl Drawn {
    pub(super) fn handed_over(&mut self, bytes: u32) {
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
    }

    /// So much was drawn. Gives what is to be told: a batch, or all when nothing more waits.
    pub(super) fn drawn(&mut self, bytes: u32) -> Option<u32> {
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes);
        self.untold_bytes = self.untold_bytes.saturating_add(bytes);
        let tells = self.untold_bytes >= BATCH_BYTES || self.waiting_bytes == 0;
        tells
            .then(|| std::mem::take(&mut self.untold_bytes))
            .filter(|bytes| *bytes > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_told_once() {
        let mut drawn = Drawn::default();
        let (mut told, mut messages) = (0, 0);
        for _ in 0..100 {
            drawn.handed_over(16 * 1024);
        }
        for _ in 0..100 {
            if let Some(bytes) = drawn.drawn(16 * 1024) {
                told += bytes;
                messages += 1;
            }
        }
        assert_eq!((told, messages), (100 * 16 * 1024, 25));
    }

    #[test]
    fn the_last_byte_does_not_wait_for_a_batch() {
        let mut drawn = Drawn::default();
        drawn.handed_over(3);
        assert_eq!(drawn.drawn(3), Some(3));
        assert_eq!(drawn.drawn(0), None);
    }
}
