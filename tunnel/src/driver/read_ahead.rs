//! Large reads for those who read in small pieces.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What is read at once of a peer that says little.
const LEAST_BYTES: usize = 4 * 1024;
/// Under load.
const MOST_BYTES: usize = 64 * 1024;

/// A connection under TLS, which by itself reads 4 KiB at a time, or under a WebSocket, which reads
/// headers: this reads 64 KiB under load. While nothing comes it holds nothing.
#[derive(Debug)]
pub struct ReadAhead<S> {
    inner: S,
    buffer: BytesMut,
    ask_bytes: usize,
}

impl<S> ReadAhead<S> {
    /// Over a connection that nothing was read from.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            buffer: BytesMut::new(),
            ask_bytes: LEAST_BYTES,
        }
    }

    /// What it is over.
    pub const fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.buffer.is_empty() && out.remaining() >= MOST_BYTES / 2 {
            // By themselves they read as much as this would.
            return Pin::new(&mut this.inner).poll_read(cx, out);
        }
        if this.buffer.is_empty() {
            this.buffer.clear();
            this.buffer.reserve(this.ask_bytes);
            let read =
                tokio_util::io::poll_read_buf(Pin::new(&mut this.inner), cx, &mut this.buffer);
            if read.is_pending() {
                this.buffer = BytesMut::new();
            }
            let read = ready!(read)?;
            this.ask_bytes = if read >= this.ask_bytes {
                (this.ask_bytes * 4).min(MOST_BYTES)
            } else if read <= this.ask_bytes / 8 {
                (this.ask_bytes / 4).max(LEAST_BYTES)
            } else {
                this.ask_bytes
            };
        }
        let length = this.buffer.len().min(out.remaining());
        out.put_slice(&this.buffer[..length]);
        this.buffer.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_is_written_is_read_in_pieces_of_any_size() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = ReadAhead::new(near);
        let all: Vec<u8> = (0..500_000_u32).map(|n| (n % 251) as u8).collect();
        far.write_all(&all).await.expect("it fits");
        drop(far);
        let mut read = Vec::new();
        for size in [1, 5, 4096, 100_000, 3, 16_384, 40_000].into_iter().cycle() {
            let mut piece = vec![0; size];
            let length = near.read(&mut piece).await.expect("no error");
            if length == 0 {
                break;
            }
            read.extend_from_slice(&piece[..length]);
        }
        assert!(read == all);
    }

    #[tokio::test]
    async fn it_holds_nothing_while_nothing_comes() {
        let (near, mut far) = duplex(1 << 20);
        let mut near = ReadAhead::new(near);
        for _ in 0..4 {
            far.write_all(&[7; 200_000]).await.expect("it fits");
            for _ in 0..200 {
                near.read_exact(&mut [0; 1000]).await.expect("no error");
            }
        }
        assert_eq!(near.ask_bytes, MOST_BYTES);
        let waits = tokio::time::timeout(std::time::Duration::from_millis(1), near.read_u8());
        waits.await.expect_err("there is none");
        assert_eq!(near.buffer.capacity(), 0);
    }
}
