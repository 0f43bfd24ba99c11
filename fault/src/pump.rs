//! One way of one connection: reads, holds, and writes when the weather lets it.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::weather::{Direction, EndsAfter, Generation, Totals, Weather};

const READ_BYTES: usize = 64 << 10;
/// What one way holds at most. It bounds what a delay lets through: 1.5 s carry 1.4 MB/s.
const HELD_BYTES: usize = 2 << 20;
/// A thin line holds this much time at most, else a router of minutes would be told.
const HELD_OF_RATE: Duration = Duration::from_millis(500);
const SMALLEST_HELD_BYTES: usize = 4 << 10;
/// What a thin line lets through at once.
const RATE_STEP: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The sender ended, and all it had sent was passed on.
    Finished,
    /// By RST, to both ends.
    Cut,
}

/// Bytes with the time at which they may leave; none: the sender's FIN.
struct Held {
    due: Instant,
    bytes: Bytes,
}

pub(crate) struct Pump<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    direction: Direction,
    weather: watch::Receiver<Weather>,
    born: Weather,
    totals: Arc<Totals>,
    random: StdRng,
    began: Instant,
    buffer: BytesMut,
    held: VecDeque<Held>,
    held_bytes: usize,
    /// Of the last that was read: nothing overtakes.
    last_due: Instant,
    /// The rate forbids to write before.
    free_at: Instant,
    /// Bytes until the end, and of which command.
    left: Option<(Generation, u64)>,
    /// Whether the sender ended.
    is_read: bool,
    /// Whether the receiver was told of an end before the sender's; what comes is thrown away.
    is_shut: bool,
}

impl<'a> Pump<'a> {
    pub(crate) fn new(
        from: &'a TcpStream,
        to: &'a TcpStream,
        direction: Direction,
        weather: watch::Receiver<Weather>,
        born: Weather,
        totals: Arc<Totals>,
        seed: u64,
    ) -> Self {
        let now = Instant::now();
        // Both ways of a connection have their own accidents.
        let seed = seed.wrapping_mul(2) + u64::from(direction == Direction::Down);
        Self {
            from,
            to,
            direction,
            weather,
            born,
            totals,
            random: StdRng::seed_from_u64(seed),
            began: now,
            buffer: BytesMut::new(),
            held: VecDeque::new(),
            held_bytes: 0,
            last_due: now,
            free_at: now,
            left: None,
            is_read: false,
            is_shut: false,
        }
    }

    pub(crate) async fn run(&mut self) -> End {
        self.run_to_end().await.unwrap_or(End::Cut)
    }

    async fn run_to_end(&mut self) -> io::Result<End> {
        loop {
            let weather = self.weather.borrow_and_update().clone();
            if weather.cuts != self.born.cuts {
                return Ok(End::Cut);
            }
            if weather.half_closes(self.direction) != self.born.half_closes(self.direction)
                && !self.is_shut
            {
                self.shut()?;
            }
            if let Some(end) = self.end_by_count(weather.ends_after)? {
                return Ok(end);
            }
            let is_dark = weather.stalls || weather.losses != self.born.losses;
            let now = Instant::now();
            let next = self.held.front().map(|held| held.due.max(self.free_at));
            let may_write = !is_dark && next.is_some_and(|at| at <= now);
            let may_read = !is_dark && !self.is_read && self.held_bytes < room(&weather);
            let waits_until = next.filter(|_| !is_dark && !may_write);
            tokio::select! {
                changed = self.weather.changed() => {
                    if changed.is_err() {
                        return Ok(End::Cut);
                    }
                }
                ready = self.from.readable(), if may_read => {
                    ready?;
                    self.read(&weather)?;
                }
                ready = self.to.writable(), if may_write => {
                    ready?;
                    if self.write(&weather, now)? {
                        return Ok(End::Finished);
                    }
                }
                () = tokio::time::sleep_until(waits_until.unwrap_or(now)),
                    if waits_until.is_some() => {}
            }
        }
    }

