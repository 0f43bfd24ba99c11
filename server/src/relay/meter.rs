//! Counts what goes through one tunnel, for the data meter.
//!
//! Nothing is counted twice, and nothing on the way of the bytes: the multiplexer knows what each
//! stream and the tunnel as a whole have carried; it is asked now and then, and at their ends.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{DeviceId, Purpose, Transfer, UserId};
use tunnel::driver::{Stream, StreamControl, Transferred, Tunnel};

use super::Relay;
use crate::usage::Usage;

/// Of one tunnel.
pub(super) struct Meter {
    device: DeviceId,
    tunnel: Tunnel,
    usage: Usage,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: u64,
    living: HashMap<u64, Living>,
    /// Of all streams ever.
    streams: Transfer,
    /// What was told as the tunnel's own.
    idle: Transfer,
}

struct Living {
    control: StreamControl,
    user: Option<UserId>,
    purpose: Purpose,
    told: Transfer,
}

impl Meter {
    pub(super) fn new(device: DeviceId, tunnel: Tunnel, usage: Usage) -> Arc<Self> {
        Arc::new(Self {
            device,
            tunnel,
            usage,
            state: Mutex::default(),
        })
    }

    /// Counts a stream until the result is dropped; that must come before the stream itself is.
    pub(super) fn count(
        self: &Arc<Self>,
        stream: &Stream,
        user: Option<UserId>,
        purpose: Purpose,
    ) -> Metered {
        let mut state = self.state();
        let number = state.next;
        state.next += 1;
        let living = Living {
            control: stream.control(),
            user,
            purpose,
            told: Transfer::default(),
        };
        state.living.insert(number, living);
        drop(state);
        Metered {
            meter: Arc::clone(self),
            number,
        }
    }

    /// Tells the data meter what went since the last time.
    pub(super) fn settle(&self) {
        let mut state = self.state();
        let State {
            living,
            streams,
            idle,
            ..
        } = &mut *state;
        for stream in living.values_mut() {
            *streams = streams.plus(stream.tell(self));
        }
        // Asked after its streams, so that it is never less than they are.
        let stats = self.tunnel.stats();
        let all = Transfer {
            to_device_bytes: stats.bytes_sent,
            from_device_bytes: stats.bytes_received,
        };
        let own = all.minus(*streams).minus(*idle);
        *idle = idle.plus(own);
        self.usage.add(self.device, None, Purpose::Idle, own);
    }

    fn end(&self, number: u64) {
        let mut state = self.state();
        if let Some(mut stream) = state.living.remove(&number) {
            state.streams = state.streams.plus(stream.tell(self));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Living {
    /// What is new.
    fn tell(&mut self, meter: &Meter) -> Transfer {
        let now = self.control.transferred().map_or(self.told, transfer);
        let new = now.minus(self.told);
        self.told = now;
        meter.usage.add(meter.device, self.user, self.purpose, new);
        new
    }
}

fn transfer(transferred: Transferred) -> Transfer {
    Transfer {
        to_device_bytes: transferred.sent_bytes,
        from_device_bytes: transferred.received_bytes,
    }
}

/// A stream that is counted; dropped, it is told one last time.
pub(super) struct Metered {
    meter: Arc<Meter>,
    number: u64,
}

impl Drop for Metered {
    fn drop(&mut self) {
        self.meter.end(self.number);
    }
}

impl Relay {
    /// Tells the data meter what went until now.
    pub fn settle_usage(&self) {
        for (_, _, line) in self.0.registry.all() {
            line.meter.settle();
        }
    }
}
