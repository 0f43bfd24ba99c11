//! The stream as tokio's reader and writer.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use remote_messages::StreamFault;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tunnel::mux::{Read, StreamError, StreamId};

use crate::link::{Link, LinkState, State};

/// The stream. `poll_shutdown` is a half-close and completes when all that was written is on its
/// way. Dropped, it is cut, and the WebSocket closed.
pub struct Stream {
    link: Arc<Link>,
}

/// What is known of a stream, by whoever does not hold it; also after its end.
#[derive(Clone)]
pub struct Watch {
    link: Arc<Link>,
}

/// What a stream has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Bytes written, since the stream began.
    pub sent_bytes: u64,
    /// Bytes read, since the stream began.
    pub received_bytes: u64,
    /// The round trip between browser and server: the minimum of the last 10 s.
    pub rtt: Option<Duration>,
}

impl Stream {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    /// For whoever wants to know how the stream fares while another reads and writes it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch {
            link: Arc::clone(&self.link),
        }
    }

    /// Why the stream failed; `None` while it lives, and when it ended in order.
    #[must_use]
    pub fn fault(&self) -> Option<StreamFault> {
        self.watch().fault()
    }

    /// What it has measured.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.watch().stats()
    }
}

impl Watch {
    /// As [`Stream::fault`].
    #[must_use]
    pub fn fault(&self) -> Option<StreamFault> {
        self.link.with(|state| state.fault)
    }

    /// As [`Stream::stats`].
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.link.with(|state| Stats {
            sent_bytes: state.sent_bytes,
            received_bytes: state.received_bytes,
            rtt: state.mux.as_ref().and_then(tunnel::mux::Mux::rtt),
        })
    }
}

impl Watch {
    /// How the connection is.
    #[must_use]
    pub fn link(&self) -> LinkState {
        self.link.link_state()
    }

    /// Waits for another state of the connection than `known`.
    pub async fn link_changed(&self, known: LinkState) -> LinkState {
        self.link.link_changed(known).await
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.link.with(|state| {
            state.held = false;
            if let Some(mux) = &mut state.mux {
                mux.release(StreamId::ONLY);
            }
        });
    }
}

impl Stream {
    /// What came next, as it came: no copy is made. Empty at the end.
    ///
    /// # Errors
    /// As of reads.
    pub async fn next_bytes(&self) -> io::Result<Bytes> {
        poll_fn(|cx| {
            let now = self.link.now();
            self.link.with(|state| {
                let Some(mux) = &mut state.mux else {
                    return pending_or_gone(state, Waiting::Reader, cx.waker())
                        .map_ok(|()| Bytes::new());
                };
                match mux.read(now, StreamId::ONLY, usize::MAX) {
                    Ok(Read::Bytes(bytes)) => {
                        state.received_bytes += bytes.len() as u64;
                        Poll::Ready(Ok(bytes))
                    }
                    Ok(Read::End) => Poll::Ready(Ok(Bytes::new())),
                    Ok(Read::Blocked) => pending_or_gone(state, Waiting::Reader, cx.waker())
                        .map_ok(|()| Bytes::new()),
                    Err(error) => Poll::Ready(Err(io_error(error))),
                }
            })
        })
        .await
    }

    /// Writes all of it.
    ///
    /// # Errors
    /// As of writes.
    pub async fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let written = poll_fn(|cx| self.poll_send(cx, bytes)).await?;
            bytes = &bytes[written..];
        }
        Ok(())
    }

    /// A half-close, as `poll_shutdown` is.
    ///
    /// # Errors
    /// As of writes.
    pub async fn finish(&self) -> io::Result<()> {
        poll_fn(|cx| self.poll_finish(cx)).await
    }

    fn poll_send(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.link.with(|state| {
            let written = match &mut state.mux {
                Some(mux) => mux.write(StreamId::ONLY, buf).map_err(io_error)?,
                None => 0,
            };
            if written == 0 && !buf.is_empty() {
                return pending_or_gone(state, Waiting::Writer, cx.waker()).map_ok(|()| 0);
            }
            state.sent_bytes += written as u64;
            Poll::Ready(Ok(written))
        })
    }

    fn poll_finish(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.link.with(|state| {
            let done = match &mut state.mux {
                Some(mux) => mux.finish(StreamId::ONLY).map_err(io_error)?,
                None => false,
            };
            if done {
                return Poll::Ready(Ok(()));
            }
            pending_or_gone(state, Waiting::Writer, cx.waker())
        })
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let now = self.link.now();
        let before = buf.filled().len();
        self.link.with(|state| {
            let Some(mux) = &mut state.mux else {
                return pending_or_gone(state, Waiting::Reader, cx.waker());
            };
            while buf.remaining() > 0 {
                let some_read = buf.filled().len() > before;
                match mux.read(now, StreamId::ONLY, buf.remaining()) {
                    Ok(Read::Bytes(bytes)) => {
                        buf.put_slice(&bytes);
                        state.received_bytes += bytes.len() as u64;
                    }
                    Ok(Read::Blocked) if !some_read => {
                        return pending_or_gone(state, Waiting::Reader, cx.waker());
                    }
                    // What was read is handed over first; an error stays and shows next time.
                    Ok(Read::Blocked | Read::End) => break,
                    Err(_) if some_read => break,
                    Err(error) => return Poll::Ready(Err(io_error(error))),
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
        self.poll_send(cx, buf)
    }

    /// What was written is on its way without being asked.
    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_finish(cx)
    }
}

enum Waiting {
    Reader,
    Writer,
}

/// Waits for an event; without a connection none will come.
fn pending_or_gone(state: &mut State, waiting: Waiting, waker: &Waker) -> Poll<io::Result<()>> {
    if state.closed {
        return Poll::Ready(Err(io_error(StreamError::TunnelLost)));
    }
    let slot = match waiting {
        Waiting::Reader => &mut state.reader,
        Waiting::Writer => &mut state.writer,
    };
    match slot {
        Some(stored) => stored.clone_from(waker),
        None => *slot = Some(waker.clone()),
    }
    Poll::Pending
}

fn io_error(error: StreamError) -> io::Error {
    let kind = match &error {
        StreamError::Open(_) => io::ErrorKind::ConnectionRefused,
        StreamError::Reset { .. } => io::ErrorKind::ConnectionReset,
        StreamError::TunnelLost => io::ErrorKind::ConnectionAborted,
        StreamError::Finished => io::ErrorKind::BrokenPipe,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
mod tests;
