//! An open stream to a device, and the right to it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{End, Pieces, Stream, StreamControl};

use super::counts::{Counted, Counts};
use super::meter::Metered;
use crate::access::Lease;

/// An open stream to a device; holds its lease.
pub struct RelayStream {
    /// Before the stream: it is asked a last time when this is dropped.
    _metered: Metered,
    stream: Stream,
    lease: Lease,
    _counted: Counted,
}

impl RelayStream {
    pub(super) fn new(stream: Stream, lease: Lease, metered: Metered, counts: &Counts) -> Self {
        Self {
            _metered: metered,
            stream,
            lease,
            _counted: Counted::in_gauge(&counts.streams_open),
        }
    }

    /// The lease's token, for what must end together with the stream.
    #[must_use]
    pub fn revoked(&self) -> CancellationToken {
        self.lease.token().clone()
    }

    /// A handle to cut the stream from elsewhere.
    #[must_use]
    pub fn control(&self) -> StreamControl {
        self.stream.control()
    }
}

impl End for RelayStream {
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        self.stream.poll_read_pieces(cx, pieces)
    }

    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        self.stream.poll_write_pieces(cx, pieces)
    }
}

impl AsyncRead for RelayStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for RelayStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
