//! TRLE and ZRLE (RFC 6143 sections 7.7.5 and 7.7.6): tiles with palettes and runs.

use std::cell::RefCell;

use super::slice::Slice;
use crate::rfb::error::Error;
use crate::rfb::input::Input;
use crate::rfb::screen::{PIXEL_BYTES, Rect, Screen};

const TRLE_SIDE: u16 = 16;
const ZRLE_SIDE: u16 = 64;

/// The last palette: TRLE may use it again.
pub(super) struct Palette {
    colours: [[u8; 4]; 128],
    size: usize,
}

impl Default for Palette {
    fn default() -> Self {
        Self {
            colours: [[0, 0, 0, 255]; 128],
            size: 0,
        }
    }
}

/// The tiles of a rectangle, row by row.
pub(super) fn grid(rect: Rect, side: u16) -> impl Iterator<Item = Rect> {
    let step = usize::from(side);
    (0..rect.height).step_by(step).flat_map(move |y| {
        (0..rect.width).step_by(step).map(move |x| Rect {
            x: rect.x + x,
            y: rect.y + y,
            width: side.min(rect.width - x),
            height: side.min(rect.height - y),
        })
    })
}

/// How much a rectangle can be once it is inflated: the largest are runs of one pixel each.
pub(super) fn zrle_limit(rect: Rect) -> usize {
    let tiles = grid(rect, ZRLE_SIDE).count();
    rect.pixels() * 4 + tiles * (1 + 127 * 3)
}

pub(super) fn zrle(
    rect: Rect,
    inflated: &[u8],
    screen: &RefCell<Screen>,
    palette: &mut Palette,
) -> Result<(), Error> {
    let mut slice = Slice::new(inflated);
    let mut screen = screen.borrow_mut();
    for part in grid(rect, ZRLE_SIDE) {
        // Palettes of other tiles are TRLE's alone.
        palette.size = 0;
        tile(part, &mut slice, &mut screen, palette)?
            .ok_or(Error::Malformed("a ZRLE rectangle is too short"))?;
    }
    Ok(())
}

pub(super) async fn trle(
    rect: Rect,
    input: &Input,
    screen: &RefCell<Screen>,
    palette: &mut Palette,
) -> Result<(), Error> {
    palette.size = 0;
    for part in grid(rect, TRLE_SIDE) {
        input
            .attempt(|bytes| {
                let mut slice = Slice::new(bytes);
                let read = tile(part, &mut slice, &mut screen.borrow_mut(), palette)?;
                Ok(read.map(|()| slice.read_bytes()))
            })
            .await?;
    }
    Ok(())
}

/// Draws as it reads. A palette that is not whole yet is read again with the rest.
fn tile(
    rect: Rect,
    slice: &mut Slice<'_>,
    screen: &mut Screen,
    palette: &mut Palette,
) -> Result<Option<()>, Error> {
    let Some(kind) = slice.u8() else {
        return Ok(None);
    };
    match kind {
        0 => Ok(raw(rect, slice, screen)),
        1 => Ok(slice.compact().map(|colour| screen.fill(rect, colour))),
        2..=16 => {
            let Some(()) = read_palette(slice, palette, kind.into()) else {
                return Ok(None);
            };
            packed(rect, slice, screen, palette)
        }
        127 => packed(rect, slice, screen, palette),
        128 => runs(rect, slice, screen, |slice| {
            Ok(slice.compact().map(|colour| (colour, true)))
        }),
        129 => palette_runs(rect, slice, screen, palette),
        130..=255 => {
            let Some(()) = read_palette(slice, palette, usize::from(kind) - 128) else {
                return Ok(None);
            };
            palette_runs(rect, slice, screen, palette)
        }
        _ => Err(Error::Malformed("a tile of an unknown kind")),
    }
}

