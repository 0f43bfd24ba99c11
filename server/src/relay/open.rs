//! Opens a stream to a device under a lease.

use std::time::Duration;

use api::DeviceId;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{self, StreamControl};
use tunnel::wire::{Code, Target};

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
    /// Too many streams.
    #[error("the tunnel carries all it can")]
    Busy,
    /// The lease was cancelled meanwhile.
    #[error("the right to the stream has ended")]
    Revoked,
}

impl Relay {
    /// Opens a stream to `target` on `device` and waits until the agent accepted (12 s at most:
    /// the 10 s that an agent gives a service, and the way there and back). The stream ends, both
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
        if self.0.draining.is_cancelled() {
            return Err(OpenError::Reconnecting);
        }
        let tunnel = match self.0.registry.find(device, Instant::now()) {
            Whereabouts::Here(tunnel) => tunnel,
            Whereabouts::ExpectedBack => return Err(OpenError::Reconnecting),
            Whereabouts::Away => return Err(OpenError::Offline),
        };
        let mut stream = tunnel.open(&target)?;
        // From here on, not only after ACCEPT: the lease may end while the service is slow.
        self.0.lifecycle.spawn(
            "stream-lease",
            cut_with(lease.token().clone(), stream.control()),
        );
        let accepted = timeout(OPEN_TIMEOUT, stream.accepted()).await;
        if lease.token().is_cancelled() {
            return Err(OpenError::Revoked);
        }
        accepted.map_err(|_| OpenError::TimedOut)??;
        Ok(RelayStream::new(stream, lease))
    }
}

/// Cuts the stream when its lease is cancelled. Ends with the stream.
async fn cut_with(lease: CancellationToken, control: StreamControl) {
    tokio::select! {
        () = lease.cancelled() => control.reset(Code::Revoked, "the right to this stream has ended"),
        () = control.ended() => {}
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