    fn read(&mut self, weather: &Weather) -> io::Result<()> {
        self.buffer.reserve(READ_BYTES);
        match self.from.try_read_buf(&mut self.buffer) {
            Ok(0) => {
                self.is_read = true;
                self.hold(Bytes::new(), weather);
            }
            Ok(_) => {
                let bytes = self.buffer.split().freeze();
                if !self.is_shut {
                    self.held_bytes += bytes.len();
                    self.hold(bytes, weather);
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn hold(&mut self, bytes: Bytes, weather: &Weather) {
        let jitter = weather.jitter.mul_f64(self.random.random());
        let mut due = Instant::now() + weather.delay + jitter;
        if let Some(every) = weather.burst_every {
            due = self.began + every * bursts_until(due - self.began, every);
        }
        self.last_due = self.last_due.max(due);
        self.held.push_back(Held {
            due: self.last_due,
            bytes,
        });
    }

    /// Writes what may leave now. True: that was the sender's end.
    fn write(&mut self, weather: &Weather, now: Instant) -> io::Result<bool> {
        let Some(held) = self.held.front_mut() else {
            return Ok(false);
        };
        if held.bytes.is_empty() {
            self.held.pop_front();
            if !self.is_shut {
                shut_down(self.to)?;
            }
            return Ok(true);
        }
        let mut most = held.bytes.len();
        if let Some(rate) = weather.rate_bytes_per_s {
            most = most.min(of_time(rate, RATE_STEP).max(1));
        }
        if let Some((_, left)) = self.left {
            most = most.min(usize::try_from(left).unwrap_or(usize::MAX));
        }
        let written = match self.to.try_write(&held.bytes[..most]) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        };
        held.bytes.advance(written);
        if held.bytes.is_empty() {
            self.held.pop_front();
        }
        self.held_bytes -= written;
        let count = written as u64;
        self.totals
            .bytes(self.direction)
            .fetch_add(count, Ordering::Relaxed);
        if let Some((_, left)) = &mut self.left {
            *left -= count;
        }
        if let Some(rate) = weather.rate_bytes_per_s {
            let time = Duration::from_nanos(count.saturating_mul(1_000_000_000) / rate);
            self.free_at = self.free_at.max(now - RATE_STEP) + time;
        }
        Ok(false)
    }

    /// FIN to the receiver, whatever still waits.
    fn shut(&mut self) -> io::Result<()> {
        self.is_shut = true;
        self.held.retain(|held| held.bytes.is_empty());
        self.held_bytes = 0;
        shut_down(self.to)
    }

    fn end_by_count(&mut self, wanted: Option<EndsAfter>) -> io::Result<Option<End>> {
        let Some(wanted) = wanted else {
            self.left = None;
            return Ok(None);
        };
        if self
            .left
            .is_none_or(|(generation, _)| generation != wanted.generation)
        {
            self.left = Some((wanted.generation, wanted.bytes));
        }
        if self.left.is_some_and(|(_, left)| left > 0) {
            return Ok(None);
        }
        if !wanted.cleanly {
            return Ok(Some(End::Cut));
        }
        if !self.is_shut {
            self.shut()?;
            shut_down(self.from)?;
        }
        Ok(None)
    }
}

/// How much of it may be held.
fn room(weather: &Weather) -> usize {
    let by_rate = weather
        .rate_bytes_per_s
        .map(|rate| of_time(rate, HELD_OF_RATE).max(SMALLEST_HELD_BYTES));
    by_rate.unwrap_or(HELD_BYTES).min(HELD_BYTES)
}

fn bursts_until(time: Duration, every: Duration) -> u32 {
    let bursts = time.as_nanos().div_ceil(every.as_nanos().max(1));
    u32::try_from(bursts).unwrap_or(u32::MAX)
}

fn of_time(rate: u64, time: Duration) -> usize {
    let bytes = u128::from(rate) * time.as_millis() / 1000;
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

/// FIN, while reading goes on.
fn shut_down(stream: &TcpStream) -> io::Result<()> {
    match socket2::SockRef::from(stream).shutdown(std::net::Shutdown::Write) {
        // It has ended by itself.
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(()),
        other => other,
    }
}
