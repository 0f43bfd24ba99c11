//! The session: the handshake, then message after message.

use std::rc::Rc;

use super::decode::Decoders;
use super::error::Error;
use super::handshake::{self, text};
use super::message::{self, pseudo};
use super::screen::{PIXEL_BYTES, Rect};
use super::shared::Shared;
use super::{Cursor, Event, clipboard};

const MAX_NAME_BYTES: usize = 1024;
/// Of one side.
const MAX_CURSOR: u16 = 512;
/// What a fence may bring along.
const MAX_FENCE_BYTES: usize = 64;
/// A fence that wants an answer.
const FENCE_REQUEST: u32 = 1 << 31;
/// The kinds of fence that are answered as they were meant.
const FENCE_KINDS: u32 = 0b111;
/// As the count of an update: its end is told by a rectangle of its own.
const UNTOLD: u16 = u16::MAX;

/// Runs until it ends; there is no end without a reason.
pub(super) async fn run(shared: Rc<Shared>) -> Error {
    match serve(&shared).await {
        Ok(never) => match never {},
        Err(error) => error,
    }
}

async fn serve(shared: &Shared) -> Result<std::convert::Infallible, Error> {
    handshake::perform(shared).await?;
    shared.running.set(true);
    message::set_pixel_format(shared);
    message::set_encodings(shared);
    message::request_update(shared, false);
    let mut decoders = Decoders::default();
    loop {
        let input = &shared.input;
        match input.u8().await? {
            0 => update(shared, &mut decoders).await?,
            1 => {
                // Colours by number are not ours: the pixel format has none.
                input.skip(3).await?;
                let count = usize::from(input.u16().await?);
                input.skip(count * 6).await?;
            }
            2 => shared.tell(Event::Bell),
            3 => clipboard::read(shared).await?,
            150 => {} // The end of continuous updates, which were never asked for.
            248 => fence(shared).await?,
            _ => return Err(Error::Malformed("an unknown message")),
        }
    }
}

async fn update(shared: &Shared, decoders: &mut Decoders) -> Result<(), Error> {
    let input = &shared.input;
    input.skip(1).await?;
    let count = input.u16().await?;
    // Whatever comes from here on has not been asked for yet.
    shared.asked.set(false);
    shared.updating.set(true);
    let mut read = 0;
    while count == UNTOLD || read < count {
        let rect = Rect {
            x: input.u16().await?,
            y: input.u16().await?,
            width: input.u16().await?,
            height: input.u16().await?,
        };
        let encoding = i32::from_be_bytes(input.array().await?);
        if encoding == pseudo::LAST_RECT {
            break;
        }
        rectangle(shared, decoders, rect, encoding).await?;
        read = read.saturating_add(1);
    }
    shared.jpegs.settled().await;
    shared.updating.set(false);
    shared.tell(Event::UpdateEnd);
    Ok(())
}

async fn rectangle(
    shared: &Shared,
    decoders: &mut Decoders,
    rect: Rect,
    encoding: i32,
) -> Result<(), Error> {
    match encoding {
        pseudo::CURSOR => cursor(shared, rect).await,
        pseudo::CURSOR_WITH_ALPHA => cursor_with_alpha(shared, rect).await,
        pseudo::DESKTOP_SIZE => resized(shared, rect.width, rect.height).await,
        pseudo::EXTENDED_DESKTOP_SIZE => extended_size(shared, rect).await,
        // Keysyms say what is meant, whichever locks are on.
        pseudo::LED_STATE => shared.input.skip(1).await,
        pseudo::DESKTOP_NAME => {
            let length = shared.input.u32().await? as usize;
            let name = shared.input.text(length, MAX_NAME_BYTES).await?;
            shared.tell(Event::Name(text(&name)));
            Ok(())
        }
        encoding => {
            let rect = shared.screen.borrow().checked(rect)?;
            if !decoders.read(encoding, rect, shared).await? {
                return Err(Error::Malformed("an unknown encoding"));
            }
            shared.count_rectangle(encoding);
            Ok(())
        }
    }
}

