//! A server and an agent with a simulated network between them.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use crate::mux::{
    Budget, Config, Event, Mux, ProtocolError, Read, Role, StreamError, StreamId, Time,
};
use crate::wire::{Target, Windows};

pub(super) const SERVER: usize = 0;
pub(super) const AGENT: usize = 1;

/// What lies between the ends, the same both ways.
#[derive(Clone, Copy, Debug)]
pub(super) struct Path {
    /// One way.
    pub(super) latency: Duration,
    pub(super) bytes_per_second: u64,
}

impl Path {
    pub(super) fn new(latency_ms: u64, bytes_per_second: u64) -> Self {
        Self {
            latency: Duration::from_millis(latency_ms),
            bytes_per_second,
        }
    }
}

/// One end, and what is on its way from it.
pub(super) struct Side {
    pub(super) mux: Mux,
    pub(super) process_budget: Budget,
    pub(super) events: VecDeque<Event>,
    pub(super) error: Option<ProtocolError>,
    /// When how many bytes will have left the socket.
    leaving: VecDeque<(Time, u64)>,
    flying: VecDeque<(Time, Bytes)>,
    busy_until: Time,
}

pub(super) struct Pair {
    pub(super) now: Time,
    pub(super) sides: [Side; 2],
    path: Path,
    /// Nothing arrives any more.
    pub(super) is_cut: bool,
}

impl Pair {
    pub(super) fn new(path: Path) -> Self {
        let windows = Windows {
            replay: 4 << 20,
            ..Windows::default()
        };
        Self::with(path, windows, 32 << 20)
    }

    pub(super) fn with(path: Path, windows: Windows, tunnel_budget_bytes: u64) -> Self {
        let side = |role| {
            let process_budget = Budget::new(256 << 20);
            let config = Config {
                tunnel_budget_bytes,
                process_budget: process_budget.clone(),
                ..Config::default()
            };
            Side {
                mux: Mux::new(role, &config, windows, windows, Time::START, 7),
                process_budget,
                events: VecDeque::new(),
                error: None,
                leaving: VecDeque::new(),
                flying: VecDeque::new(),
                busy_until: Time::START,
            }
        };
        let sides = [side(Role::Odd), side(Role::Even)];
        Self {
            now: Time::START,
            sides,
            path,
            is_cut: false,
        }
    }

    /// Does what is due now; where nothing is, goes on to when something will be. `false` when
    /// that is after `until`.
    pub(super) fn step(&mut self, until: Time) -> bool {
        if self.pump() {
            return true;
        }
        let next = self.sides.iter().filter_map(|side| side.next()).min();
        match next {
            Some(next) if next <= until => {
                self.now = self.now.max(next);
                true
            }
            _ => {
                self.now = self.now.max(until);
                false
            }
        }
    }

    /// Runs with owners of streams that do something whenever anything may have changed.
    pub(super) fn run_with(&mut self, duration: Duration, mut owners: impl FnMut(&mut Self)) {
        let until = self.now + duration;
        loop {
            owners(self);
            if !self.step(until) {
                return;
            }
        }
    }

    pub(super) fn run_for(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.step(until) {}
    }

    /// A stream that `from` opened and the other end accepted.
    pub(super) fn stream(&mut self, from: usize) -> (StreamId, StreamId) {
        let now = self.now;
        let target = Target::Service("web".into());
        let near = self.sides[from]
            .mux
            .open(now, &target)
            .expect("room for a stream");
        self.run_for(self.path.latency * 2 + Duration::from_millis(100));
        let far = self.incoming(1 - from).expect("an OPEN came");
        self.sides[1 - from].mux.accept(far);
        self.run_for(self.path.latency * 2 + Duration::from_millis(100));
        (near, far)
    }

    /// The connection ends: of what is on its way from each side so many messages still arrive.
    pub(super) fn lose(&mut self, arriving: [usize; 2]) {
        for from in [SERVER, AGENT] {
            let mut flying = std::mem::take(&mut self.sides[from].flying);
            flying.truncate(arriving[from]);
            let to = &mut self.sides[1 - from];
            for (_, message) in flying {
                if to.error.is_none() {
                    to.error = to.mux.handle_message(self.now, message).err();
                }
            }
        }
        for side in &mut self.sides {
            side.mux.suspend(self.now);
            side.leaving.clear();
        }
    }

