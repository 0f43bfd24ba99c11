//! Tunnels: accept, authenticate, registry, open a stream, revoke. The core of the server.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use api::DeviceId;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tunnel::wire::{Code, Target};

use crate::access::Lease;

/// The relay; cheap to clone.
#[derive(Clone)]
pub struct Relay;

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
    Refused { code: Code, text: String },
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
    /// Opens a stream to `target` on `device` and waits until the agent accepted (10 s at most).
    /// The stream ends, both ways and at once, when the lease is cancelled — also while nobody
    /// reads or writes it.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open(
        &self,
        _device: DeviceId,
        _target: Target,
        _lease: Lease,
    ) -> Result<RelayStream, OpenError> {
        todo!()
    }

    /// Ends the device's tunnel (it was deleted or disabled).
    pub fn disconnect(&self, _device: DeviceId) {
        todo!()
    }
}

/// An open stream to a device; holds its lease.
pub struct RelayStream;

impl RelayStream {
    /// The lease's token, for what must end together with the stream.
    #[must_use]
    pub fn revoked(&self) -> tokio_util::sync::CancellationToken {
        todo!()
    }
}

impl AsyncRead for RelayStream {
    fn poll_read(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        todo!()
    }
}

impl AsyncWrite for RelayStream {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, _buf: &[u8]) -> Poll<io::Result<usize>> {
        todo!()
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        todo!()
    }
}
