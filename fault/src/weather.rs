//! What holds for every connection now, and what was done to them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::{Command, Counts};

/// A way through the proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the server.
    Up,
    /// From the server.
    Down,
}

/// A count of how often something was asked for: a connection does it once for each, and what was
/// asked for before it began is not its business.
pub(crate) type Generation = u64;

#[derive(Clone, Debug, Default)]
pub(crate) struct Weather {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    pub(crate) rate_bytes_per_s: Option<u64>,
    /// Bytes leave only at multiples of this.
    pub(crate) burst_every: Option<Duration>,
    pub(crate) stalls: bool,
    pub(crate) refuses: bool,
    /// After so many bytes one way; counted from the generation beside it.
    pub(crate) ends_after: Option<EndsAfter>,
    pub(crate) cuts: Generation,
    pub(crate) losses: Generation,
    pub(crate) half_closes_up: Generation,
    pub(crate) half_closes_down: Generation,
}

/// An end in the middle of something.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndsAfter {
    pub(crate) bytes: u64,
    pub(crate) generation: Generation,
    /// With FIN, as a peer that ends well; otherwise by RST.
    pub(crate) cleanly: bool,
}

impl Weather {
    pub(crate) fn apply(&mut self, command: Command) {
        match command {
            Command::Delay(delay) => self.delay = delay,
            Command::Jitter(jitter) => self.jitter = jitter,
            Command::Rate { bytes_per_s } => self.rate_bytes_per_s = Some(bytes_per_s.max(1)),
            Command::Buffer(every) => self.burst_every = (!every.is_zero()).then_some(every),
            Command::Stall => self.stalls = true,
            Command::Lose => self.losses += 1,
            Command::Cut => self.cuts += 1,
            Command::HalfClose(Direction::Up) => self.half_closes_up += 1,
            Command::HalfClose(Direction::Down) => self.half_closes_down += 1,
            Command::CutAfter { bytes } => self.end_after(bytes, false),
            Command::FinAfter { bytes } => self.end_after(bytes, true),
            Command::Refuse => self.refuses = true,
            // What was asked for once stays done.
            Command::Normal => {
                *self = Self {
                    cuts: self.cuts,
                    losses: self.losses,
                    half_closes_up: self.half_closes_up,
                    half_closes_down: self.half_closes_down,
                    ..Self::default()
                }
            }
        }
    }

    fn end_after(&mut self, bytes: u64, cleanly: bool) {
        let generation = self.ends_after.map_or(1, |last| last.generation + 1);
        self.ends_after = Some(EndsAfter {
            bytes,
            generation,
            cleanly,
        });
    }

    pub(crate) fn half_closes(&self, direction: Direction) -> Generation {
        match direction {
            Direction::Up => self.half_closes_up,
            Direction::Down => self.half_closes_down,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) accepted: AtomicU64,
    pub(crate) live: AtomicU64,
    pub(crate) cut: AtomicU64,
    pub(crate) up_bytes: AtomicU64,
    pub(crate) down_bytes: AtomicU64,
}

impl Totals {
    pub(crate) fn bytes(&self, direction: Direction) -> &AtomicU64 {
        match direction {
            Direction::Up => &self.up_bytes,
            Direction::Down => &self.down_bytes,
        }
    }

    pub(crate) fn counts(&self) -> Counts {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.accepted),
            live: read(&self.live),
            cut: read(&self.cut),
            up_bytes: read(&self.up_bytes),
            down_bytes: read(&self.down_bytes),
        }
    }
}
