//! The two multiplexers that one driver runs, as one.

use std::time::Duration;

use crate::mux::{
    Event, Mux, OpenError, Read, ResumeError, StreamError, StreamId, Time, Transferred,
};
use crate::webtunnel::{self, Outgoing, Property};
use crate::wire::{Code, GoAway, Target};
use bytes::{Buf, Bytes};

/// A multiplexer of one of the two dialects. Boxed, since the ordinary one is small.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every tunnel is of the large one, which would only be one allocation more"
)]
pub(super) enum Dialect {
    Adit(Mux),
    WebTunnel(Box<webtunnel::Mux>),
}

/// The same method of both.
macro_rules! both {
    ($self:expr, $mux:ident => $call:expr) => {
        match $self {
            Self::Adit($mux) => $call,
            Self::WebTunnel($mux) => $call,
        }
    };
}

/// What only the ordinary one has; the other does nothing, or gives this.
macro_rules! adit {
    ($self:expr, $mux:ident => $call:expr, $otherwise:expr) => {
        match $self {
            Self::Adit($mux) => $call,
            Self::WebTunnel(_) => $otherwise,
        }
    };
}

impl Dialect {
    /// The text of an error says how the peer broke the protocol.
    pub(super) fn handle_message(&mut self, now: Time, message: Bytes) -> Result<(), String> {
        match self {
            Self::Adit(mux) => mux
                .handle_message(now, message)
                .map_err(|error| error.to_string()),
            Self::WebTunnel(mux) => mux
                .handle_message(now, &message)
                .map_err(|error| error.to_string()),
        }
    }

    pub(super) fn handle_socket_control(&mut self, now: Time) -> Result<(), String> {
        match self {
            Self::Adit(mux) => mux
                .handle_socket_control(now)
                .map_err(|error| error.to_string()),
            Self::WebTunnel(mux) => {
                mux.handle_socket_control(now);
                Ok(())
            }
        }
    }

    pub(super) fn poll_transmit(&mut self, now: Time) -> Option<Outgoing> {
        match self {
            Self::Adit(mux) => mux.poll_transmit(now).map(Outgoing::Message),
            Self::WebTunnel(mux) => mux.poll_transmit(now),
        }
    }

    pub(super) fn handle_sent(&mut self, now: Time, bytes: u64) {
        adit!(self, mux => mux.handle_sent(now, bytes), ());
    }

    pub(super) fn handle_timeout(&mut self, now: Time) {
        both!(self, mux => mux.handle_timeout(now));
    }

    pub(super) fn next_timeout(&self) -> Option<Time> {
        both!(self, mux => mux.next_timeout())
    }

    pub(super) fn is_dead(&self) -> bool {
        both!(self, mux => mux.is_dead())
    }

    pub(super) fn wants_transmit(&self) -> bool {
        both!(self, mux => mux.wants_transmit())
    }

    /// Whether the socket is not to be read now.
    pub(super) fn is_paused(&self) -> bool {
        match self {
            Self::Adit(_) => false,
            Self::WebTunnel(mux) => mux.is_paused(),
        }
    }

    /// Whether the driver is to look again, though there may be nothing to send.
    pub(super) fn take_relieved(&mut self) -> bool {
        match self {
            // A suspended one may have a new deadline.
            Self::Adit(mux) => mux.is_suspended(),
            Self::WebTunnel(mux) => mux.take_relieved(),
        }
    }

    pub(super) fn poll_event(&mut self) -> Option<Event> {
        both!(self, mux => mux.poll_event())
    }

    pub(super) fn poll_properties(&mut self) -> Option<Vec<Property>> {
        match self {
            Self::Adit(_) => None,
            Self::WebTunnel(mux) => mux.poll_properties(),
        }
    }

    pub(super) fn open(&mut self, now: Time, target: &Target) -> Result<StreamId, OpenError> {
        both!(self, mux => mux.open(now, target))
    }

    pub(super) fn accepted(&self, id: StreamId) -> Option<Result<(), OpenError>> {
        both!(self, mux => mux.accepted(id))
    }

    /// With WebTunnel nobody else opens.
    pub(super) fn accept(&mut self, id: StreamId) {
        adit!(self, mux => mux.accept(id), ());
    }

