//! How much output the page has not drawn, and a stream that is not read while it is too much.
//!
//! The way to stop a device is to leave its bytes unread: then its SSH window and the tunnel's
//! credit run out. russh must not be stopped anywhere else, because what it writes (a Ctrl+C)
//! waits for what it reads.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Output that was handed over and not drawn, beyond which nothing more is read.
const UNDRAWN_LIMIT_BYTES: i64 = 512 << 10;

/// Shared by the stream, the SSH session and the page's messages.
#[derive(Default)]
pub(crate) struct Flow {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Below zero for a moment where the page is quicker to draw than russh to count.
    undrawn_bytes: i64,
    is_cut: bool,
    reader: Option<Waker>,
}

impl Flow {
    /// The device has sent output.
    pub(crate) fn produced(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let mut state = self.lock();
        state.undrawn_bytes = state.undrawn_bytes.saturating_add(bytes);
    }

    /// The page has drawn output.
    pub(crate) fn drawn(&self, bytes: u32) {
        self.change(|state| state.undrawn_bytes -= i64::from(bytes));
    }

    /// Ends the stream for whoever still reads or writes it.
    pub(crate) fn cut(&self) {
        self.change(|state| state.is_cut = true);
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waker = state.reader.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream that is read only while the page keeps up.
pub(crate) struct Gate<S> {
    stream: S,
    flow: Arc<Flow>,
}

impl<S> Gate<S> {
    pub(crate) fn new(stream: S, flow: Arc<Flow>) -> Self {
        Self { stream, flow }
    }

    fn check(&self) -> io::Result<()> {
        if self.flow.lock().is_cut {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gate<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut state = self.flow.lock();
            if state.is_cut {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            // Also while the stream itself is waited for: a cut must be seen.
            state.reader = Some(cx.waker().clone());
            if state.undrawn_bytes >= UNDRAWN_LIMIT_BYTES {
                return Poll::Pending;
            }
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gate<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn nothing_is_read_while_too_much_is_undrawn() {
        let (mut device, stream) = duplex(64);
        let flow = Arc::new(Flow::default());
        let mut gate = Gate::new(stream, Arc::clone(&flow));
        device.write_all(b"abc").await.unwrap();
        flow.produced(512 << 10);
        let early = timeout(Duration::from_millis(20), gate.read_u8()).await;
        early.expect_err("the gate is closed");
        gate.write_all(b"^C").await.expect("writes go on");
        let (byte, ()) = tokio::join!(gate.read_u8(), async { flow.drawn(1) });
        assert_eq!(byte.unwrap(), b'a');
    }

    #[tokio::test]
    async fn a_cut_wakes_a_reader() {
        let (_device, stream) = duplex(64);
        let flow = Arc::new(Flow::default());
        let mut gate = Gate::new(stream, Arc::clone(&flow));
        let (byte, ()) = tokio::join!(gate.read_u8(), async { flow.cut() });
        byte.expect_err("it is cut");
    }
}
