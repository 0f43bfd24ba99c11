//! What the owner of a tunnel may set.

use std::time::Duration;

use super::budget::Budget;
use crate::wire::Windows;

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Settings of one end. Both ends may differ.
#[derive(Clone, Debug)]
pub struct Config {
    /// Granted unread credit of this tunnel, and what it keeps for sending again.
    pub tunnel_budget_bytes: u64,
    /// The same of all tunnels that were given a clone of it.
    pub process_budget: Budget,
    /// What [`Self::windows`] says is kept for sending again; 0 = the tunnel ends with its
    /// connection.
    pub replay_bytes: u32,
    /// To how much a stream's window may grow.
    pub max_window_bytes: u64,
    /// A PING goes out after this much silence while no stream is open.
    pub keepalive_idle: Duration,
    /// No longer than this, whatever is asked for: the way is known to bear no more.
    pub keepalive_longest: Duration,
    /// A PING goes out after this much silence while a stream is open.
    pub keepalive_busy: Duration,
    /// Silence after a PING that counts as a miss; the second one in a row is the end.
    pub miss_after: Duration,
    /// OPENs a second that the peer may send; above it they are refused (busy).
    pub opens_per_second: u32,
}

impl Config {
    /// What an agent begins with: 16 MiB in all. Its peer is the server it chose, where each
    /// request for a device page is a stream: it may open as many as a device can answer, and no
    /// more at a time than the windows say.
    #[must_use]
    pub fn for_agent() -> Self {
        Self {
            process_budget: Budget::new(16 * MIB),
            opens_per_second: 8192,
            ..Self::default()
        }
    }

    /// What a HELLO should grant: a smaller initial window once the process's budget is half
    /// used.
    #[must_use]
    pub fn windows(&self) -> Windows {
        let half_used = self.process_budget.used_bytes() >= self.process_budget.limit_bytes() / 2;
        Windows {
            initial: if half_used { 64 << 10 } else { 256 << 10 },
            replay: self.replay_bytes,
            ..Windows::default()
        }
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tunnel_budget_bytes: 32 * MIB,
            process_budget: Budget::new(256 * MIB),
            replay_bytes: 0,
            max_window_bytes: 16 * MIB,
            keepalive_idle: Duration::from_secs(45),
            keepalive_longest: Duration::MAX,
            keepalive_busy: Duration::from_secs(15),
            miss_after: Duration::from_secs(15),
            opens_per_second: 256,
        }
    }
}
