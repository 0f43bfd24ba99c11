//! Sees what the server sees: the bytes between the two ends of a splice, after unmasking. For
//! tests alone, on the thread of the test.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use tunnel::driver::{End, Pieces, Stream};

use crate::relay::RelayStream;

thread_local! {
    static SEEN: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Whether `marker` went through any splice of this thread, either way.
pub(super) fn saw(marker: &[u8]) -> bool {
    SEEN.with_borrow(|seen| seen.windows(marker.len()).any(|part| part == marker))
}

/// How many bytes went through.
pub(super) fn seen_bytes() -> usize {
    SEEN.with_borrow(Vec::len)
}

pub(super) fn tapped<'a>(
    near: &'a mut Stream,
    far: &'a mut RelayStream,
) -> (Tapped<&'a mut Stream>, Tapped<&'a mut RelayStream>) {
    (Tapped(near), Tapped(far))
}

pub(super) struct Tapped<S>(S);

impl<S: End> End for Tapped<S> {
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        let polled = self.0.poll_read_pieces(cx, pieces);
        SEEN.with_borrow_mut(|seen| {
            pieces
                .iter()
                .for_each(|piece| seen.extend_from_slice(piece))
        });
        polled
    }

    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        self.0.poll_write_pieces(cx, pieces)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tapped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
