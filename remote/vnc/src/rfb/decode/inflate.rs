//! A zlib stream that goes on over many rectangles.

use flate2::{Decompress, FlushDecompress};

use crate::rfb::error::Error;
use crate::rfb::input::Input;

/// Compressed bytes looked at in one go.
const PIECE_BYTES: usize = 64 << 10;

pub(super) struct Inflater(Decompress);

impl Default for Inflater {
    fn default() -> Self {
        Self(Decompress::new(true))
    }
}

impl Inflater {
    /// Forgets what it has seen.
    pub(super) fn reset(&mut self) {
        self.0.reset(true);
    }

    /// Inflates the next `length` bytes of input. More than `most` bytes out are an error, found
    /// before they are kept.
    pub(super) async fn inflate(
        &mut self,
        input: &Input,
        length: usize,
        most: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        // What does not compress grows by little; a length beyond that would be waited for in vain.
        if length > most.saturating_mul(2).saturating_add(PIECE_BYTES) {
            return Err(Error::TooLarge("a compressed rectangle"));
        }
        let mut left = length;
        while left > 0 {
            let stream = &mut self.0;
            let (taken, outcome) = input
                .some(left.min(PIECE_BYTES), |piece| {
                    (piece.len(), push(stream, piece, most, out))
                })
                .await?;
            outcome?;
            left -= taken;
        }
        Ok(())
    }
}

fn push(
    stream: &mut Decompress,
    mut piece: &[u8],
    most: usize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    loop {
        // One byte beyond what is right shows what is too much.
        let room = (most + 1)
            .saturating_sub(out.len())
            .clamp(1, PIECE_BYTES * 4);
        out.reserve(room);
        let (before_in, before_out) = (stream.total_in(), out.len());
        stream
            .decompress_vec(piece, out, FlushDecompress::Sync)
            .map_err(|_| Error::Malformed("a zlib stream is broken"))?;
        if out.len() > most {
            return Err(Error::TooLarge("an inflated rectangle"));
        }
        let taken = usize::try_from(stream.total_in() - before_in).unwrap_or(piece.len());
        piece = &piece[taken..];
        let has_more_out = out.len() == out.capacity();
        if taken == 0 && out.len() == before_out {
            return if piece.is_empty() {
                Ok(())
            } else {
                Err(Error::Malformed("a zlib stream has ended"))
            };
        }
        if piece.is_empty() && !has_more_out {
            return Ok(());
        }
    }
}
