//! Hextile (RFC 6143 section 7.7.4): tiles of 16x16.

use std::cell::RefCell;

use super::plain::inside;
use super::slice::Slice;
use super::tiles::grid;
use crate::rfb::error::Error;
use crate::rfb::input::Input;
use crate::rfb::screen::{PIXEL_BYTES, Rect, Screen};

const SIDE: u16 = 16;

const RAW: u8 = 1;
const BACKGROUND: u8 = 2;
const FOREGROUND: u8 = 4;
const PARTS: u8 = 8;
const COLOURED: u8 = 16;

/// Colours that hold until a tile names others.
#[derive(Clone, Copy)]
struct Colours {
    background: [u8; 4],
    foreground: [u8; 4],
}

pub(super) async fn read(rect: Rect, input: &Input, screen: &RefCell<Screen>) -> Result<(), Error> {
    let mut colours = Colours {
        background: [0, 0, 0, 255],
        foreground: [0, 0, 0, 255],
    };
    for part in grid(rect, SIDE) {
        input
            .attempt(|bytes| {
                let mut slice = Slice::new(bytes);
                let read = tile(part, &mut slice, &mut screen.borrow_mut(), colours)?;
                Ok(read.map(|then| {
                    colours = then;
                    slice.read_bytes()
                }))
            })
            .await?;
    }
    Ok(())
}

/// Draws as it reads: what is drawn of a tile that is not whole yet is drawn over.
fn tile(
    rect: Rect,
    slice: &mut Slice<'_>,
    screen: &mut Screen,
    mut colours: Colours,
) -> Result<Option<Colours>, Error> {
    let Some(kind) = slice.u8() else {
        return Ok(None);
    };
    if kind & RAW != 0 {
        let Some(pixels) = slice.take(rect.pixels() * PIXEL_BYTES) else {
            return Ok(None);
        };
        let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
        for (y, row) in pixels.chunks_exact(row_bytes).enumerate() {
            let to = screen.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES);
            for (from, to) in row.chunks_exact(PIXEL_BYTES).zip(to) {
                to.copy_from_slice(&[from[0], from[1], from[2], 255]);
            }
        }
        return Ok(Some(colours));
    }
    if kind & BACKGROUND != 0 {
        let Some(colour) = slice.pixel() else {
            return Ok(None);
        };
        colours.background = colour;
    }
    if kind & FOREGROUND != 0 {
        let Some(colour) = slice.pixel() else {
            return Ok(None);
        };
        colours.foreground = colour;
    }
    screen.fill(rect, colours.background);
    if kind & PARTS == 0 {
        return Ok(Some(colours));
    }
    let Some(count) = slice.u8() else {
        return Ok(None);
    };
    for _ in 0..count {
        let mut colour = colours.foreground;
        if kind & COLOURED != 0 {
            let Some(own) = slice.pixel() else {
                return Ok(None);
            };
            colour = own;
        }
        let Some(&[place, size]) = slice.take(2) else {
            return Ok(None);
        };
        let part = Rect {
            x: u16::from(place >> 4),
            y: u16::from(place & 15),
            width: u16::from(size >> 4) + 1,
            height: u16::from(size & 15) + 1,
        };
        screen.fill(inside(rect, part)?, colour);
    }
    Ok(Some(colours))
}
