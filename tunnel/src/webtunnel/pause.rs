//! Full queues. There is no credit: what an agent sends too fast is held back by not reading its
//! socket, and that holds up all its channels. So a channel that nobody reads is not waited for
//! when others are there.

use std::collections::VecDeque;
use std::time::Duration;

use super::channel::{Channel, Half};
use super::error::Fault;
use super::mux::Mux;
use crate::mux::{StreamError, StreamId, Time};
use crate::wire::Code;

/// From here on a channel holds the socket back, until it is a quarter below.
pub(super) const INBOX_BYTES: usize = 1 << 20;
/// How long a full channel is watched.
const WATCH: Duration = Duration::from_secs(10);
/// What it must have drained by then.
const LEAST_DRAINED_BYTES: usize = 64 << 10;

/// Why the socket is not read, and until when that may go on.
#[derive(Debug)]
pub(super) struct Pause {
    /// For all inboxes together.
    limit_bytes: u64,
    held_bytes: u64,
    /// They hold too much together.
    is_full: bool,
    full_channels: usize,
    /// In the order of time; those that are watched no more are skipped.
    watched: VecDeque<(Time, StreamId)>,
    /// An agent that hears nothing asks, and is not heard while its socket is not read. So it is
    /// sent something this often.
    ping_every: Duration,
    ping_at: Option<Time>,
    ping_due: bool,
    /// What [`Mux::take_relieved`] saw last.
    was_on: bool,
    /// Nothing could be heard for a while.
    pub(super) unheard: bool,
}

impl Pause {
    pub(super) fn new(limit_bytes: u64, keep_alive: Duration) -> Self {
        Self {
            limit_bytes,
            held_bytes: 0,
            is_full: false,
            full_channels: 0,
            watched: VecDeque::new(),
            ping_every: keep_alive / 3,
            ping_at: None,
            ping_due: false,
            was_on: false,
            unheard: false,
        }
    }

    const fn is_on(&self) -> bool {
        self.is_full || self.full_channels > 0
    }

    pub(super) const fn wants_ping(&self) -> bool {
        self.ping_due
    }

    pub(super) fn takes_ping(&mut self) -> bool {
        std::mem::take(&mut self.ping_due)
    }

    /// So much is in the inboxes no more.
    pub(super) fn taken(&mut self, bytes: usize) {
        self.held_bytes -= bytes as u64;
        if self.held_bytes <= self.limit_bytes / 4 * 3 {
            self.is_full = false;
        }
    }

    pub(super) fn check(&mut self, now: Time) {
        match self.ping_at {
            Some(_) if !self.is_on() => self.ping_at = None,
            Some(at) if at <= now => {
                self.ping_due = true;
                self.ping_at = Some(now + self.ping_every);
            }
            _ => {}
        }
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        let watched = self.watched.front().map(|(at, _)| *at);
        watched.into_iter().chain(self.ping_at).min()
    }
}

impl Mux {
    /// Whether the socket is not to be read now.
    #[must_use]
    pub const fn is_paused(&self) -> bool {
        self.pause.is_on() && !self.closed
    }

    /// Whether the socket is to be read again, which was paused when this was asked last.
    pub fn take_relieved(&mut self) -> bool {
        let is_on = self.pause.is_on();
        std::mem::replace(&mut self.pause.was_on, is_on) && !is_on
    }

    /// So many bytes went into an inbox.
    pub(super) fn filled(&mut self, now: Time, stream: StreamId, bytes: usize) {
        let was_on = self.pause.is_on();
        self.pause.held_bytes += bytes as u64;
        if let Some(channel) = self.channels.get_mut(&stream)
            && !channel.full
            && channel.inbox_bytes >= INBOX_BYTES
        {
            channel.full = true;
            self.pause.full_channels += 1;
            self.watch(now, stream);
        }
        if !self.pause.is_full && self.pause.held_bytes >= self.pause.limit_bytes {
            self.pause.is_full = true;
            if let Some(largest) = self.largest() {
                self.watch(now, largest);
            }
        }
        if !was_on && self.pause.is_on() {
            self.pause.ping_at = Some(now + self.pause.ping_every);
            self.pause.unheard = true;
        }
    }

    /// So many bytes were read.
    pub(super) fn drained(&mut self, stream: StreamId, bytes: usize) {
        self.pause.taken(bytes);
        let is_below = self
            .channel(stream)
            .is_some_and(|channel| channel.inbox_bytes <= INBOX_BYTES / 4 * 3);
        if is_below {
            self.not_full(stream);
        }
    }

    pub(super) fn not_full(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && std::mem::take(&mut channel.full)
        {
            self.pause.full_channels -= 1;
        }
    }

    fn watch(&mut self, now: Time, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream)
            && channel.watched_since.is_none()
        {
            channel.watched_since = Some(now);
            channel.drained_bytes = 0;
            self.pause.watched.push_back((now + WATCH, stream));
        }
    }

    fn largest(&self) -> Option<StreamId> {
        let largest = |(_, channel): &(&StreamId, &Channel)| channel.inbox_bytes;
        let (stream, _) = self.channels.iter().max_by_key(largest)?;
        Some(*stream)
    }

    /// Cuts channels that hold the others up.
    pub(super) fn judge(&mut self, now: Time) {
        while let Some((at, stream)) = self.pause.watched.front().copied()
            && at <= now
        {
            self.pause.watched.pop_front();
            let largest = self.pause.is_full.then(|| self.largest()).flatten();
            let Some(channel) = self.channels.get_mut(&stream) else {
                continue;
            };
            channel.watched_since = None;
            let holds_up = channel.full || largest == Some(stream);
            let drains = channel.drained_bytes >= LEAST_DRAINED_BYTES;
            let others = self.live - u32::from(channel.is_live());
            if holds_up && !drains && others > 0 {
                self.throw_out(stream);
            } else if holds_up {
                self.watch(now, stream);
            }
        }
        // Whoever is largest now is watched next.
        if self.pause.is_full
            && let Some(largest) = self.largest()
        {
            self.watch(now, largest);
        }
    }

    fn throw_out(&mut self, stream: StreamId) {
        self.forget_at_agent(stream, Fault::TimedOut);
        if let Some(channel) = self.channels.get_mut(&stream) {
            channel.receiving = Half::Cut;
            let error = StreamError::Reset {
                code: Code::TimedOut,
                text: "read too slowly, while others waited".into(),
            };
            channel.error = Some(error.clone());
            self.drop_inbox(stream);
            self.end(stream, error);
        }
    }
}
