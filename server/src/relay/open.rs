//! Opens a stream to a device under a lease.

use std::time::Duration;

use api::{DeviceId, Purpose};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{self, Stream, StreamControl};
use tunnel::wire::{Code, Target};

use super::line::{Line, WAIT_MAX};
use super::registry::Whereabouts;
use super::{Relay, RelayStream};
use crate::access::Lease;

/// The agent itself gives a service 10 s; what takes longer than that and a way there and back is
/// not coming.
const OPEN_TIMEOUT: Duration = Duration::from_secs(12);

/// Why a stream to a device could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// No tunnel.
    #[error("the device is offline")]
    Offline,
    /// Somebody keeps it out.
    #[error("the device is disabled")]
    Disabled,
    /// Lost a moment ago, or the server has just started.
    #[error("the device is reconnecting")]
    Reconnecting,
    /// The agent refused.
    #[error("the device refused ({code}): {text}")]
    Refused {
        /// Why, for programs.
        code: Code,
        /// Why, for people; untrusted.
        text: String,
    },
    /// No answer to OPEN in time.
    #[error("the device did not answer in time")]
    TimedOut,
    /// Too many streams, and no room came free in time.
    #[error("the tunnel carries all it can")]
    Busy,
    /// The lease was cancelled meanwhile.
    #[error("the right to the stream has ended")]
    Revoked,
}

impl Relay {
    /// Opens a stream to `target` on `device` and waits until the agent accepted (12 s at most:
    /// the 10 s that an agent gives a service, and the way there and back; up to 5 s of them for
    /// room, where the tunnel carries all it can). The stream ends, both
    /// ways and at once, when the lease is cancelled — also while nobody reads or writes it.
    /// Cancel-safe: dropped, the stream is cut.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open(
        &self,
        device: DeviceId,
        target: Target,
        lease: Lease,
    ) -> Result<RelayStream, OpenError> {
        let opening = self.0.counts.open();
        let opened = self.open_in_time(device, target, lease).await;
        opening.ended(&opened);
        opened
    }

    async fn open_in_time(
        &self,
        device: DeviceId,
        target: Target,
        lease: Lease,
    ) -> Result<RelayStream, OpenError> {
        if self.0.draining.is_cancelled() {
            return Err(OpenError::Reconnecting);
        }
        let now = Instant::now();
        if self.0.devices.is_disabled(device) {
            return Err(OpenError::Disabled);
        }
        let line = match self.0.registry.find(device, now) {
            Whereabouts::Here(line) => line,
            Whereabouts::ExpectedBack => return Err(OpenError::Reconnecting),
            Whereabouts::Away => return Err(OpenError::Offline),
        };
        let target = line.target(target).ok_or(OpenError::Refused {
            code: Code::NotOffered,
            text: String::new(),
        })?;
        let opening = self.open_on(&line, &target, &lease, now + WAIT_MAX);
        let opened = timeout_at(now + OPEN_TIMEOUT, opening).await;
        if lease.token().is_cancelled() {
            return Err(OpenError::Revoked);
        }
        let stream = opened.map_err(|_| OpenError::TimedOut)??;
        let metered = line
            .meter
            .count(&stream, Some(lease.subject().user), Purpose::Session);
        Ok(RelayStream::new(stream, lease, metered, &self.0.counts))
    }

    /// Asks again where the agent itself had no room, in its turn.
    async fn open_on(
        &self,
        line: &Line,
        target: &Target,
        lease: &Lease,
        give_up_at: Instant,
    ) -> Result<Stream, OpenError> {
        loop {
            let mut stream = tokio::select! {
                biased;
                () = lease.cancelled() => return Err(OpenError::Revoked),
                stream = line.open(target, give_up_at) => stream?,
            };
            // From here on, not only after ACCEPT: the lease may end while the service is slow.
            self.0.lifecycle.spawn(
                "stream-lease",
                cut_with(
                    lease.token().clone(),
                    self.0.grace_over.clone(),
                    stream.control(),
                    line.clone(),
                ),
            );
            match stream.accepted().await.map_err(OpenError::from) {
                Ok(()) => {
                    line.accepted();
                    return Ok(stream);
                }
                Err(OpenError::Busy) if Instant::now() < give_up_at => line.refused(),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Cuts the stream when its lease is cancelled, its tunnel replaced, or the server stops. Ends with the stream.
async fn cut_with(
    lease: CancellationToken,
    grace_over: CancellationToken,
    control: StreamControl,
    line: Line,
) {
    tokio::select! {
        (code, text) = no_longer_allowed(&lease, &grace_over, &line.retired) => {
            control.reset(code, text);
        }
        () = control.ended() => {}
    }
    line.freed();
}

/// Completes when a stream has to go, with what its ends are told. The order is fixed, or the
/// registry's schedules could not be run again.
pub(super) async fn no_longer_allowed(
    lease: &CancellationToken,
    grace_over: &CancellationToken,
    retired: &CancellationToken,
) -> (Code, &'static str) {
    tokio::select! {
        biased;
        () = lease.cancelled() => (Code::Revoked, "the right to this stream has ended"),
        () = grace_over.cancelled() => (Code::Draining, "the server stops"),
        () = retired.cancelled() => (Code::Reconnecting, "the device has a newer tunnel"),
    }
}

impl From<driver::OpenError> for OpenError {
    fn from(error: driver::OpenError) -> Self {
        match error {
            driver::OpenError::Rejected {
                code: Code::Busy, ..
            }
            | driver::OpenError::Busy => Self::Busy,
            driver::OpenError::Rejected {
                code: Code::Draining | Code::Reconnecting | Code::Stale,
                ..
            }
            | driver::OpenError::Draining
            | driver::OpenError::Closed => Self::Reconnecting,
            driver::OpenError::BadTarget => Self::Refused {
                code: Code::NotOffered,
                text: String::new(),
            },
            driver::OpenError::Rejected { code, text } => Self::Refused { code, text },
        }
    }
}
