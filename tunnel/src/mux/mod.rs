//! The multiplexer: many streams over one ordered pipe of messages, as pure computation.
//!
//! It knows no socket, no clock, no runtime. Every method is one of four kinds:
//!
//! - **in**: [`Mux::handle_message`], [`Mux::handle_sent`], [`Mux::handle_timeout`]: what the
//!   network and the clock did;
//! - **commands** of whoever owns a stream: `open`, `accept`, `write`, `read`, `finish`, …;
//! - **out**: [`Mux::poll_event`], [`Mux::poll_transmit`], [`Mux::next_timeout`]: what is to be
//!   done. After anything of the first two kinds, drain all three;
//! - plain questions.
//!
//! The HELLOs are over when a `Mux` is made: it begins with what they agreed on.

mod budget;
mod chunks;
mod command;
mod config;
mod error;
mod flow;
mod liveness;
mod pace;
mod rate;
mod receive;
mod received;
mod replay;
mod resume;
mod scheduler;
mod stream;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod transmit;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use self::flow::Window;
use self::liveness::{Liveness, Verdict};
use self::pace::Pace;
use self::rate::Caps;
use self::received::Received;
use self::replay::Replay;
use self::scheduler::{Control, Scheduler};
use self::stream::{Origin, Stream};
use self::table::Table;
use crate::wire::{Frame, GoAway, Target, Windows};

pub use self::budget::Budget;
pub(crate) use self::budget::Ledger;
pub(crate) use self::chunks::Chunks;
pub use self::command::{Read, Transferred};
pub use self::config::Config;
pub use self::error::{OpenError, ProtocolError, ResumeError, StreamError};
pub use self::table::Role;
pub use self::time::Time;

/// A stream, for as long as its tunnel lives; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub(crate) u32);

impl StreamId {
    /// The one stream of [`Mux::for_stream`].
    pub const ONLY: Self = Self(1);
}

/// What happened, for whoever owns the streams.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The peer opened a stream; it must be accepted, rejected or released.
    Incoming(StreamId, Target),
    /// The peer accepted a stream.
    Accepted(StreamId),
    /// There is something to read: bytes or the end.
    Readable(StreamId),
    /// There is room to write again, or FIN went out.
    Writable(StreamId),
    /// Both directions have ended, cleanly or not.
    Ended(StreamId),
    /// The peer said that it opens nothing new.
    GoAway(GoAway),
    /// [`Mux::is_doubtful`] is true from now on.
    Doubtful,
}

/// One end of a tunnel.
#[derive(Debug)]
pub struct Mux {
    table: Table,
    scheduler: Scheduler,
    events: VecDeque<Event>,
    ledger: Ledger,
    caps: Caps,
    liveness: Liveness,
    pace: Pace,
    /// What this end grants.
    local: Windows,
    /// What the other end grants.
    peer: Windows,
    max_window_bytes: u64,
    received: Received,
    replay: Replay,
    /// The connection is lost, and another is waited for.
    suspended: bool,
    /// This end has said GOAWAY.
    draining: bool,
    peer_draining: bool,
    closed: bool,
    dead: bool,
}

impl Mux {
    /// An end after its HELLOs, which said what `local` and `peer` grant. `seed` spreads
    /// keepalives and may be anything that differs from tunnel to tunnel.
    #[must_use]
    pub fn new(
        role: Role,
        config: &Config,
        local: Windows,
        peer: Windows,
        now: Time,
        seed: u64,
    ) -> Self {
        let mut liveness = Liveness::new(config, now, seed);
        let mut scheduler = Scheduler::default();
        // Windows grow by the round trip: know it before the first bytes come.
        if let Some(ping) = liveness.probe(now) {
            scheduler.push(Control::Ping(ping));
        }
        // Either both keep what the other may have missed, or nobody resumes.
        let resumable = local.replay > 0 && peer.replay > 0;
        let replay = |bytes| if resumable { u64::from(bytes) } else { 0 };
        Self {
            table: Table::new(role),
            scheduler,
            events: VecDeque::new(),
            ledger: Ledger::new(config.tunnel_budget_bytes, config.process_budget.clone()),
            caps: Caps::new(config.opens_per_second, local.max_streams),
            liveness,
            pace: Pace::new(),
            local,
            peer,
            max_window_bytes: config.max_window_bytes,
            received: Received::new(replay(peer.replay)),
            replay: Replay::new(replay(local.replay)),
            suspended: false,
            draining: false,
            peer_draining: false,
            closed: false,
            dead: false,
        }
    }

    /// An end of a connection that carries one stream, [`StreamId::ONLY`], which the upgrade has
    /// opened already (`adit.stream.v1`): the client may write to it, the server must accept or
    /// reject it. Whoever opens another is refused.
    ///
    /// # Errors
    /// [`OpenError::Busy`]: a budget is used up.
    pub fn for_stream(
        role: Role,
        config: &Config,
        local: Windows,
        peer: Windows,
        now: Time,
        seed: u64,
    ) -> Result<Self, OpenError> {
        let with_room = |windows, streams| Windows {
            max_streams: streams,
            max_pending: streams,
            ..windows
        };
        let (origin, room) = match role {
            Role::Odd => (Origin::Local, 0),
            Role::Even => (Origin::Remote, 1),
        };
        let (local, peer) = (with_room(local, room), with_room(peer, 0));
        let mut mux = Self::new(role, config, local, peer, now, seed);
        let initial = u64::from(local.initial);
        if !mux.ledger.charge(initial) {
            return Err(OpenError::Busy);
        }
        mux.table.take_first(origin);
        let window = Window::new(initial, now);
        let stream = Stream::new(origin, peer.initial.into(), window);
        mux.table.insert(StreamId::ONLY.0, stream);
        mux.settle(StreamId::ONLY.0);
        Ok(mux)
    }

