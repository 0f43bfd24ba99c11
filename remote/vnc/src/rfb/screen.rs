//! The picture: RGBA in memory, and which parts of it have changed.

use super::error::Error;

/// Pixels of a screen, at most: 256 MiB of memory.
const MAX_PIXELS: usize = 64 << 20;
/// Of one side.
const MAX_SIDE: u16 = 16_384;
/// More changed parts than that are taken together.
const MAX_DIRTY: usize = 64;

/// Bytes of a pixel.
pub const PIXEL_BYTES: usize = 4;

/// A part of the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// From the left.
    pub x: u16,
    /// From the top.
    pub y: u16,
    /// In pixels.
    pub width: u16,
    /// In pixels.
    pub height: u16,
}

impl Rect {
    pub(super) fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    pub(super) fn pixels(self) -> usize {
        usize::from(self.width) * usize::from(self.height)
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        let apart = |start: u16, length: u16, other: u16, other_length: u16| {
            u32::from(start) + u32::from(length) <= u32::from(other)
                || u32::from(other) + u32::from(other_length) <= u32::from(start)
        };
        !apart(self.x, self.width, other.x, other.width)
            && !apart(self.y, self.height, other.y, other.height)
    }

    fn union(self, other: Self) -> Self {
        let (x, y) = (self.x.min(other.x), self.y.min(other.y));
        let right = (self.x + self.width).max(other.x + other.width);
        let bottom = (self.y + self.height).max(other.y + other.height);
        Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }
}

/// The picture.
#[derive(Debug, Default)]
pub struct Screen {
    width: u16,
    height: u16,
    pixels: Vec<u8>,
    dirty: Vec<Rect>,
}

impl Screen {
    /// In pixels: across and down.
    #[must_use]
    pub const fn size(&self) -> (u16, u16) {
        (self.width, self.height)
    }

    /// Rows from the top, red, green, blue and 255 for each pixel.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// What has changed since it was asked last.
    pub fn take_dirty(&mut self) -> Vec<Rect> {
        std::mem::take(&mut self.dirty)
    }

    /// Another size; what is in both stays where it is.
    pub(super) fn resize(&mut self, width: u16, height: u16) -> Result<(), Error> {
        let pixels = usize::from(width) * usize::from(height);
        if width > MAX_SIDE || height > MAX_SIDE || pixels > MAX_PIXELS {
            return Err(Error::TooLarge("the screen"));
        }
        let mut fresh = vec![0; pixels * PIXEL_BYTES];
        for alpha in fresh.iter_mut().skip(3).step_by(PIXEL_BYTES) {
            *alpha = 255;
        }
        let kept = usize::from(width.min(self.width)) * PIXEL_BYTES;
        for row in 0..usize::from(height.min(self.height)) {
            let from = row * usize::from(self.width) * PIXEL_BYTES;
            let to = row * usize::from(width) * PIXEL_BYTES;
            fresh[to..to + kept].copy_from_slice(&self.pixels[from..from + kept]);
        }
        self.pixels = fresh;
        (self.width, self.height) = (width, height);
        self.dirty.clear();
        self.touch(Rect {
            x: 0,
            y: 0,
            width,
            height,
        });
        Ok(())
    }

    /// A rectangle as the server names it, if it lies on the screen.
    pub(super) fn checked(&self, rect: Rect) -> Result<Rect, Error> {
        let right = u32::from(rect.x) + u32::from(rect.width);
        let bottom = u32::from(rect.y) + u32::from(rect.height);
        if right > u32::from(self.width) || bottom > u32::from(self.height) {
            return Err(Error::Malformed("a rectangle is not on the screen"));
        }
        Ok(rect)
    }

    /// Notes that it has changed.
    pub(super) fn touch(&mut self, rect: Rect) {
        if rect.is_empty() {
            return;
        }
        if let Some(last) = self.dirty.last_mut()
            && (last.x, last.width) == (rect.x, rect.width)
            && last.y.saturating_add(last.height) == rect.y
        {
            last.height += rect.height;
        } else if self.dirty.len() == MAX_DIRTY {
            let all = self.dirty.drain(..).fold(rect, Rect::union);
            self.dirty.push(all);
        } else {
            self.dirty.push(rect);
        }
    }

