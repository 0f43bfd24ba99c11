//! Random operations on both ends, against what a pipe would do: bytes come out as they went in,
//! an end is seen only where one was said and all before it was read, and nothing is kept.

use std::time::Duration;

use proptest::prelude::*;

use super::pair::{AGENT, Pair, Path, SERVER};
use crate::mux::{Event, Read, StreamId};
use crate::wire::{Code, Target, Windows};

#[derive(Clone, Debug)]
enum Operation {
    Open {
        side: usize,
    },
    Write {
        end: prop::sample::Index,
        bytes: usize,
    },
    Read {
        end: prop::sample::Index,
        max: usize,
    },
    Finish {
        end: prop::sample::Index,
    },
    Reset {
        end: prop::sample::Index,
    },
    Release {
        end: prop::sample::Index,
    },
    Answer {
        side: usize,
        accept: bool,
    },
    Run {
        ms: u64,
    },
    Cut(Cut),
}

/// A connection that is lost, and the one after it.
#[derive(Clone, Debug)]
struct Cut {
    /// Messages on their way that still arrive, from each side.
    arriving: [usize; 2],
    /// Who notices first, if not both at once.
    first: Option<usize>,
    gap_ms: u64,
}

fn cut() -> impl Strategy<Value = Operation> {
    let first = proptest::option::of(0..2_usize);
    let gap_ms = prop_oneof![Just(0), 1..3000_u64, 9000..12_000_u64];
    ([0..6_usize, 0..6], first, gap_ms).prop_map(|(arriving, first, gap_ms)| {
        Operation::Cut(Cut {
            arriving,
            first,
            gap_ms,
        })
    })
}

fn operation() -> impl Strategy<Value = Operation> {
    let end = any::<prop::sample::Index>;
    prop_oneof![
        2 => (0..2_usize).prop_map(|side| Operation::Open { side }),
        8 => (end(), 0..100_000_usize).prop_map(|(end, bytes)| Operation::Write { end, bytes }),
        8 => (end(), 1..100_000_usize).prop_map(|(end, max)| Operation::Read { end, max }),
        2 => end().prop_map(|end| Operation::Finish { end }),
        1 => end().prop_map(|end| Operation::Reset { end }),
        1 => end().prop_map(|end| Operation::Release { end }),
        4 => (0..2_usize, prop::bool::weighted(0.8))
            .prop_map(|(side, accept)| Operation::Answer { side, accept }),
        8 => (1..200_u64).prop_map(|ms| Operation::Run { ms }),
    ]
}

/// One end of one stream, as its owner remembers it.
struct End {
    side: usize,
    id: StreamId,
    written: u64,
    read: u64,
    finished: bool,
    /// This end cut it, or let go of it.
    cut: bool,
    released: bool,
    /// Reading has shown how it ended.
    over: Option<bool>,
}

struct World {
    pair: Pair,
    ends: Vec<End>,
    waiting: [Vec<StreamId>; 2],
}

/// Byte number `offset` of what an end writes.
fn byte(id: StreamId, side: usize, offset: u64) -> u8 {
    let mixed = (offset + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15 ^ u64::from(id.0) << 8);
    (mixed >> 32) as u8 ^ side as u8
}

impl World {
    fn new(path: Path, replay: u32) -> Self {
        let windows = Windows {
            initial: 32 << 10,
            max_streams: 8,
            max_pending: 4,
            replay,
        };
        let pair = Pair::with(path, windows, 1 << 20);
        Self {
            pair,
            ends: Vec::new(),
            waiting: [Vec::new(), Vec::new()],
        }
    }

