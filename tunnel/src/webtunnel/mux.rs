//! The multiplexer as a whole: its parts, its clock, what ends a channel.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::channel::{Channel, Half};
use super::error::Fault;
use super::ids::{Ids, REST_AFTER_BOTH, REST_AFTER_OURS};
use super::message::Message;
use super::pause::Pause;
use super::properties::Property;
use super::rouse::Rouse;
use crate::mux::{Budget, Event, Ledger, OpenError, StreamError, StreamId, Time};
use crate::wire::Code;

/// An agent gives a device 10 s to answer, or what it was configured with.
const OPEN_PATIENCE: Duration = Duration::from_secs(15);
/// An agent whose device said CLOSE forgets the channel after 2 s, without a word. Before that
/// this end says CLOSE too.
const CLOSE_PATIENCE: Duration = Duration::from_millis(1500);
/// On top of two keep-alive times.
const SILENCE_MARGIN: Duration = Duration::from_secs(10);
/// What a channel costs beside its queues.
pub(super) const CHANNEL_COST_BYTES: u64 = 1024;

/// Settings of one tunnel.
#[derive(Clone, Debug)]
pub struct Config {
    /// After so much silence the agent sends a PING.
    pub keep_alive: Duration,
    /// What its queues may hold together; above it no channel is opened.
    pub queues_bytes: u64,
    /// The budget that all tunnels share.
    pub process_budget: Budget,
}

impl Config {
    /// What a tunnel begins with: queues of 8 MiB.
    #[must_use]
    pub const fn new(keep_alive: Duration, process_budget: Budget) -> Self {
        Self {
            keep_alive,
            queues_bytes: 8 << 20,
            process_budget,
        }
    }
}

/// The server's end of a WebTunnel. As [`crate::mux::Mux`], whose methods it has; see there.
#[derive(Debug)]
pub struct Mux {
    pub(super) channels: HashMap<StreamId, Channel>,
    /// The channels that the agent may know.
    pub(super) by_id: HashMap<u16, StreamId>,
    pub(super) ids: Ids,
    pub(super) last_stream: u32,
    pub(super) live: u32,
    pub(super) unconfirmed: u32,
    /// What is no DATA, in its order.
    pub(super) control: VecDeque<Message>,
    /// The channels that have something to send, in turn.
    pub(super) round: VecDeque<StreamId>,
    pub(super) events: VecDeque<Event>,
    pub(super) properties: Option<Vec<Property>>,
    pub(super) ledger: Ledger,
    pub(super) outbox_bytes: usize,
    pub(super) pause: Pause,
    pub(super) rouse: Rouse,
    keep_alive: Duration,
    pub(super) heard_at: Time,
    /// Opens that wait for their answer, and what the device has ended: each in the order of time.
    pub(super) opening: VecDeque<(Time, StreamId)>,
    pub(super) closing: VecDeque<(Time, StreamId)>,
    pub(super) draining: bool,
    pub(super) closed: bool,
    dead: bool,
}

impl Mux {
    /// The server's end, right after the 101.
    #[must_use]
    pub fn new(config: &Config, now: Time) -> Self {
        Self {
            channels: HashMap::new(),
            by_id: HashMap::new(),
            ids: Ids::default(),
            last_stream: 0,
            live: 0,
            unconfirmed: 0,
            control: VecDeque::new(),
            round: VecDeque::new(),
            events: VecDeque::new(),
            properties: None,
            ledger: Ledger::new(config.queues_bytes, config.process_budget.clone()),
            outbox_bytes: 0,
            pause: Pause::new(config.queues_bytes, config.keep_alive),
            rouse: Rouse::new(now),
            keep_alive: config.keep_alive,
            heard_at: now,
            opening: VecDeque::new(),
            closing: VecDeque::new(),
            draining: false,
            closed: false,
            dead: false,
        }
    }

