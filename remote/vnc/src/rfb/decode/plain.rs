//! Raw, CopyRect and RRE.

use std::cell::RefCell;

use crate::rfb::error::Error;
use crate::rfb::input::Input;
use crate::rfb::screen::{PIXEL_BYTES, Rect, Screen};
use crate::rfb::shared::Shared;

/// How many times over the parts of an RRE rectangle may paint it. Those of honest servers do not
/// overlap; without a limit 12 bytes cost a whole screen's painting (S43).
const MAX_PAINTED: usize = 4;

/// As it comes: nothing is held back until a row is whole, and whole rows may be drawn.
pub(super) async fn raw(rect: Rect, input: &Input, screen: &RefCell<Screen>) -> Result<(), Error> {
    let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
    let size = rect.pixels() * PIXEL_BYTES;
    let mut done = 0;
    while done < size {
        let copied = input.some(size - done, |bytes| {
            let mut screen = screen.borrow_mut();
            fill_from(rect, done, row_bytes, bytes, &mut screen);
            let (before, after) = (done / row_bytes, (done + bytes.len()) / row_bytes);
            // Within the rectangle, so the casts keep every bit.
            screen.touch(Rect {
                y: rect.y + before as u16,
                height: (after - before) as u16,
                ..rect
            });
            bytes.len()
        });
        done += copied.await?;
    }
    Ok(())
}

/// Puts bytes from byte `start` of a rectangle on.
fn fill_from(rect: Rect, start: usize, row_bytes: usize, bytes: &[u8], screen: &mut Screen) {
    let (mut at, mut left) = (start, bytes);
    while !left.is_empty() {
        let x = at % row_bytes;
        let (now, rest) = left.split_at(left.len().min(row_bytes - x));
        let row = screen.row_mut(rect, at / row_bytes);
        row[x..x + now.len()].copy_from_slice(now);
        if x + now.len() == row_bytes {
            make_opaque(row);
        }
        at += now.len();
        left = rest;
    }
}

/// Puts pixels that came as a whole; `bytes` are as many as the rectangle has.
pub(in crate::rfb) fn put(rect: Rect, bytes: &[u8], screen: &RefCell<Screen>) {
    let row_bytes = usize::from(rect.width) * PIXEL_BYTES;
    if row_bytes == 0 {
        return;
    }
    let mut screen = screen.borrow_mut();
    fill_from(rect, 0, row_bytes, bytes, &mut screen);
}

/// The fourth byte of a pixel is padding: whatever stands there, pixels are opaque.
fn make_opaque(row: &mut [u8]) {
    for pixel in row.chunks_exact_mut(PIXEL_BYTES) {
        pixel[3] = 255;
    }
}

pub(super) async fn copy_rect(rect: Rect, shared: &Shared) -> Result<(), Error> {
    let (x, y) = (shared.input.u16().await?, shared.input.u16().await?);
    let from = shared.screen.borrow().checked(Rect { x, y, ..rect })?;
    shared.jpegs.clear_of(from).await;
    let mut screen = shared.screen.borrow_mut();
    screen.copy(x, y, rect);
    Ok(())
}

pub(super) async fn rre(rect: Rect, input: &Input, screen: &RefCell<Screen>) -> Result<(), Error> {
    let count = input.u32().await?;
    let area = rect.pixels();
    if usize::try_from(count).map_or(true, |count| count > area) {
        return Err(Error::Malformed("more parts than pixels"));
    }
    let background = pixel(input).await?;
    screen.borrow_mut().fill(rect, background);
    let mut left = area.saturating_mul(MAX_PAINTED);
    for _ in 0..count {
        let colour = pixel(input).await?;
        let part = input
            .exact(8, |bytes| {
                let number = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
                Rect {
                    x: number(0),
                    y: number(2),
                    width: number(4),
                    height: number(6),
                }
            })
            .await?;
        let part = inside(rect, part)?;
        left = left
            .checked_sub(part.pixels())
            .ok_or(Error::Malformed("parts that are painted over and over"))?;
        screen.borrow_mut().fill(part, colour);
    }
    Ok(())
}

async fn pixel(input: &Input) -> Result<[u8; 4], Error> {
    let [red, green, blue, _] = input.array().await?;
    Ok([red, green, blue, 255])
}

/// A part of a rectangle, named from its corner, as a rectangle of the screen.
pub(super) fn inside(rect: Rect, part: Rect) -> Result<Rect, Error> {
    let right = u32::from(part.x) + u32::from(part.width);
    let bottom = u32::from(part.y) + u32::from(part.height);
    if right > u32::from(rect.width) || bottom > u32::from(rect.height) {
        return Err(Error::Malformed("a part is outside of its rectangle"));
    }
    Ok(Rect {
        x: rect.x + part.x,
        y: rect.y + part.y,
        ..part
    })
}
