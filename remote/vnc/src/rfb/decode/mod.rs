//! Encodings: how a rectangle's pixels come.

mod hextile;
mod inflate;
mod plain;
mod slice;
mod tight;
mod tiles;

use super::error::Error;
use super::input::Input;
use super::screen::{PIXEL_BYTES, Rect};
use super::shared::Shared;

use self::inflate::Inflater;
pub(super) use self::plain::put;

/// Numbers of encodings (RFC 6143 section 7.7 and the registry).
pub(super) mod number {
    pub(crate) const RAW: i32 = 0;
    pub(crate) const COPY_RECT: i32 = 1;
    pub(crate) const RRE: i32 = 2;
    pub(crate) const HEXTILE: i32 = 5;
    pub(crate) const ZLIB: i32 = 6;
    pub(crate) const TIGHT: i32 = 7;
    pub(crate) const TRLE: i32 = 15;
    pub(crate) const ZRLE: i32 = 16;
}

/// What the encodings keep from one rectangle to the next.
#[derive(Default)]
pub(super) struct Decoders {
    zlib: Inflater,
    zrle: Inflater,
    tight: [Inflater; 4],
    /// Inflated bytes, to be used again.
    scratch: Vec<u8>,
    palette: tiles::Palette,
}

impl Decoders {
    /// Reads a rectangle that lies on the screen. False: the encoding is unknown.
    pub(super) async fn read(
        &mut self,
        encoding: i32,
        rect: Rect,
        shared: &Shared,
    ) -> Result<bool, Error> {
        let (input, screen) = (&shared.input, &shared.screen);
        // What comes later is drawn later.
        shared.jpegs.clear_of(rect).await;
        match encoding {
            number::RAW => {
                plain::raw(rect, input, screen).await?;
                return Ok(true);
            }
            number::COPY_RECT => plain::copy_rect(rect, shared).await?,
            number::RRE => plain::rre(rect, input, screen).await?,
            number::HEXTILE => hextile::read(rect, input, screen).await?,
            number::ZLIB => {
                let length = length(input).await?;
                let size = rect.pixels() * PIXEL_BYTES;
                self.scratch.clear();
                let inflating = self.zlib.inflate(input, length, size, &mut self.scratch);
                inflating.await?;
                if self.scratch.len() != size {
                    return Err(Error::Malformed("a zlib rectangle has another size"));
                }
                put(rect, &self.scratch, screen);
            }
            number::TIGHT => self.tight(rect, shared).await?,
            number::TRLE => tiles::trle(rect, input, screen, &mut self.palette).await?,
            number::ZRLE => {
                let length = length(input).await?;
                self.scratch.clear();
                let most = tiles::zrle_limit(rect);
                let inflating = self.zrle.inflate(input, length, most, &mut self.scratch);
                inflating.await?;
                tiles::zrle(rect, &self.scratch, screen, &mut self.palette)?;
            }
            _ => return Ok(false),
        }
        screen.borrow_mut().touch(rect);
        Ok(true)
    }
}

/// Of a compressed rectangle.
async fn length(input: &Input) -> Result<usize, Error> {
    usize::try_from(input.u32().await?).map_err(|_| Error::TooLarge("a compressed rectangle"))
}