    /// A message came.
    ///
    /// # Errors
    /// [`ProtocolError`]: the tunnel must be closed; nothing after the fault was looked at.
    pub fn handle_message(&mut self, now: Time, message: Bytes) -> Result<(), ProtocolError> {
        if self.closed || self.suspended {
            return Ok(());
        }
        self.liveness.heard(now);
        let mut rest = message;
        while let Some(taken) = Frame::take(&mut rest)? {
            if taken.is_counted {
                self.received.count(taken.bytes, now);
            }
            if let Some(frame) = taken.frame {
                self.handle_frame(now, frame)?;
            }
        }
        if self.replay.is_overfull() {
            return Err(ProtocolError::Unacknowledged);
        }
        Ok(())
    }

    /// A ping or pong of the layer below came: a sign of life, and capped as our own.
    ///
    /// # Errors
    /// [`ProtocolError::Flood`]
    pub fn handle_socket_control(&mut self, now: Time) -> Result<(), ProtocolError> {
        self.liveness.heard(now);
        self.caps.ping(now)
    }

    /// So many of the bytes of [`Self::poll_transmit`] have left for the network.
    pub fn handle_sent(&mut self, now: Time, bytes: u64) {
        self.pace.sent(bytes, now);
    }

    /// The time of [`Self::next_timeout`] has come. Hand in all that was received before.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.closed {
            return;
        }
        if self.suspended {
            self.expire_opens(now);
            return;
        }
        self.received.check(now);
        match self.liveness.check(now, self.table.live_count() > 0) {
            Verdict::Nothing => {}
            Verdict::Ping(opaque) => self.scheduler.push_first(Control::Ping(opaque)),
            Verdict::Doubt => self.events.push_back(Event::Doubtful),
            Verdict::Dead => self.dead = true,
        }
    }

    /// Asks at once whether the peer is there, as after a long silence: the way to it may have
    /// changed. While such a question is out it does nothing.
    pub fn ask(&mut self, now: Time) {
        if self.closed || self.suspended {
            return;
        }
        if let Some(opaque) = self.liveness.ask(now) {
            self.scheduler.push_first(Control::Ping(opaque));
        }
    }

    /// When to call [`Self::handle_timeout`]; `None` when never again.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        if self.closed || self.dead {
            return None;
        }
        if self.suspended {
            return self.open_deadline();
        }
        let silence = self.liveness.deadline(self.table.live_count() > 0);
        Some(
            self.received
                .deadline()
                .map_or(silence, |ack| ack.min(silence)),
        )
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 64 {
            self.events = VecDeque::new();
        }
        event
    }

    /// The tunnel has ended: all streams end with [`StreamError::TunnelLost`], except that what
    /// came before a FIN may still be read.
    pub fn close(&mut self) {
        self.closed = true;
        self.scheduler.clear();
        self.replay.clear(&mut self.ledger);
        for id in self.table.ids() {
            if let Some(stream) = self.table.stream(id) {
                stream.cut(StreamError::TunnelLost);
                self.settle(id);
            }
        }
    }

    /// Whether the peer does not answer. Nothing can be done with the tunnel but to close it.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// Gives back the memory that more streams than now have needed.
    pub fn shrink(&mut self) {
        self.table.shrink();
        self.scheduler.shrink();
        self.replay.shrink();
    }

    /// Streams that are not over for both ends.
    #[must_use]
    pub fn live_streams(&self) -> u32 {
        self.table.live_count()
    }

    /// How long nothing at all has come.
    #[must_use]
    pub fn silent_for(&self, now: Time) -> Duration {
        self.liveness.silent_for(now)
    }

    /// Whether a PING has not been answered for 5 s while a stream was open, nor anything else come
    /// since: sooner than the peer counts as dead, and perhaps wrong.
    #[must_use]
    pub fn is_doubtful(&self) -> bool {
        self.liveness.is_doubtful()
    }

    /// The round-trip time: the minimum of the last 10 s.
    #[must_use]
    pub fn rtt(&self) -> Option<Duration> {
        self.liveness.rtt()
    }

    /// Credit that is out and was not read, and what is kept for sending again: what this tunnel
    /// may cost in memory.
    #[must_use]
    pub fn budget_used_bytes(&self) -> u64 {
        self.ledger.used_bytes()
    }

    /// After any change of a stream's state.
    fn settle(&mut self, id: u32) {
        if self.table.settle(id, &mut self.ledger) {
            self.events.push_back(Event::Ended(StreamId(id)));
        }
    }

    /// Several in a row are one event.
    fn readable(&mut self, id: u32) {
        let event = Event::Readable(StreamId(id));
        if self.events.back() != Some(&event) {
            self.events.push_back(event);
        }
    }
}