fn raw(rect: Rect, slice: &mut Slice<'_>, screen: &mut Screen) -> Option<()> {
    let pixels = slice.take(rect.pixels() * 3)?;
    let row_bytes = usize::from(rect.width) * 3;
    for (y, row) in pixels.chunks_exact(row_bytes).enumerate() {
        let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
        for (from, to) in row.chunks_exact(3).zip(to) {
            to.copy_from_slice(&[from[0], from[1], from[2], 255]);
        }
    }
    Some(())
}

fn read_palette(slice: &mut Slice<'_>, palette: &mut Palette, size: usize) -> Option<()> {
    let bytes = slice.take(size * 3)?;
    for (colour, bytes) in palette.colours.iter_mut().zip(bytes.chunks_exact(3)) {
        *colour = [bytes[0], bytes[1], bytes[2], 255];
    }
    palette.size = size;
    Some(())
}

fn packed(
    rect: Rect,
    slice: &mut Slice<'_>,
    screen: &mut Screen,
    palette: &Palette,
) -> Result<Option<()>, Error> {
    let bits = match palette.size {
        2 => 1,
        3..=4 => 2,
        5..=16 => 4,
        _ => return Err(Error::Malformed("a palette of a wrong size")),
    };
    let row_bytes = (usize::from(rect.width) * bits).div_ceil(8);
    let Some(rows) = slice.take(row_bytes * usize::from(rect.height)) else {
        return Ok(None);
    };
    let (per_byte, mask) = (8 / bits, (1_u8 << bits) - 1);
    for (y, row) in rows.chunks_exact(row_bytes).enumerate() {
        let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
        for (x, to) in to.enumerate() {
            let shift = 8 - bits * (x % per_byte + 1);
            let index = usize::from((row[x / per_byte] >> shift) & mask);
            to.copy_from_slice(colour(palette, index)?);
        }
    }
    Ok(Some(()))
}

fn palette_runs(
    rect: Rect,
    slice: &mut Slice<'_>,
    screen: &mut Screen,
    palette: &Palette,
) -> Result<Option<()>, Error> {
    if palette.size < 2 {
        return Err(Error::Malformed("a palette of a wrong size"));
    }
    runs(rect, slice, screen, |slice| {
        let Some(index) = slice.u8() else {
            return Ok(None);
        };
        let found = colour(palette, usize::from(index & 127))?;
        Ok(Some((*found, index & 128 != 0)))
    })
}

fn colour(palette: &Palette, index: usize) -> Result<&[u8; 4], Error> {
    let known = &palette.colours[..palette.size];
    known
        .get(index)
        .ok_or(Error::Malformed("a colour is not in its palette"))
}

/// Reads runs until the tile is full. `next` gives a colour, and whether a length follows.
fn runs(
    rect: Rect,
    slice: &mut Slice<'_>,
    screen: &mut Screen,
    mut next: impl FnMut(&mut Slice<'_>) -> Result<Option<([u8; 4], bool)>, Error>,
) -> Result<Option<()>, Error> {
    let (width, total) = (usize::from(rect.width), rect.pixels());
    let mut done = 0;
    while done < total {
        let Some((colour, has_length)) = next(slice)? else {
            return Ok(None);
        };
        let mut length = 1;
        if has_length {
            loop {
                let Some(byte) = slice.u8() else {
                    return Ok(None);
                };
                length += usize::from(byte);
                if byte != 255 {
                    break;
                }
                if length > total {
                    return Err(Error::Malformed("a run is longer than its tile"));
                }
            }
        }
        if length > total - done {
            return Err(Error::Malformed("a run is longer than its tile"));
        }
        let end = done + length;
        while done < end {
            let (y, x) = (done / width, done % width);
            let here = (width - x).min(end - done);
            let row = &mut screen.row_mut(rect, y)[x * PIXEL_BYTES..(x + here) * PIXEL_BYTES];
            for pixel in row.chunks_exact_mut(PIXEL_BYTES) {
                pixel.copy_from_slice(&colour);
            }
            done += here;
        }
    }
    Ok(Some(()))
}
