//! One connection of a tunnel, from its HELLOs until it is lost or closed.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::run::Closed;
use super::shared::{Shared, State, store};
use super::socket::{Fault, Received, Socket, close_frame};
use super::websocket;
use crate::webtunnel::Outgoing;

/// For how long a socket may take nothing of what waits for it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// For the close frame and the peer's answer to it.
const FAREWELL_TIMEOUT: Duration = Duration::from_secs(2);
/// Messages read, or written, before the other direction has its turn.
const TURN_MESSAGES: usize = 16;
/// Turns before other tasks of the runtime have theirs.
const TURNS: usize = 8;

/// A tunnel without large messages for this long, or up to twice as long, gives buffers back.
const SHRINK_AFTER: Duration = Duration::from_secs(10);

/// The socket, and what is known of it.
pub(super) struct Connection<S> {
    socket: Socket<S>,
    shared: Arc<Shared>,
    /// Which of the tunnel's connections it is: once there is a later one it touches nothing.
    generation: u64,
    /// What came together with the peer's HELLO.
    early: Bytes,
    timer: Pin<Box<Sleep>>,
    unflushed: bool,
    /// Bytes the socket has taken, when that was looked at last.
    taken_bytes: u64,
    /// Bytes that are gone, as the multiplexer was told.
    reported_bytes: u64,
    /// Since when the socket takes nothing.
    stalled_since: Option<Instant>,
    /// When to look whether buffers can be given back.
    shrink_at: Option<Instant>,
    /// A large message went or came since that was set.
    large_since: bool,
}

/// Why a connection moves no bytes now.
pub(super) enum Pause {
    End(Fault),
    /// A later connection has taken over, or will.
    Detached,
}