    fn do_one(&mut self, operation: &Operation) {
        let now = self.pair.now;
        match operation {
            Operation::Open { side } => {
                let target = Target::Service("x".into());
                if let Ok(id) = self.pair.sides[*side].mux.open(now, &target) {
                    self.hold(*side, id);
                }
            }
            Operation::Write { end, bytes } => self.with(end, |world, n| world.write(n, *bytes)),
            Operation::Read { end, max } => self.with(end, |world, n| {
                world.read(n, *max);
            }),
            Operation::Finish { end } => self.with(end, |world, n| world.finish(n)),
            Operation::Reset { end } => self.with(end, |world, n| {
                let End { side, id, .. } = world.ends[n];
                world.pair.sides[side].mux.reset(id, Code::Cancelled, "");
                world.ends[n].cut = true;
            }),
            Operation::Release { end } => self.with(end, |world, n| world.release(n)),
            Operation::Answer { side, accept } => self.answer(*side, *accept),
            Operation::Run { ms } => {
                self.pair.run_for(Duration::from_millis(*ms));
                self.note_incoming();
            }
            Operation::Cut(cut) => self.cut(cut),
        }
    }

    fn cut(&mut self, cut: &Cut) {
        let gap = Duration::from_millis(cut.gap_ms);
        match cut.first {
            Some(side) => self.pair.lose_at(side),
            None => self.pair.lose(cut.arriving),
        }
        self.pair.run_for(gap);
        self.pair.rejoin();
    }

    fn with(&mut self, end: &prop::sample::Index, work: impl FnOnce(&mut Self, usize)) {
        if !self.ends.is_empty() {
            let n = end.index(self.ends.len());
            if !self.ends[n].released {
                work(self, n);
            }
        }
    }

    fn hold(&mut self, side: usize, id: StreamId) {
        let (written, read) = (0, 0);
        let (finished, cut, released, over) = (false, false, false, None);
        self.ends.push(End {
            side,
            id,
            written,
            read,
            finished,
            cut,
            released,
            over,
        });
    }

    fn note_incoming(&mut self) {
        for side in [SERVER, AGENT] {
            for event in std::mem::take(&mut self.pair.sides[side].events) {
                if let Event::Incoming(id, _) = event {
                    self.waiting[side].push(id);
                }
            }
        }
    }

    fn answer(&mut self, side: usize, accept: bool) {
        let Some(id) = self.waiting[side].pop() else {
            return;
        };
        if accept {
            self.pair.sides[side].mux.accept(id);
            self.hold(side, id);
        } else {
            self.pair.sides[side].mux.reject(id, Code::NotOffered, "");
        }
    }

    fn write(&mut self, n: usize, bytes: usize) {
        let End {
            side, id, written, ..
        } = self.ends[n];
        let bytes: Vec<u8> = (0..bytes as u64)
            .map(|offset| byte(id, side, written + offset))
            .collect();
        match self.pair.sides[side].mux.write(id, &bytes) {
            Ok(fits) => self.ends[n].written += fits as u64,
            Err(_) => assert!(self.ends[n].finished || self.may_be_cut(n)),
        }
    }

    fn finish(&mut self, n: usize) {
        let End { side, id, .. } = self.ends[n];
        if self.pair.sides[side].mux.finish(id).is_ok() {
            self.ends[n].finished = true;
        }
    }

    fn release(&mut self, n: usize) {
        let End { side, id, .. } = self.ends[n];
        self.pair.sides[side].mux.release(id);
        self.ends[n].cut = true;
        self.ends[n].released = true;
    }

    /// Returns whether there was anything to read.
    fn read(&mut self, n: usize, max: usize) -> bool {
        let End {
            side,
            id,
            read,
            over,
            ..
        } = self.ends[n];
        match self.pair.sides[side].mux.read(self.pair.now, id, max) {
            Ok(Read::Bytes(bytes)) => {
                assert!(over.is_none(), "bytes after the end");
                for (offset, got) in bytes.iter().enumerate() {
                    assert_eq!(*got, byte(id, 1 - side, read + offset as u64));
                }
                self.ends[n].read += bytes.len() as u64;
                true
            }
            Ok(Read::Blocked) => false,
            Ok(Read::End) => {
                let peer = self.peer(n).expect("whoever says FIN held it");
                assert!(self.ends[peer].finished, "an end that nobody said");
                assert_eq!(
                    self.ends[peer].written, self.ends[n].read,
                    "bytes are missing"
                );
                self.ends[n].over = Some(true);
                false
            }
            Err(_) => {
                assert!(self.may_be_cut(n), "cut by nobody");
                assert_ne!(over, Some(true), "an error after the end");
                self.ends[n].over = Some(false);
                false
            }
        }
    }