async fn resized(shared: &Shared, width: u16, height: u16) -> Result<(), Error> {
    shared.jpegs.settled().await;
    let mut screen = shared.screen.borrow_mut();
    if screen.size() != (width, height) {
        screen.resize(width, height)?;
        shared.tell(Event::Resized { width, height });
    }
    Ok(())
}

/// `x` says whose wish it was (1: ours), `y` what came of it (0: done).
async fn extended_size(shared: &Shared, rect: Rect) -> Result<(), Error> {
    const OURS: u16 = 1;
    /// Of a screen: its number, place, size and flags.
    const SCREEN_BYTES: usize = 16;
    let input = &shared.input;
    let count = usize::from(input.u8().await?);
    input.skip(3).await?;
    // One that has no screen yet gets one that is numbered 0.
    let mut first = (0, 0);
    if let Some(others) = count.checked_sub(1) {
        let number = input.u32().await?;
        input.skip(8).await?;
        first = (number, input.u32().await?);
        input.skip(others * SCREEN_BYTES).await?;
    }
    shared.first_screen.set(Some(first));
    if rect.x == OURS && rect.y != 0 {
        shared.tell(Event::ResizeRefused);
        return Ok(());
    }
    resized(shared, rect.width, rect.height).await
}

async fn cursor(shared: &Shared, rect: Rect) -> Result<(), Error> {
    let size = cursor_size(rect)?;
    let mask_row = usize::from(rect.width).div_ceil(8);
    let mut pixels = shared.input.exact(size, <[u8]>::to_vec).await?;
    let mask_bytes = mask_row * usize::from(rect.height);
    let mask = shared.input.exact(mask_bytes, <[u8]>::to_vec).await?;
    for (number, pixel) in pixels.chunks_exact_mut(PIXEL_BYTES).enumerate() {
        let (y, x) = (
            number / usize::from(rect.width),
            number % usize::from(rect.width),
        );
        let shown = mask[y * mask_row + x / 8] >> (7 - x % 8) & 1;
        pixel[3] = shown * 255;
    }
    tell_cursor(shared, rect, pixels);
    Ok(())
}

/// The colours come multiplied by their alpha, which pictures in browsers are not.
async fn cursor_with_alpha(shared: &Shared, rect: Rect) -> Result<(), Error> {
    let encoding = shared.input.u32().await?;
    if encoding != 0 {
        return Err(Error::Malformed("a cursor in an unknown encoding"));
    }
    let size = cursor_size(rect)?;
    let mut pixels = shared.input.exact(size, <[u8]>::to_vec).await?;
    for pixel in pixels.chunks_exact_mut(PIXEL_BYTES) {
        let alpha = u16::from(pixel[3]);
        for colour in &mut pixel[..3] {
            let plain = (u16::from(*colour) * 255).checked_div(alpha).unwrap_or(0);
            // Capped, so the cast keeps every bit.
            *colour = plain.min(255) as u8;
        }
    }
    tell_cursor(shared, rect, pixels);
    Ok(())
}

fn cursor_size(rect: Rect) -> Result<usize, Error> {
    if rect.width > MAX_CURSOR || rect.height > MAX_CURSOR {
        return Err(Error::TooLarge("the pointer's picture"));
    }
    Ok(rect.pixels() * PIXEL_BYTES)
}

fn tell_cursor(shared: &Shared, rect: Rect, pixels: Vec<u8>) {
    shared.tell(Event::Cursor(Cursor {
        width: rect.width,
        height: rect.height,
        hot_x: rect.x.min(rect.width.saturating_sub(1)),
        hot_y: rect.y.min(rect.height.saturating_sub(1)),
        pixels,
    }));
}

async fn fence(shared: &Shared) -> Result<(), Error> {
    let input = &shared.input;
    input.skip(3).await?;
    let flags = input.u32().await?;
    let length = usize::from(input.u8().await?);
    if length > MAX_FENCE_BYTES {
        return Err(Error::Malformed("a fence is too large"));
    }
    let payload = input.exact(length, <[u8]>::to_vec).await?;
    if flags & FENCE_REQUEST != 0 {
        message::fence(shared, flags & FENCE_KINDS, &payload).await;
    }
    Ok(())
}
