//! The gate between socket and hyper: lets whole, strictly judged request heads through, one
//! request at a time, and holds everybody to their deadlines.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use tokio_util::io::poll_read_buf;

use super::chunks::Chunks;
use super::deadline::Deadline;
use super::head::{self, Body};
use super::link::{Link, Turn};
use super::refusal::Refusal;
use crate::config::Timers;

/// What is read ahead at once, where reading ahead is needed.
const READ_BYTES: usize = 4 * 1024;
/// After our last byte, how long and how much of the peer's is still taken in and thrown away:
/// closing over unread bytes resets the connection, and the answer may be lost with it. A browser
/// keeps 180 cookies of 4 KiB for a site and sends all of them before it reads the answer that
/// frees it of them (SECURITY S03).
const LINGER: Duration = Duration::from_secs(3);
const LINGER_BYTES: usize = 1024 * 1024;

/// Stands for a refused head, so that hyper answers it in its order and closes.
const REFUSED_HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// A socket below the gate.
pub(super) trait Socket: AsyncRead + AsyncWrite + Unpin {
    /// Makes that dropping it resets the connection.
    fn reset_on_drop(&self);

    /// What is written from now on is no answer but messages, of which later ones may be urgent.
    fn carries_messages(&self);
}

/// A socket of which only well-formed requests can be read.
pub(super) struct Gate<S: Socket> {
    socket: S,
    link: Arc<Link>,
    timers: Arc<Timers>,
    state: State,
    /// Read, but not handed on.
    ahead: BytesMut,
    /// So many bytes at the front of `ahead` may pass.
    cleared: usize,
    /// Since when we wait for the present head's end or for a byte of body.
    waiting_since: Option<Instant>,
    blocked_since: Option<Instant>,
    read_deadline: Deadline,
    write_deadline: Deadline,
    /// When lingering ends, and how much has been thrown away.
    linger: Option<(Instant, usize)>,
}

#[derive(Debug)]
enum State {
    /// Before the first head (`first`) or between two; of the present one `seen` bytes were
    /// looked at.
    Head {
        first: bool,
        seen: usize,
    },
    Fixed(u64),
    Chunked(Chunks),
    /// An upgrade was asked for; nothing passes until it is answered (SECURITY S17).
    Undecided,
    /// No longer HTTP.
    Raw,
    /// Nothing passes any more.
    Refused,
    Broken,
}

/// What to do next for a reader.
enum Next {
    /// So many bytes that were read ahead may pass.
    Pass(usize),
    /// Up to so many bytes of the socket may pass unseen.
    Straight(u64),
    /// More must be read ahead first.
    ReadAhead,
    /// Nothing, until the answer under way is over.
    Wait,
    Fail,
}

impl<S: Socket> Gate<S> {
    pub(super) fn new(socket: S, link: Arc<Link>, timers: Arc<Timers>) -> Self {
        Self {
            socket,
            link,
            timers,
            state: State::Head {
                first: true,
                seen: 0,
            },
            ahead: BytesMut::new(),
            cleared: 0,
            waiting_since: None,
            blocked_since: None,
            read_deadline: Deadline::default(),
            write_deadline: Deadline::default(),
            linger: None,
        }
    }

    fn next(&mut self) -> Next {
        loop {
            match &mut self.state {
                State::Head { seen, .. } => {
                    let found = head::find_end(&self.ahead, *seen);
                    if found == Ok(None) {
                        *seen = self.ahead.len();
                        return Next::ReadAhead;
                    }
                    if !matches!(self.link.turn(), Turn::Idle(_)) {
                        return Next::Wait;
                    }
                    return match found.and_then(|end| {
                        let end = end.unwrap_or_default();
                        head::judge(&self.ahead[..end]).map(|body| (end, body))
                    }) {
                        Ok((end, body)) => self.let_head_pass(end, body),
                        Err(refusal) => self.refuse(refusal),
                    };
                }
                State::Fixed(0) => self.expect_head(),
                State::Fixed(left) if self.ahead.is_empty() => return Next::Straight(*left),
                State::Fixed(left) => {
                    let ahead = self.ahead.len();
                    let passes = usize::try_from(*left).map_or(ahead, |left| left.min(ahead));
                    *left -= passes as u64;
                    return Next::Pass(passes);
                }
                State::Chunked(chunks) if chunks.is_done() => self.expect_head(),
                State::Chunked(_) if self.ahead.is_empty() => return Next::ReadAhead,
                State::Chunked(chunks) => match chunks.follow(&self.ahead) {
                    Ok(passes) => return Next::Pass(passes),
                    Err(_) => self.state = State::Broken,
                },
                State::Undecided => match self.link.turn() {
                    Turn::Switched => {
                        self.state = State::Raw;
                        self.socket.carries_messages();
                        self.read_deadline.disarm();
                    }
                    Turn::Idle(_) => self.expect_head(),
                    // Reading ahead, a little, tells when the peer gives up.
                    Turn::Answer if self.ahead.len() < READ_BYTES => return Next::ReadAhead,
                    Turn::Answer => return Next::Wait,
                },
                State::Raw if self.ahead.is_empty() => {
                    self.ahead = BytesMut::new();
                    return Next::Straight(u64::MAX);
                }
                State::Raw => return Next::Pass(self.ahead.len()),
                State::Refused => return Next::Wait,
                State::Broken => return Next::Fail,
            }
        }
    }