    fn peer(&self, n: usize) -> Option<usize> {
        let End { side, id, .. } = self.ends[n];
        self.ends
            .iter()
            .position(|other| other.id == id && other.side != side)
    }

    /// Whether somebody cut the stream. A refused one has no end at the other side.
    fn may_be_cut(&self, n: usize) -> bool {
        self.pair.is_cut || self.ends[n].cut || self.peer(n).is_none_or(|peer| self.ends[peer].cut)
    }

    /// Lets everything come to its end, with every second stream's reader stalled, and checks it.
    fn wind_up(&mut self) {
        for round in 0..40 {
            self.note_incoming();
            for side in [SERVER, AGENT] {
                while !self.waiting[side].is_empty() {
                    self.answer(side, true);
                }
            }
            for n in 0..self.ends.len() {
                let stalled = round < 20 && (self.ends[n].id.0 / 2).is_multiple_of(2);
                if !self.ends[n].released && !stalled {
                    self.finish(n);
                    while self.read(n, 10_000) {}
                }
            }
            self.pair.run_for(Duration::from_secs(5));
            assert_eq!(self.pair.sides[SERVER].error, None);
            assert_eq!(self.pair.sides[AGENT].error, None);
            if round == 19 {
                self.check_ends(|end| !(end.id.0 / 2).is_multiple_of(2));
            }
        }
        self.check_ends(|_| true);
        for n in 0..self.ends.len() {
            self.release(n);
        }
        self.pair.run_for(Duration::from_secs(5));
        self.check_nothing_is_kept();
    }

    /// Every stream that nobody cut has ended cleanly by now.
    fn check_ends(&self, which: impl Fn(&End) -> bool) {
        for (n, end) in self.ends.iter().enumerate().filter(|(_, end)| which(end)) {
            assert!(
                end.over == Some(true) || self.may_be_cut(n),
                "stream {:?} hangs",
                end.id
            );
        }
    }

    fn check_nothing_is_kept(&self) {
        for side in &self.pair.sides {
            assert_eq!(side.mux.live_streams(), 0);
            assert_eq!(side.mux.budget_used_bytes(), 0);
            assert_eq!(side.process_budget.used_bytes(), 0);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn streams_are_pipes(
        operations in proptest::collection::vec(operation(), 1..120),
        latency_ms in 0..100_u64,
        bytes_per_second in prop_oneof![Just(20_000_u64), Just(1_000_000), Just(1_000_000_000)],
    ) {
        let mut world = World::new(Path::new(latency_ms, bytes_per_second), 0);
        for operation in &operations {
            world.do_one(operation);
        }
        world.wind_up();
    }

    /// The same, over connections that are lost again and again.
    #[test]
    fn streams_are_pipes_across_connections(
        operations in proptest::collection::vec(prop_oneof![4 => operation(), 1 => cut()], 1..150),
        latency_ms in 0..100_u64,
        bytes_per_second in prop_oneof![Just(20_000_u64), Just(1_000_000), Just(1_000_000_000)],
        replay in prop_oneof![Just(1_u32), Just(200_000), Just(8 << 20)],
    ) {
        let mut world = World::new(Path::new(latency_ms, bytes_per_second), replay);
        for operation in &operations {
            world.do_one(operation);
        }
        world.wind_up();
    }

    #[test]
    fn a_lost_tunnel_never_looks_like_an_end(
        operations in proptest::collection::vec(operation(), 1..80),
    ) {
        let mut world = World::new(Path::new(20, 1_000_000), 0);
        for operation in &operations {
            world.do_one(operation);
        }
        world.note_incoming();
        world.pair.is_cut = true;
        for side in &mut world.pair.sides {
            side.mux.close();
        }
        for n in 0..world.ends.len() {
            if !world.ends[n].released {
                while world.read(n, 10_000) {}
                assert!(world.ends[n].over.is_some(), "a reader of a lost tunnel waits for ever");
                world.release(n);
            }
        }
        for side in [SERVER, AGENT] {
            for id in std::mem::take(&mut world.waiting[side]) {
                world.pair.sides[side].mux.release(id);
            }
        }
        world.check_nothing_is_kept();
    }
}
