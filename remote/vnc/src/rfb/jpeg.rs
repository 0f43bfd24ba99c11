//! JPEGs, which the owner decodes: a browser decodes many at once, beside this.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::task::Poll;

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;

use super::error::Error;
use super::screen::Rect;

/// Of JPEGs that wait to be decoded. The next one waits beyond it: rectangles of one pixel may each
/// come with megabytes (S43).
const MAX_PENDING_BYTES: usize = 8 << 20;

/// One that is to be decoded: [`super::Client::put_jpeg`] takes what comes of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Jpeg {
    /// Which one.
    pub number: u64,
    /// Pixels across; its header says the same.
    pub width: u16,
    /// Pixels down.
    pub height: u16,
    /// As it came; all but its header is unchecked.
    pub bytes: Vec<u8>,
}

/// Those that are not on the screen yet. No two of them overlap, so they may come in any order.
#[derive(Debug, Default)]
pub(super) struct Jpegs {
    fresh: RefCell<Vec<Jpeg>>,
    pending: RefCell<BTreeMap<u64, Pending>>,
    last: Cell<u64>,
    /// The session waits for them.
    stalls: Cell<bool>,
}

#[derive(Debug)]
struct Pending {
    rect: Rect,
    bytes: usize,
}

impl Jpegs {
    /// # Errors
    /// It is none, or of another size than its rectangle.
    pub(super) async fn add(&self, rect: Rect, bytes: Vec<u8>) -> Result<(), Error> {
        check(rect, &bytes)?;
        self.until(|pending| {
            let sum: usize = pending.values().map(|each| each.bytes).sum();
            sum <= MAX_PENDING_BYTES
        })
        .await;
        let number = self.last.get() + 1;
        self.last.set(number);
        let pending = Pending {
            rect,
            bytes: bytes.len(),
        };
        self.pending.borrow_mut().insert(number, pending);
        self.fresh.borrow_mut().push(Jpeg {
            number,
            width: rect.width,
            height: rect.height,
            bytes,
        });
        Ok(())
    }

    /// Waits until all are on the screen.
    pub(super) async fn settled(&self) {
        self.until(BTreeMap::is_empty).await;
    }

    /// Waits until no part of this one is to come.
    pub(super) async fn clear_of(&self, rect: Rect) {
        self.until(|pending| pending.values().all(|each| !each.rect.overlaps(rect)))
            .await;
    }

    pub(super) fn stalls(&self) -> bool {
        self.stalls.get()
    }

    pub(super) fn take(&self) -> Vec<Jpeg> {
        self.fresh.take()
    }

    /// Where it belongs; `None` for one that nobody waits for.
    pub(super) fn finish(&self, number: u64) -> Option<Rect> {
        Some(self.pending.borrow_mut().remove(&number)?.rect)
    }

    async fn until(&self, is_so: impl Fn(&BTreeMap<u64, Pending>) -> bool) {
        poll_fn(|_| {
            let is_so = is_so(&self.pending.borrow());
            self.stalls.set(!is_so);
            if is_so {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

/// Reads the header alone. A few bytes may announce a picture of gigabytes, which a decoder would
/// make room for.
fn check(rect: Rect, bytes: &[u8]) -> Result<(), Error> {
    let mut decoder = JpegDecoder::new(ZCursor::new(bytes));
    decoder
        .decode_headers()
        .map_err(|_| Error::Malformed("a JPEG cannot be read"))?;
    let size = (usize::from(rect.width), usize::from(rect.height));
    if decoder.dimensions() == Some(size) {
        Ok(())
    } else {
        Err(Error::Malformed(
            "a JPEG has another size than its rectangle",
        ))
    }
}