    pub(super) fn reject(&mut self, id: StreamId, code: Code, text: &str) {
        adit!(self, mux => mux.reject(id, code, text), ());
    }

    pub(super) fn read(
        &mut self,
        now: Time,
        id: StreamId,
        max: usize,
    ) -> Result<Read, StreamError> {
        match self {
            Self::Adit(mux) => mux.read(now, id, max),
            Self::WebTunnel(mux) => mux.read(id, max),
        }
    }

    pub(super) fn write(&mut self, id: StreamId, bytes: &[u8]) -> Result<usize, StreamError> {
        both!(self, mux => mux.write(id, bytes))
    }

    /// Takes what fits off the front of `bytes`.
    pub(super) fn write_bytes(
        &mut self,
        id: StreamId,
        bytes: &mut Bytes,
    ) -> Result<usize, StreamError> {
        match self {
            Self::Adit(mux) => mux.write_bytes(id, bytes),
            Self::WebTunnel(mux) => {
                let written = mux.write(id, bytes)?;
                bytes.advance(written);
                Ok(written)
            }
        }
    }

    pub(super) fn finish(&mut self, id: StreamId) -> Result<bool, StreamError> {
        both!(self, mux => mux.finish(id))
    }

    pub(super) fn reset(&mut self, id: StreamId, code: Code, text: &str) {
        both!(self, mux => mux.reset(id, code, text));
    }

    pub(super) fn release(&mut self, id: StreamId) {
        both!(self, mux => mux.release(id));
    }

    pub(super) fn has_ended(&self, id: StreamId) -> bool {
        both!(self, mux => mux.has_ended(id))
    }

    pub(super) fn transferred(&self, id: StreamId) -> Option<Transferred> {
        both!(self, mux => mux.transferred(id))
    }

    pub(super) fn cut_reason(&self, id: StreamId) -> Option<StreamError> {
        both!(self, mux => mux.cut_reason(id))
    }

    pub(super) fn live_streams(&self) -> u32 {
        both!(self, mux => mux.live_streams())
    }

    pub(super) fn budget_used_bytes(&self) -> u64 {
        both!(self, mux => mux.budget_used_bytes())
    }

    pub(super) fn close(&mut self) {
        both!(self, mux => mux.close());
    }

    pub(super) fn shrink(&mut self) {
        both!(self, mux => mux.shrink());
    }

    pub(super) fn go_away(&mut self, goaway: GoAway) {
        match self {
            Self::Adit(mux) => mux.go_away(goaway),
            Self::WebTunnel(mux) => mux.go_away(),
        }
    }

    /// Nobody pings a WebTunnel agent for a sign of life: it gives none.
    pub(super) fn ask(&mut self, now: Time) {
        adit!(self, mux => mux.ask(now), ());
    }

    pub(super) fn silent_for(&self, now: Time) -> Duration {
        adit!(self, mux => mux.silent_for(now), Duration::ZERO)
    }

    pub(super) fn is_doubtful(&self) -> bool {
        adit!(self, mux => mux.is_doubtful(), false)
    }

    pub(super) fn rtt(&self) -> Option<Duration> {
        adit!(self, mux => mux.rtt(), None)
    }

    /// Whether no stream lives, and the peer has all that was sent where it tells.
    pub(super) fn is_settled(&self) -> bool {
        adit!(self, mux => mux.is_settled(), self.live_streams() == 0)
    }

    // Resumption.

    pub(super) fn is_resumable(&self) -> bool {
        adit!(self, mux => mux.is_resumable(), false)
    }

    pub(super) fn suspend(&mut self, now: Time) {
        adit!(self, mux => mux.suspend(now), ());
    }

    pub(super) fn received(&self) -> u64 {
        adit!(self, mux => mux.received(), 0)
    }

    pub(super) fn acknowledged(&self) -> u64 {
        adit!(self, mux => mux.acknowledged(), 0)
    }

    pub(super) fn check_resume(&self, received: u64) -> Result<(), ResumeError> {
        adit!(self, mux => mux.check_resume(received), Err(ResumeError::Ended))
    }

    pub(super) fn resume(&mut self, now: Time, received: u64) -> Result<(), ResumeError> {
        adit!(self, mux => mux.resume(now, received), Err(ResumeError::Ended))
    }
}
