//! All streams of a tunnel, the ids that were used, and what is counted against caps.

use std::collections::HashMap;

use super::budget::Ledger;
use super::error::ProtocolError;
use super::stream::{Counted, Origin, Stream};

/// Which ids an end opens streams with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The server of a tunnel; the client of a single stream.
    Odd,
    /// The agent of a tunnel; the server of a single stream.
    Even,
}

/// Opens in a tunnel's life, after which it must be replaced.
const MAX_OPENS: u32 = 1 << 30;

#[derive(Debug, Default)]
struct Counts {
    local_live: u32,
    local_pending: u32,
    remote_held: u32,
    remote_pending: u32,
    live: u32,
}

/// The streams.
#[derive(Debug)]
pub(super) struct Table {
    role: Role,
    streams: HashMap<u32, Stream>,
    next_local: u32,
    highest_remote: u32,
    opens: u32,
    counts: Counts,
}

impl Table {
    pub(super) fn new(role: Role) -> Self {
        Self {
            role,
            streams: HashMap::new(),
            next_local: if role == Role::Odd { 1 } else { 2 },
            highest_remote: 0,
            opens: 0,
            counts: Counts::default(),
        }
    }

    /// The next id for a stream of this end; `None` when they are used up.
    pub(super) fn next_id(&mut self) -> Option<u32> {
        if self.opens >= MAX_OPENS {
            return None;
        }
        self.opens += 1;
        let id = self.next_local;
        self.next_local += 2;
        Some(id)
    }

    /// Notes that the first odd id is in use, though no OPEN was said for it.
    pub(super) fn take_first(&mut self, origin: Origin) {
        match origin {
            Origin::Local => {
                self.next_id();
            }
            Origin::Remote => self.highest_remote = 1,
        }
    }

    /// Notes the id of an OPEN that came.
    pub(super) fn note_remote(&mut self, id: u32) -> Result<(), ProtocolError> {
        if self.is_local(id) || id <= self.highest_remote {
            return Err(ProtocolError::OpenId);
        }
        self.highest_remote = id;
        Ok(())
    }

    pub(super) fn insert(&mut self, id: u32, stream: Stream) {
        if stream.origin == Origin::Remote {
            self.counts.remote_held += 1;
        }
        self.streams.insert(id, stream);
    }

    pub(super) fn stream(&mut self, id: u32) -> Option<&mut Stream> {
        self.streams.get_mut(&id)
    }

    pub(super) fn peek(&self, id: u32) -> Option<&Stream> {
        self.streams.get(&id)
    }

    /// The stream a frame is for; `None` if it has ended.
    pub(super) fn live(&mut self, id: u32) -> Result<Option<&mut Stream>, ProtocolError> {
        let never_was = if self.is_local(id) {
            id >= self.next_local
        } else {
            id > self.highest_remote
        };
        if never_was {
            return Err(ProtocolError::NoSuchStream);
        }
        Ok(self.streams.get_mut(&id).filter(|stream| stream.is_live()))
    }

    /// Brings the counts up to date after a change, and forgets a stream that nobody needs.
    /// Returns whether it ended just now.
    pub(super) fn settle(&mut self, id: u32, ledger: &mut Ledger) -> bool {
        let Some(stream) = self.streams.get_mut(&id) else {
            return false;
        };
        let now = Counted {
            live: stream.is_live(),
            pending: stream.is_pending(),
        };
        let before = std::mem::replace(&mut stream.counted, now);
        let (held, origin) = (stream.held, stream.origin);
        if stream.receiver.is_spent() {
            stream.receiver.window.close(ledger);
        }
        let counts = &mut self.counts;
        adjust(&mut counts.live, before.live, now.live);
        let pending = match origin {
            Origin::Local => {
                adjust(&mut counts.local_live, before.live, now.live);
                &mut counts.local_pending
            }
            Origin::Remote => &mut counts.remote_pending,
        };
        adjust(pending, before.pending, now.pending);
        if !now.live && !held {
            if origin == Origin::Remote {
                counts.remote_held -= 1;
            }
            if let Some(mut stream) = self.streams.remove(&id) {
                stream.receiver.window.close(ledger);
            }
        }
        before.live && !now.live
    }

    pub(super) fn shrink(&mut self) {
        self.streams.shrink_to_fit();
    }

    pub(super) fn ids(&self) -> Vec<u32> {
        self.streams.keys().copied().collect()
    }

    /// Streams that are not over for both ends.
    pub(super) fn live_count(&self) -> u32 {
        self.counts.live
    }

    /// Whether the peer has room for one more from here.
    pub(super) fn local_fits(&self, max_streams: u32, max_pending: u32) -> bool {
        self.counts.local_live < max_streams && self.counts.local_pending < max_pending
    }

    /// Whether there is room for one more from the peer.
    pub(super) fn remote_fits(&self, max_streams: u32, max_pending: u32) -> bool {
        self.counts.remote_held < max_streams && self.counts.remote_pending < max_pending
    }

    fn is_local(&self, id: u32) -> bool {
        (id % 2 == 1) == (self.role == Role::Odd)
    }
}

fn adjust(count: &mut u32, before: bool, now: bool) {
    match (before, now) {
        (false, true) => *count += 1,
        (true, false) => *count -= 1,
        _ => {}
    }
}
