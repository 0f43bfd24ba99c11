//! What the relay counts.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use tunnel::driver::Link;

use super::{OpenError, Relay};
use crate::metrics::{By, Live, Reading, by};

/// From a machine in the same rack to a satellite.
const RTT_BUCKETS_S: [f64; 12] = [
    0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0,
];

/// What may become of an open.
const OUTCOMES: [&str; 9] = [
    "opened",
    "offline",
    "disabled",
    "reconnecting",
    "refused",
    "timed_out",
    "busy",
    "revoked",
    "abandoned",
];

pub(super) struct Counts {
    opens: By<1>,
    pub(super) streams_open: Gauge,
    /// Tunnels that run, those included that were just replaced.
    pub(super) tunnels_running: Gauge,
    rejects: By<1>,
    ended: By<1>,
    resumes: By<1>,
    pub(super) rtt: Histogram,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            opens: by("outcome", OUTCOMES),
            streams_open: Gauge::default(),
            tunnels_running: Gauge::default(),
            rejects: by("reason", Reject::ALL.map(Reject::word)),
            ended: By::default(),
            resumes: by("outcome", ["resumed", "refused"]),
            rtt: Histogram::new(RTT_BUCKETS_S),
        }
    }
}

/// One of those that a gauge counts, until it is dropped.
pub(super) struct Counted(Gauge);

impl Counted {
    pub(super) fn in_gauge(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Why a tunnel was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reject {
    Stopping,
    Disabled,
    Proof,
    DuplicateKey,
    Busy,
    Memory,
}

impl Reject {
    const ALL: [Self; 6] = [
        Self::Stopping,
        Self::Disabled,
        Self::Proof,
        Self::DuplicateKey,
        Self::Busy,
        Self::Memory,
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Stopping => "stopping",
            Self::Disabled => "disabled",
            Self::Proof => "proof",
            Self::DuplicateKey => "duplicate_key",
            Self::Busy => "busy",
            Self::Memory => "memory",
        }
    }
}

impl Counts {
    pub(super) fn rejected(&self, reason: Reject) {
        self.rejects
            .get_or_create(&[("reason", reason.word())])
            .inc();
    }

    pub(super) fn tunnel_ended(&self, reason: &'static str) {
        self.ended.get_or_create(&[("reason", reason)]).inc();
    }

    /// An agent asked to go on with a lost tunnel.
    pub(super) fn asked_to_resume(&self, resumed: bool) {
        let outcome = if resumed { "resumed" } else { "refused" };
        self.resumes.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// Begins an open; whoever asks may go away before its end, which is an outcome too.
    pub(super) fn open(&self) -> Opening<'_> {
        Opening {
            counts: self,
            outcome: "abandoned",
        }
    }
}

/// An open under way; counted by its outcome when dropped.
pub(super) struct Opening<'a> {
    counts: &'a Counts,
    outcome: &'static str,
}

impl Opening<'_> {
    pub(super) fn ended<T>(mut self, result: &Result<T, OpenError>) {
        self.outcome = match result {
            Ok(_) => "opened",
            Err(OpenError::Offline) => "offline",
            Err(OpenError::Disabled) => "disabled",
            Err(OpenError::Reconnecting) => "reconnecting",
            Err(OpenError::Refused { .. }) => "refused",
            Err(OpenError::TimedOut) => "timed_out",
            Err(OpenError::Busy) => "busy",
            Err(OpenError::Revoked) => "revoked",
        };
    }
}

impl Drop for Opening<'_> {
    fn drop(&mut self) {
        let opens = &self.counts.opens;
        opens.get_or_create(&[("outcome", self.outcome)]).inc();
    }
}

impl Relay {
    /// Shows what is counted here.
    pub fn register(&self, registry: &mut Registry) {
        let counts = &self.0.counts;
        registry.register(
            "stream_opens",
            "Streams to devices that were asked for, by what became of it",
            counts.opens.clone(),
        );
        registry.register(
            "streams_open",
            "Streams to devices that are open",
            counts.streams_open.clone(),
        );
        registry.register(
            "tunnel_rejects",
            "Tunnels that were refused before they began",
            counts.rejects.clone(),
        );
        registry.register(
            "tunnels_ended",
            "Tunnels that ended, by how",
            counts.ended.clone(),
        );
        registry.register(
            "tunnel_resumes",
            "Agents that asked to go on with a lost tunnel",
            counts.resumes.clone(),
        );
        registry.register_with_unit(
            "tunnel_rtt",
            "Round-trip times of tunnels, each looked at every 15 s",
            Unit::Seconds,
            counts.rtt.clone(),
        );
        let relay = self.clone();
        registry.register_collector(Box::new(Live(move |reading: &mut Reading<'_>| {
            relay.read_counts(reading)
        })));
    }

    fn read_counts(&self, reading: &mut Reading<'_>) -> std::fmt::Result {
        let lines = self.0.registry.all();
        let suspended = lines
            .iter()
            .filter(|(_, _, line)| line.tunnel.link() != Link::Connected)
            .count();
        reading.gauges(
            "tunnels",
            "Tunnels of devices",
            [
                ([("state", "connected")], lines.len() - suspended),
                ([("state", "suspended")], suspended),
            ],
        )?;
        if let Some(most) = self.0.tunnels_max {
            reading.gauge("tunnels_limit", "The most that there may be", most)?;
        }
        let budget = &self.0.tunnel.process_budget;
        reading.gauge(
            "tunnel_memory_used_bytes",
            "What tunnels may have under way, as granted",
            budget.used_bytes(),
        )?;
        reading.gauge(
            "tunnel_memory_limit_bytes",
            "The most that they may be granted",
            budget.limit_bytes(),
        )?;
        let waiting: usize = lines.iter().map(|(_, _, line)| line.waiting()).sum();
        reading.gauge(
            "stream_open_queue_length",
            "Opens that wait for room at a full tunnel",
            waiting,
        )?;
        let (waiting, waiting_max) = self.0.admission.waiting();
        reading.gauge(
            "tunnel_handshakes_running",
            "Tunnels that are just being made",
            self.0.admission.running(),
        )?;
        reading.gauge(
            "tunnel_handshake_queue_length",
            "Devices that wait for their tunnel to be made",
            waiting,
        )?;
        reading.gauge(
            "tunnel_handshake_queue_limit",
            "The most that may wait",
            waiting_max,
        )
    }
}