    fn expect_head(&mut self) {
        self.state = State::Head {
            first: false,
            seen: 0,
        };
        self.waiting_since = None;
    }

    fn let_head_pass(&mut self, end: usize, body: Body) -> Next {
        self.link.pass_head(None);
        self.waiting_since = None;
        self.state = match body {
            Body::Fixed(length) => State::Fixed(length),
            Body::Chunked => State::Chunked(Chunks::new()),
            Body::Upgrade => State::Undecided,
        };
        Next::Pass(end)
    }

    fn refuse(&mut self, refusal: Refusal) -> Next {
        self.link.pass_head(Some(refusal));
        self.state = State::Refused;
        self.ahead.clear();
        self.ahead.extend_from_slice(REFUSED_HEAD);
        Next::Pass(REFUSED_HEAD.len())
    }

    /// By when the socket must have something for us, if it must at all, and whether the peer
    /// has begun a head.
    fn due(&mut self) -> Option<(Instant, bool)> {
        let millis = Duration::from_millis;
        match self.state {
            State::Head { first, .. } => {
                let Turn::Idle(idle_since) = self.link.turn() else {
                    return None;
                };
                if self.ahead.is_empty() {
                    let limit = if first {
                        self.timers.first_byte_ms
                    } else {
                        self.timers.keep_alive_ms
                    };
                    return Some((idle_since + millis(limit), false));
                }
                let began = *self.waiting_since.get_or_insert_with(Instant::now);
                Some((began.max(idle_since) + millis(self.timers.head_ms), true))
            }
            State::Fixed(_) | State::Chunked(_) => {
                let since = *self.waiting_since.get_or_insert_with(Instant::now);
                Some((since + millis(self.timers.body_stall_ms), false))
            }
            State::Undecided | State::Raw | State::Refused | State::Broken => None,
        }
    }

    /// The socket has nothing for now: `Ready` when that has lasted too long.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        let Some((at, head_begun)) = self.due() else {
            return Poll::Pending;
        };
        if !self.read_deadline.poll_over(cx, at) {
            return Poll::Pending;
        }
        Poll::Ready(match self.state {
            State::Head { .. } if head_begun => Due::Head,
            State::Head { .. } => Due::Idle,
            _ => Due::Body,
        })
    }

    fn note_progress(&mut self) {
        if matches!(self.state, State::Fixed(_) | State::Chunked(_)) {
            self.waiting_since = None;
        }
    }

    /// Reads at most `limit` bytes right into `out`.
    fn poll_straight(
        &mut self,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
        limit: u64,
    ) -> Poll<io::Result<()>> {
        let before = out.filled().len();
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if out.remaining() <= limit {
            ready!(Pin::new(&mut self.socket).poll_read(cx, out))?;
        } else {
            let mut limited = ReadBuf::new(out.initialize_unfilled_to(limit));
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut limited))?;
            let read = limited.filled().len();
            out.advance(read);
        }
        if let State::Fixed(left) = &mut self.state {
            *left -= (out.filled().len() - before) as u64;
        }
        Poll::Ready(Ok(()))
    }

    /// Waits no longer for a peer that does not take our bytes than it may last.
    fn hold_writer<T>(
        &mut self,
        cx: &mut Context<'_>,
        done: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.blocked_since = None;
            return done;
        }
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        let at = since + Duration::from_millis(self.timers.write_stall_ms);
        if self.write_deadline.poll_over(cx, at) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }

    /// Whether the peer may still be sending what nobody will read.
    fn must_linger(&self) -> bool {
        match self.state {
            State::Raw => false,
            State::Head { .. } => !self.ahead.is_empty(),
            _ => true,
        }
    }

    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let (until, mut thrown) = self.linger.unwrap_or_else(|| (Instant::now() + LINGER, 0));
        loop {
            self.ahead.clear();
            self.ahead.reserve(READ_BYTES);
            match poll_read_buf(Pin::new(&mut self.socket), cx, &mut self.ahead) {
                Poll::Ready(Ok(read)) if read > 0 && thrown < LINGER_BYTES => thrown += read,
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => {
                    self.linger = Some((until, thrown));
                    let over = self.read_deadline.poll_over(cx, until);
                    return if over { Poll::Ready(()) } else { Poll::Pending };
                }
            }
        }
    }
}

