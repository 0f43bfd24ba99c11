//! Tight: four zlib streams, palettes, a gradient, and JPEG.

use std::cell::RefCell;

use super::Decoders;
use crate::rfb::error::Error;
use crate::rfb::input::Input;
use crate::rfb::screen::{PIXEL_BYTES, Rect, Screen};
use crate::rfb::shared::Shared;

/// Shorter ones are not compressed.
const SMALLEST_COMPRESSED_BYTES: usize = 12;
/// Of a pixel here.
const COMPACT_BYTES: usize = 3;

enum Filter {
    Copy,
    Palette(Vec<[u8; 4]>),
    Gradient,
}

impl Decoders {
    pub(super) async fn tight(&mut self, rect: Rect, shared: &Shared) -> Result<(), Error> {
        let (input, screen) = (&shared.input, &shared.screen);
        let control = input.u8().await?;
        for (number, stream) in self.tight.iter_mut().enumerate() {
            if control & (1 << number) != 0 {
                stream.reset();
            }
        }
        match control >> 4 {
            8 => {
                let [red, green, blue] = input.array().await?;
                screen.borrow_mut().fill(rect, [red, green, blue, 255]);
                Ok(())
            }
            9 => {
                let length = compact_length(input).await?;
                let bytes = input.exact(length, <[u8]>::to_vec).await?;
                shared.jpegs.add(rect, bytes).await
            }
            kind @ 0..=7 => self.basic(kind, rect, input, screen).await,
            _ => Err(Error::Malformed("a Tight rectangle of an unknown kind")),
        }
    }

    async fn basic(
        &mut self,
        kind: u8,
        rect: Rect,
        input: &Input,
        screen: &RefCell<Screen>,
    ) -> Result<(), Error> {
        let filter = if kind & 4 == 0 {
            Filter::Copy
        } else {
            filter(input).await?
        };
        let (width, height) = (usize::from(rect.width), usize::from(rect.height));
        let row_bytes = match &filter {
            Filter::Palette(colours) if colours.len() == 2 => width.div_ceil(8),
            Filter::Palette(_) => width,
            Filter::Copy | Filter::Gradient => width * COMPACT_BYTES,
        };
        let size = row_bytes * height;
        self.scratch.clear();
        if size < SMALLEST_COMPRESSED_BYTES {
            let scratch = &mut self.scratch;
            let copy = |bytes: &[u8]| scratch.extend_from_slice(bytes);
            input.exact(size, copy).await?;
        } else {
            let length = compact_length(input).await?;
            let stream = &mut self.tight[usize::from(kind & 3)];
            let inflating = stream.inflate(input, length, size, &mut self.scratch);
            inflating.await?;
        }
        if self.scratch.len() != size {
            return Err(Error::Malformed("a Tight rectangle has another size"));
        }
        if size == 0 {
            return Ok(());
        }
        let mut screen = screen.borrow_mut();
        match filter {
            Filter::Copy => copy(rect, &self.scratch, row_bytes, &mut screen),
            Filter::Palette(colours) => {
                indexed(rect, &self.scratch, row_bytes, &colours, &mut screen)?;
            }
            Filter::Gradient => gradient(rect, &self.scratch, row_bytes, &mut screen),
        }
        Ok(())
    }
}

async fn filter(input: &Input) -> Result<Filter, Error> {
    match input.u8().await? {
        0 => Ok(Filter::Copy),
        1 => {
            let size = usize::from(input.u8().await?) + 1;
            let colours = |bytes: &[u8]| {
                let colours = bytes.chunks_exact(COMPACT_BYTES);
                colours.map(|c| [c[0], c[1], c[2], 255]).collect::<Vec<_>>()
            };
            let colours = input.exact(size * COMPACT_BYTES, colours).await?;
            if colours.len() < 2 {
                return Err(Error::Malformed("a palette of a wrong size"));
            }
            Ok(Filter::Palette(colours))
        }
        2 => Ok(Filter::Gradient),
        _ => Err(Error::Malformed("an unknown filter")),
    }
}

/// Seven bits a byte, at most three bytes.
async fn compact_length(input: &Input) -> Result<usize, Error> {
    let mut length = 0;
    for shift in [0, 7, 14] {
        let byte = input.u8().await?;
        // The third has all of its eight bits.
        let bits = if shift == 14 { byte } else { byte & 127 };
        length |= usize::from(bits) << shift;
        if byte & 128 == 0 {
            break;
        }
    }
    Ok(length)
}

fn copy(rect: Rect, bytes: &[u8], row_bytes: usize, screen: &mut Screen) {
    for (y, row) in bytes.chunks_exact(row_bytes).enumerate() {
        let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
        for (from, to) in row.chunks_exact(COMPACT_BYTES).zip(to) {
            to.copy_from_slice(&[from[0], from[1], from[2], 255]);
        }
    }
}

fn indexed(
    rect: Rect,
    bytes: &[u8],
    row_bytes: usize,
    colours: &[[u8; 4]],
    screen: &mut Screen,
) -> Result<(), Error> {
    let of_two = colours.len() == 2;
    for (y, row) in bytes.chunks_exact(row_bytes).enumerate() {
        let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
        for (x, to) in to.enumerate() {
            let index = if of_two {
                usize::from(row[x / 8] >> (7 - x % 8) & 1)
            } else {
                usize::from(row[x])
            };
            let colour = colours
                .get(index)
                .ok_or(Error::Malformed("a colour is not in its palette"))?;
            to.copy_from_slice(colour);
        }
    }
    Ok(())
}

/// Each colour is told as the difference from what its neighbours above and to the left foretell.
fn gradient(rect: Rect, bytes: &[u8], row_bytes: usize, screen: &mut Screen) {
    let mut above = vec![0_u8; row_bytes];
    for (y, row) in bytes.chunks_exact(row_bytes).enumerate() {
        let mut here = vec![0_u8; row_bytes];
        for at in 0..row_bytes {
            let (left, corner) = if at >= COMPACT_BYTES {
                (here[at - COMPACT_BYTES], above[at - COMPACT_BYTES])
            } else {
                (0, 0)
            };
            let foretold = i16::from(left) + i16::from(above[at]) - i16::from(corner);
            // Clamped, so the cast keeps every bit.
            here[at] = row[at].wrapping_add(foretold.clamp(0, 255) as u8);
        }
        let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
        for (from, to) in here.chunks_exact(COMPACT_BYTES).zip(to) {
            to.copy_from_slice(&[from[0], from[1], from[2], 255]);
        }
        above = here;
    }
}