    /// The time of [`Self::next_timeout`] has come. Hand in all that was received before.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.closed {
            return;
        }
        self.rouse.check(now);
        self.ids.wake(now);
        while let Some(stream) = due(&mut self.opening, now) {
            self.give_up(stream);
        }
        while let Some(stream) = due(&mut self.closing, now) {
            self.shut(stream);
        }
        self.judge(now);
        self.pause.check(now);
        // While the socket is not read, nothing can be heard.
        if self.is_paused() || std::mem::take(&mut self.pause.unheard) {
            self.heard_at = now;
        } else if now >= self.silence_ends() {
            self.dead = true;
        }
    }

    /// When to call [`Self::handle_timeout`]; `None` when never again.
    #[must_use]
    pub fn next_timeout(&self) -> Option<Time> {
        if self.closed || self.dead {
            return None;
        }
        let first = |queue: &VecDeque<(Time, StreamId)>| queue.front().map(|(at, _)| *at);
        let silence = (!self.is_paused()).then(|| self.silence_ends());
        [
            self.rouse.deadline(),
            first(&self.opening),
            first(&self.closing),
            self.pause.deadline(),
            silence,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn silence_ends(&self) -> Time {
        self.heard_at + self.keep_alive * 2 + SILENCE_MARGIN
    }

    /// The next thing that happened.
    pub fn poll_event(&mut self) -> Option<Event> {
        let event = self.events.pop_front();
        if self.events.is_empty() && self.events.capacity() > 64 {
            self.events = VecDeque::new();
        }
        event
    }

    /// The newest set of properties that came and was not taken yet.
    pub fn poll_properties(&mut self) -> Option<Vec<Property>> {
        self.properties.take()
    }

    /// The tunnel has ended: all channels end with [`StreamError::TunnelLost`], except that what
    /// came may still be read.
    pub fn close(&mut self) {
        self.closed = true;
        self.control.clear();
        self.round.clear();
        self.opening.clear();
        self.closing.clear();
        let streams: Vec<StreamId> = self.channels.keys().copied().collect();
        for stream in streams {
            self.end(stream, StreamError::TunnelLost);
        }
    }

    /// Nothing new is opened from now on. The agent is not told: there is no word for it.
    pub fn go_away(&mut self) {
        self.draining = true;
    }

    /// Whether the agent was silent for too long.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead
    }

    /// Channels that have not ended.
    #[must_use]
    pub const fn live_streams(&self) -> u32 {
        self.live
    }

    /// What the queues hold.
    #[must_use]
    pub fn budget_used_bytes(&self) -> u64 {
        self.ledger.used_bytes()
    }

    /// Gives back the memory that more channels than now have needed.
    pub fn shrink(&mut self) {
        self.channels.shrink_to_fit();
        self.by_id.shrink_to_fit();
        self.control.shrink_to_fit();
        self.round.shrink_to_fit();
        self.opening.shrink_to_fit();
        self.closing.shrink_to_fit();
    }

    /// An open that nobody answered.
    fn give_up(&mut self, stream: StreamId) {
        let waits = self
            .channels
            .get(&stream)
            .is_some_and(|channel| !channel.confirmed && channel.is_live());
        if waits {
            self.forget_at_agent(stream, Fault::TimedOut);
            let error = OpenError::Rejected {
                code: Code::TimedOut,
                text: "the agent did not answer".into(),
            };
            self.end(stream, StreamError::Open(error));
        }
    }

    /// The device has ended its side a while ago: ends ours, before the agent forgets the channel.
    fn shut(&mut self, stream: StreamId) {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if !matches!(channel.sending, Half::Open | Half::Finishing) {
            return;
        }
        if channel.outbox.is_empty() {
            channel.sending = Half::Shut;
        } else {
            channel.cut(StreamError::Reset {
                code: Code::Broken,
                text: "the device has ended the connection".into(),
            });
        }
        self.control.push_back(Message::Close(channel.id));
        self.by_id.remove(&channel.id);
        self.drop_outbox(stream);
        self.settle(stream);
    }

    /// Cuts a channel, at this end only. What came may still be read.
    pub(super) fn end(&mut self, stream: StreamId, error: StreamError) {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        channel.cut(error);
        if self.by_id.get(&channel.id) == Some(&stream) {
            self.by_id.remove(&channel.id);
        }
        self.drop_outbox(stream);
        self.settle(stream);
    }

    /// Makes the agent drop the channel, if it may know it. ERROR is not answered.
    pub(super) fn forget_at_agent(&mut self, stream: StreamId, fault: Fault) {
        let Some(channel) = self.channels.get(&stream) else {
            return;
        };
        let id = channel.id;
        if self.by_id.get(&id) != Some(&stream) {
            return;
        }
        self.by_id.remove(&id);
        let unsent = self
            .control
            .iter()
            .position(|message| matches!(message, Message::OpenRequest(open, _) if *open == id));
        match unsent {
            Some(place) => {
                self.control.remove(place);
                self.ids.free(id);
            }
            None => self.control.push_back(Message::Error(id, fault)),
        }
    }

    /// After any change of a channel's state.
    pub(super) fn settle(&mut self, stream: StreamId) {
        let Some(channel) = self.channels.get_mut(&stream) else {
            return;
        };
        if channel.is_live() {
            return;
        }
        if channel.counted {
            channel.counted = false;
            self.live -= 1;
            if !channel.confirmed {
                self.unconfirmed -= 1;
            }
            self.events.push_back(Event::Ended(stream));
        }
        // What no more comes for holds nobody up.
        self.not_full(stream);
        let is_over = self
            .channels
            .get(&stream)
            .is_some_and(|channel| !channel.held);
        if is_over {
            self.drop_inbox(stream);
            self.channels.remove(&stream);
            self.ledger.release(CHANNEL_COST_BYTES);
        }
    }

    pub(super) fn drop_outbox(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream) {
            let bytes = std::mem::take(&mut channel.outbox).len();
            self.outbox_bytes -= bytes;
            self.ledger.release(bytes as u64);
        }
    }

    pub(super) fn drop_inbox(&mut self, stream: StreamId) {
        if let Some(channel) = self.channels.get_mut(&stream) {
            let bytes = std::mem::take(&mut channel.inbox_bytes);
            channel.inbox.clear();
            self.pause.taken(bytes);
            self.ledger.release(bytes as u64);
        }
    }

    /// Both sides are done with the id.
    pub(super) fn rest_after_both(&mut self, id: u16, now: Time) {
        self.ids.rest(id, now + REST_AFTER_BOTH);
    }

    /// This side is, and what the agent sent before may still come.
    pub(super) fn rest_after_ours(&mut self, id: u16, now: Time) {
        self.ids.rest(id, now + REST_AFTER_OURS);
    }
}

fn due(queue: &mut VecDeque<(Time, StreamId)>, now: Time) -> Option<StreamId> {
    let (at, stream) = queue.front().copied()?;
    if at > now {
        return None;
    }
    queue.pop_front();
    Some(stream)
}

pub(super) fn open_deadline(now: Time) -> Time {
    now + OPEN_PATIENCE
}

pub(super) fn close_deadline(now: Time) -> Time {
    now + CLOSE_PATIENCE
}
