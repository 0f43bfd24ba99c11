//! A stream as tokio's reader and writer.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use super::shared::{Handle, Shared, State, store};
use super::splice::{End, Pieces};
use crate::mux::{OpenError, Read, StreamError, StreamId, Transferred};
use crate::wire::Code;

/// What is read at once to be passed on.
const READ_BYTES: usize = 64 * 1024;

/// One stream. `poll_shutdown` is a half-close (FIN) and completes when all that was written has
/// been handed to the network. Dropped before both directions ended = cut with
/// [`Code::Cancelled`], and the peer never sees a clean end that was not asked for.
pub struct Stream {
    handle: Handle,
}

impl Stream {
    pub(super) fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// Waits until the peer accepts or refuses.
    ///
    /// # Errors
    /// The refusal, or that the tunnel ended.
    pub async fn accepted(&mut self) -> Result<(), OpenError> {
        let id = self.handle.id;
        self.handle
            .shared
            .wait(&self.handle.changed, |state| state.mux.accepted(id))
            .await
    }

    /// A handle to cut the stream from elsewhere.
    #[must_use]
    pub fn control(&self) -> StreamControl {
        StreamControl {
            shared: Arc::clone(&self.handle.shared),
            id: self.handle.id,
            changed: Arc::clone(&self.handle.changed),
        }
    }

    /// Reads at most `max_bytes` without copying them; empty at the end of the stream.
    ///
    /// # Errors
    /// As of reads: a [`StreamError`] inside.
    pub fn poll_read_bytes(
        &mut self,
        cx: &mut Context<'_>,
        max_bytes: usize,
    ) -> Poll<io::Result<Bytes>> {
        let (id, now) = (self.handle.id, self.handle.shared.now());
        self.handle
            .shared
            .with(|state| match state.mux.read(now, id, max_bytes) {
                Ok(Read::Bytes(bytes)) => Poll::Ready(Ok(bytes)),
                Ok(Read::End) => Poll::Ready(Ok(Bytes::new())),
                Ok(Read::Blocked) => {
                    wait_to_read(state, id, cx.waker());
                    Poll::Pending
                }
                Err(error) => Poll::Ready(Err(error.into())),
            })
    }
}

impl End for Stream {
    fn poll_read_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        let (id, now) = (self.handle.id, self.handle.shared.now());
        self.handle.shared.with(|state| {
            let mut left = READ_BYTES;
            while left > 0 && !pieces.is_full() {
                match state.mux.read(now, id, left) {
                    Ok(Read::Bytes(bytes)) => {
                        left -= bytes.len();
                        pieces.push(bytes);
                    }
                    Ok(Read::Blocked) if pieces.is_empty() => {
                        wait_to_read(state, id, cx.waker());
                        return Poll::Pending;
                    }
                    // What was read is handed over first; an error stays and shows next time.
                    Ok(Read::Blocked | Read::End) => break,
                    Err(_) if !pieces.is_empty() => break,
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            Poll::Ready(Ok(()))
        })
    }

    fn poll_write_pieces(
        &mut self,
        cx: &mut Context<'_>,
        pieces: &mut Pieces,
    ) -> Poll<io::Result<()>> {
        let id = self.handle.id;
        self.handle.shared.with(|state| {
            let mut written = 0;
            while let Some(piece) = pieces.front_mut() {
                match state.mux.write_bytes(id, piece) {
                    Ok(0) if written == 0 => {
                        wait_to_write(state, id, cx.waker());
                        return Poll::Pending;
                    }
                    Ok(0) => break,
                    Ok(fits) => written += fits,
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (id, now) = (self.handle.id, self.handle.shared.now());
        let before = buf.filled().len();
        self.handle.shared.with(|state| {
            while buf.remaining() > 0 {
                let some_read = buf.filled().len() > before;
                match state.mux.read(now, id, buf.remaining()) {
                    Ok(Read::Bytes(bytes)) => buf.put_slice(&bytes),
                    Ok(Read::Blocked) if !some_read => {
                        wait_to_read(state, id, cx.waker());
                        return Poll::Pending;
                    }
                    // What was read is handed over first; an error stays and shows next time.
                    Ok(Read::Blocked | Read::End) => break,
                    Err(_) if some_read => break,
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            Poll::Ready(Ok(()))
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let id = self.handle.id;
        self.handle.shared.with(|state| {
            let mut written = 0;
            for buf in bufs.iter().filter(|buf| !buf.is_empty()) {
                match state.mux.write(id, buf) {
                    Ok(fits) => {
                        written += fits;
                        if fits < buf.len() {
                            break;
                        }
                    }
                    Err(error) => return Poll::Ready(Err(error.into())),
                }
            }
            if written == 0 && bufs.iter().any(|buf| !buf.is_empty()) {
                wait_to_write(state, id, cx.waker());
                return Poll::Pending;
            }
            Poll::Ready(Ok(written))
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// What was written is on its way without being asked.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let id = self.handle.id;
        self.handle.shared.with(|state| match state.mux.finish(id) {
            Ok(true) => Poll::Ready(Ok(())),
            Ok(false) => {
                wait_to_write(state, id, cx.waker());
                Poll::Pending
            }
            Err(error) => Poll::Ready(Err(error.into())),
        })
    }
}

/// Cuts a stream that somebody else reads and writes. Does not keep it alive.
#[derive(Clone)]
pub struct StreamControl {
    shared: Arc<Shared>,
    id: StreamId,
    changed: Arc<Notify>,
}

impl StreamControl {
    /// Cuts the stream in both directions: the peer gets RESET, this end's reads and writes fail.
    pub fn reset(&self, code: Code, text: &str) {
        self.shared
            .with(|state| state.mux.reset(self.id, code, text));
    }

    /// What the stream has carried; `None` when nobody holds it any more.
    #[must_use]
    pub fn transferred(&self) -> Option<Transferred> {
        self.shared.drive(|state| state.mux.transferred(self.id))
    }

    /// Completes when the stream has ended in both directions, however.
    pub async fn ended(&self) {
        self.shared
            .wait(&self.changed, |state| {
                state.mux.has_ended(self.id).then_some(())
            })
            .await;
    }
}

impl StreamControl {
    /// Completes when the stream was cut, by either end or with its tunnel, or is held by nobody
    /// any more; never for one that ended cleanly and is still held. For whoever is busy
    /// elsewhere, and would see it in reads and writes too late.
    pub async fn cut(&self) -> StreamError {
        self.shared
            .wait(&self.changed, |state| state.mux.cut_reason(self.id))
            .await
    }
}

impl From<StreamError> for io::Error {
    fn from(error: StreamError) -> Self {
        let kind = match &error {
            StreamError::Open(OpenError::Rejected { .. }) => io::ErrorKind::ConnectionRefused,
            StreamError::Reset { .. } => io::ErrorKind::ConnectionReset,
            StreamError::Open(_) | StreamError::TunnelLost => io::ErrorKind::ConnectionAborted,
            StreamError::Finished => io::ErrorKind::BrokenPipe,
        };
        Self::new(kind, error)
    }
}

fn wait_to_read(state: &mut State, id: StreamId, waker: &Waker) {
    if let Some(waiters) = state.waiters.get_mut(&id) {
        store(&mut waiters.reader, waker);
    }
}

fn wait_to_write(state: &mut State, id: StreamId, waker: &Waker) {
    if let Some(waiters) = state.waiters.get_mut(&id) {
        store(&mut waiters.writer, waker);
    }
}