    /// One side has lost the connection, the other writes on into nothing.
    pub(super) fn lose_at(&mut self, side: usize) {
        self.sides[1 - side].flying.clear();
        self.sides[side].flying.clear();
        self.sides[side].mux.suspend(self.now);
        self.sides[side].leaving.clear();
    }

    /// A new connection, whose HELLOs tell each side what the other has received.
    pub(super) fn rejoin(&mut self) {
        for side in &mut self.sides {
            side.mux.suspend(self.now);
            side.flying.clear();
            side.leaving.clear();
            side.busy_until = self.now;
        }
        let received = [SERVER, AGENT].map(|side| self.sides[side].mux.received());
        for side in [SERVER, AGENT] {
            let resumed = self.sides[side].mux.resume(self.now, received[1 - side]);
            assert_eq!(resumed, Ok(()), "an honest peer");
        }
    }

    /// The next stream that came; events before it are dropped.
    pub(super) fn incoming(&mut self, side: usize) -> Option<StreamId> {
        while let Some(event) = self.sides[side].events.pop_front() {
            if let Event::Incoming(id, _) = event {
                return Some(id);
            }
        }
        None
    }

    /// Reads until there is nothing more now. Returns the bytes, and whether they ended.
    pub(super) fn read(
        &mut self,
        side: usize,
        id: StreamId,
    ) -> (Vec<u8>, Option<Result<(), StreamError>>) {
        let mut bytes = Vec::new();
        loop {
            match self.sides[side].mux.read(self.now, id, 64 * 1024) {
                Ok(Read::Bytes(more)) => bytes.extend_from_slice(&more),
                Ok(Read::Blocked) => return (bytes, None),
                Ok(Read::End) => return (bytes, Some(Ok(()))),
                Err(error) => return (bytes, Some(Err(error))),
            }
        }
    }

    fn pump(&mut self) -> bool {
        let mut busy = false;
        for from in [SERVER, AGENT] {
            while let Some(message) = self.sides[from].arrived(self.now) {
                busy = true;
                let to = &mut self.sides[1 - from];
                if !self.is_cut && to.error.is_none() {
                    to.error = to.mux.handle_message(self.now, message).err();
                }
            }
            let side = &mut self.sides[from];
            busy |= side.send(self.now, self.path);
            if side.mux.next_timeout().is_some_and(|at| at <= self.now) {
                side.mux.handle_timeout(self.now);
                busy = true;
            }
            while let Some(event) = side.mux.poll_event() {
                side.events.push_back(event);
                busy = true;
            }
        }
        busy
    }
}

impl Side {
    fn arrived(&mut self, now: Time) -> Option<Bytes> {
        let (at, _) = self.flying.front()?;
        if *at > now {
            return None;
        }
        self.flying.pop_front().map(|(_, message)| message)
    }

    fn send(&mut self, now: Time, path: Path) -> bool {
        let mut busy = false;
        while let Some((at, bytes)) = self.leaving.front().copied()
            && at <= now
        {
            self.leaving.pop_front();
            self.mux.handle_sent(now, bytes);
            busy = true;
        }
        while let Some(message) = self.mux.poll_transmit(now) {
            let mut at = self.busy_until.max(now);
            // A socket takes what the path takes: in packets.
            for packet in message.chunks(1400) {
                let nanos = packet.len() as u64 * 1_000_000_000 / path.bytes_per_second;
                at = at + Duration::from_nanos(nanos);
                self.leaving.push_back((at, packet.len() as u64));
            }
            self.busy_until = at;
            self.flying.push_back((at + path.latency, message));
            busy = true;
        }
        busy
    }

    fn next(&self) -> Option<Time> {
        let leaving = self.leaving.front().map(|(at, _)| *at);
        let flying = self.flying.front().map(|(at, _)| *at);
        [leaving, flying, self.mux.next_timeout()]
            .into_iter()
            .flatten()
            .min()
    }
}