/// What has taken too long.
enum Due {
    /// No request came.
    Idle,
    /// A head began and did not end.
    Head,
    /// A body stopped coming.
    Body,
}

impl<S: Socket> AsyncRead for Gate<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        // Registered before the state is looked at, else a change in between would be slept over.
        gate.link.reader.register(cx.waker());
        if gate.link.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        loop {
            if gate.cleared > 0 {
                let passed = gate.cleared.min(out.remaining());
                out.put_slice(&gate.ahead[..passed]);
                gate.ahead.advance(passed);
                gate.cleared -= passed;
                return Poll::Ready(Ok(()));
            }
            let polled = match gate.next() {
                Next::Pass(bytes) => {
                    gate.cleared = bytes;
                    continue;
                }
                Next::Wait => return Poll::Pending,
                Next::Fail => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
                Next::Straight(limit) => match gate.poll_straight(cx, out, limit)? {
                    Poll::Ready(()) => {
                        gate.note_progress();
                        return Poll::Ready(Ok(()));
                    }
                    Poll::Pending => Poll::Pending,
                },
                Next::ReadAhead => {
                    gate.ahead.reserve(READ_BYTES);
                    poll_read_buf(Pin::new(&mut gate.socket), cx, &mut gate.ahead)?
                }
            };
            match polled {
                // The peer is done. What it left unfinished, hyper is not told of.
                Poll::Ready(0) => return Poll::Ready(Ok(())),
                Poll::Ready(_) => gate.note_progress(),
                Poll::Pending => match ready!(gate.poll_due(cx)) {
                    Due::Idle => return Poll::Ready(Ok(())),
                    Due::Head => {
                        let Next::Pass(bytes) = gate.refuse(Refusal::TooSlow) else {
                            continue;
                        };
                        gate.cleared = bytes;
                    }
                    Due::Body => return Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
                },
            }
        }
    }
}

impl<S: Socket> AsyncWrite for Gate<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        ready!(gate.poll_uncut(cx))?;
        let done = Pin::new(&mut gate.socket).poll_write(cx, bytes);
        gate.hold_writer(cx, done)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let gate = self.get_mut();
        ready!(gate.poll_uncut(cx))?;
        let done = Pin::new(&mut gate.socket).poll_write_vectored(cx, slices);
        gate.hold_writer(cx, done)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(gate.poll_uncut(cx))?;
        let done = Pin::new(&mut gate.socket).poll_flush(cx);
        gate.hold_writer(cx, done)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        ready!(gate.poll_uncut(cx))?;
        if gate.linger.is_none() {
            let done = Pin::new(&mut gate.socket).poll_shutdown(cx);
            ready!(gate.hold_writer(cx, done))?;
            if !gate.must_linger() {
                return Poll::Ready(Ok(()));
            }
        }
        gate.poll_linger(cx).map(Ok)
    }
}

impl<S: Socket> Gate<S> {
    fn poll_uncut(&self, cx: &Context<'_>) -> Poll<io::Result<()>> {
        self.link.writer.register(cx.waker());
        if self.link.is_cut() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: Socket> Drop for Gate<S> {
    fn drop(&mut self) {
        if self.link.is_cut() {
            self.socket.reset_on_drop();
        }
        self.link.close();
    }
}

#[cfg(test)]
mod tests;