    /// The part of row `y` of a checked rectangle; `y` counts from its top.
    pub(super) fn row_mut(&mut self, rect: Rect, y: usize) -> &mut [u8] {
        let start = self.offset(rect.x, usize::from(rect.y) + y);
        &mut self.pixels[start..start + usize::from(rect.width) * PIXEL_BYTES]
    }

    pub(super) fn fill(&mut self, rect: Rect, colour: [u8; 4]) {
        for y in 0..usize::from(rect.height) {
            for pixel in self.row_mut(rect, y).chunks_exact_mut(PIXEL_BYTES) {
                pixel.copy_from_slice(&colour);
            }
        }
    }

    /// Copies what is at `x`, `y` to a rectangle; both are checked. They may overlap.
    pub(super) fn copy(&mut self, x: u16, y: u16, to: Rect) {
        let length = usize::from(to.width) * PIXEL_BYTES;
        let mut copy_row = |row: usize| {
            let from = self.offset(x, usize::from(y) + row);
            let to = self.offset(to.x, usize::from(to.y) + row);
            self.pixels.copy_within(from..from + length, to);
        };
        let rows = 0..usize::from(to.height);
        if to.y > y {
            rows.rev().for_each(&mut copy_row);
        } else {
            rows.for_each(&mut copy_row);
        }
    }

    fn offset(&self, x: u16, y: usize) -> usize {
        (y * usize::from(self.width) + usize::from(x)) * PIXEL_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen() -> Screen {
        let mut screen = Screen::default();
        screen.resize(8, 8).unwrap();
        for (number, pixel) in screen.pixels.chunks_exact_mut(4).enumerate() {
            pixel[0] = number as u8;
        }
        screen
    }

    fn red(screen: &Screen, x: usize, y: usize) -> u8 {
        screen.pixels[(y * 8 + x) * 4]
    }

    #[test]
    fn overlapping_copies_are_as_if_through_a_second_screen() {
        for (x, y) in [(1, 1), (3, 2), (2, 1), (1, 3), (2, 2)] {
            let mut copied = screen();
            let to = Rect {
                x: 2,
                y: 2,
                width: 4,
                height: 4,
            };
            copied.copy(x, y, to);
            let before = screen();
            for row in 0..4 {
                for column in 0..4 {
                    assert_eq!(
                        red(&copied, 2 + column, 2 + row),
                        red(&before, usize::from(x) + column, usize::from(y) + row)
                    );
                }
            }
        }
    }

    #[test]
    fn s43_sizes_are_capped_before_anything_is_allocated() {
        let mut screen = screen();
        assert!(screen.resize(u16::MAX, u16::MAX).is_err());
        assert!(screen.resize(16_384, 16_384).is_err());
        assert_eq!(screen.size(), (8, 8), "as it was");
    }

    #[test]
    fn s43_a_rectangle_must_be_on_the_screen() {
        let screen = screen();
        let rect = |x, y, width, height| Rect {
            x,
            y,
            width,
            height,
        };
        assert!(screen.checked(rect(0, 0, 8, 8)).is_ok());
        assert!(screen.checked(rect(1, 0, 8, 8)).is_err());
        assert!(screen.checked(rect(u16::MAX, 0, u16::MAX, 1)).is_err());
    }

    #[test]
    fn rows_that_follow_each_other_are_one_change() {
        let mut screen = screen();
        let rows = |y, height| Rect {
            x: 1,
            y,
            width: 5,
            height,
        };
        for (y, height) in [(0, 2), (2, 0), (2, 3), (5, 1), (7, 1)] {
            screen.touch(rows(y, height));
        }
        let dirty = screen.take_dirty();
        // The whole of the screen's own beginning is the first.
        assert_eq!(dirty[1..], [rows(0, 6), rows(7, 1)]);
    }

    #[test]
    fn many_changes_are_taken_together() {
        let mut screen = screen();
        screen.take_dirty();
        for n in 0..200 {
            screen.touch(Rect {
                x: n % 8,
                y: n % 7,
                width: 1,
                height: 1,
            });
        }
        assert!(screen.take_dirty().len() <= MAX_DIRTY);
        assert!(screen.take_dirty().is_empty());
    }
}