impl From<Fault> for Pause {
    fn from(fault: Fault) -> Self {
        Self::End(fault)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    pub(super) fn new(
        socket: Socket<S>,
        shared: Arc<Shared>,
        generation: u64,
        early: Bytes,
    ) -> Self {
        let (taken_bytes, reported_bytes) = (socket.written_bytes(), socket.flushed_bytes());
        Self {
            socket,
            shared,
            generation,
            early,
            timer: Box::pin(sleep_until(Instant::now())),
            unflushed: false,
            taken_bytes,
            reported_bytes,
            stalled_since: None,
            shrink_at: None,
            large_since: false,
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Moves bytes until something else is to be done.
    pub(super) async fn run(&mut self) -> Pause {
        let mut running = Running {
            connection: self,
            is_over: false,
        };
        let pause = poll_fn(|cx| running.connection.poll(cx)).await;
        running.is_over = true;
        pause
    }

    /// Says why it ends, if there is anything to say. Returns whether the peer answered in time.
    pub(super) async fn close(
        mut self: Box<Self>,
        farewell: Option<websocket::CloseFrame>,
    ) -> bool {
        // However it goes: the socket is dropped after it.
        let _ = timeout(FAREWELL_TIMEOUT, self.socket.close(farewell)).await;
        self.socket.has_answered()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Pause> {
        match self.poll_turns(cx) {
            Ok(()) => Poll::Pending,
            Err(pause) => Poll::Ready(pause),
        }
    }

    fn poll_turns(&mut self, cx: &mut Context<'_>) -> Result<(), Pause> {
        // Before anything is looked at: whatever handles do from here on wakes this task again.
        self.drive(|state| store(&mut state.driver, cx.waker()))?;
        for _ in 0..TURNS {
            let read_all = self.read(cx)?;
            let wrote_all = self.write(cx)?;
            if self.drive(|state| state.close_requested)? {
                let farewell = Some(close_frame(websocket::code::NORMAL, ""));
                return Err(Pause::End(Fault {
                    closed: Closed::Local,
                    farewell,
                }));
            }
            let timer_set = self.keep_time(cx)?;
            if read_all && wrote_all && timer_set {
                return Ok(());
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Returns whether there is nothing more to read now.
    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, Pause> {
        let early = std::mem::take(&mut self.early);
        if !early.is_empty() {
            self.receive(early)?;
        }
        for _ in 0..TURN_MESSAGES {
            // What may pause, asks for its turn anew.
            if self.socket.is_webtunnel() && self.drive(|state| state.mux.is_paused())? {
                return Ok(true);
            }
            match self.socket.poll_receive(cx) {
                Poll::Pending => return Ok(true),
                Poll::Ready(Err(fault)) => return Err(fault.into()),
                Poll::Ready(Ok(Received::Message(message))) => self.receive(message)?,
                Poll::Ready(Ok(Received::Control)) => {
                    // A pong may wait to be sent.
                    self.unflushed = true;
                    let now = self.shared.now();
                    self.drive(|state| state.mux.handle_socket_control(now))?
                        .map_err(|error| Fault::protocol(&error))?;
                }
            }
        }
        Ok(false)
    }

    fn receive(&mut self, message: Bytes) -> Result<(), Pause> {
        let now = self.shared.now();
        self.note_size(message.len());
        self.drive(|state| {
            state.bytes_received += message.len() as u64;
            state.mux.handle_message(now, message)
        })?
        .map_err(|error| Fault::protocol(&error).into())
    }

    /// Returns whether there is nothing more to write now, or the socket takes no more.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<bool, Pause> {
        let mut sent = 0;
        while self.socket.poll_ready(cx)?.is_ready() {
            let now = self.report_sent()?;
            let Some(outgoing) = self.drive(|state| {
                let outgoing = state.mux.poll_transmit(now)?;
                let (Outgoing::Message(bytes) | Outgoing::Ping(bytes)) = &outgoing;
                state.bytes_sent += bytes.len() as u64;
                Some(outgoing)
            })?
            else {
                break;
            };
            match outgoing {
                Outgoing::Message(message) => {
                    self.note_size(message.len());
                    self.socket.start_send(message);
                }
                Outgoing::Ping(payload) => self.socket.start_ping(payload),
            }
            self.unflushed = true;
            sent += 1;
            if sent == TURN_MESSAGES {
                break;
            }
        }
        if self.unflushed && self.socket.poll_flush(cx)?.is_ready() {
            self.unflushed = false;
        }
        self.report_sent()?;
        if !self.unflushed {
            self.stalled_since = None;
        } else if self.stalled_since.is_none() {
            self.stalled_since = Some(Instant::now());
        }
        Ok(self.unflushed || !self.drive(|state| state.mux.wants_transmit())?)
    }

    /// Tells the multiplexer what is gone.
    fn report_sent(&mut self) -> Result<crate::mux::Time, Pause> {
        let now = self.shared.now();
        let (taken_bytes, gone_bytes) = (self.socket.written_bytes(), self.socket.flushed_bytes());
        let gone = gone_bytes - self.reported_bytes;
        if gone > 0 || taken_bytes > self.taken_bytes {
            self.taken_bytes = taken_bytes;
            self.stalled_since = None;
        }
        if gone > 0 {
            self.reported_bytes = gone_bytes;
            self.drive(|state| state.mux.handle_sent(now, gone))?;
        }
        Ok(now)
    }

    /// Works on the tunnel, unless a later connection has taken over.
    fn drive<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, Pause> {
        self.shared
            .drive(|state| (state.generation == self.generation).then(|| work(state)))
            .ok_or(Pause::Detached)
    }

    fn note_size(&mut self, message_bytes: usize) {
        if message_bytes > self.socket.large_message_bytes() {
            self.large_since = true;
            if self.shrink_at.is_none() {
                self.shrink_at = Some(Instant::now() + SHRINK_AFTER);
            }
        }
    }

    /// Whether it is time to give back what large messages have left behind.
    fn may_shrink(&mut self) -> bool {
        let now = Instant::now();
        if self.shrink_at.is_none_or(|at| now < at) {
            return false;
        }
        let idle = !std::mem::take(&mut self.large_since);
        self.shrink_at = (!idle).then(|| now + SHRINK_AFTER);
        idle
    }

    /// Does what is due. Returns whether the timer now waits for what is due next.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> Result<bool, Pause> {
        let stalled = self.stalled_since.map(|since| since + WRITE_TIMEOUT);
        if stalled.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(Fault::silent(Closed::Dead).into());
        }
        if self.may_shrink() {
            self.socket.shrink();
            self.drive(State::shrink)?;
        }
        let timeout = self.drive(|state| state.mux.next_timeout())?;
        let timeout = timeout.map(|time| self.shared.instant(time));
        let Some(deadline) = [stalled, self.shrink_at, timeout]
            .into_iter()
            .flatten()
            .min()
        else {
            return Ok(true);
        };
        // A later deadline is not worth moving the timer for: it fires early and is set anew.
        if self.timer.is_elapsed() || deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        if self.timer.as_mut().poll(cx).is_pending() {
            return Ok(true);
        }
        let now = self.shared.now();
        let dead = self.drive(|state| {
            state.mux.handle_timeout(now);
            state.mux.is_dead()
        })?;
        if dead {
            return Err(Fault::silent(Closed::Dead).into());
        }
        Ok(false)
    }
}

/// Dropped in the middle, the tunnel has ended by the will of this end. The peer must not take that
/// for a lost connection and wait for another.
struct Running<'a, S: AsyncRead + AsyncWrite + Unpin + Send> {
    connection: &'a mut Connection<S>,
    is_over: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Drop for Running<'_, S> {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.socket.leave();
        }
    }
}
