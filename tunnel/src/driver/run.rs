//! The one task that moves a tunnel's bytes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::connection::{Connection, Pause};
use super::resume::{Awaited, Resumer};
use super::shared::Shared;
use super::socket::{Fault, Socket};
use crate::wire::GoAway;

/// Why a tunnel ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// This end closed it ([`super::Tunnel::close`], or the driver was dropped).
    Local,
    /// The peer closed the WebSocket.
    Peer,
    /// The peer broke the protocol; the text says how.
    Protocol(String),
    /// The peer did not answer, or took nothing for too long.
    Dead,
    /// The socket broke.
    Io(io::ErrorKind),
    /// The peer said goodbye first.
    GoAway(GoAway),
}

impl Closed {
    /// Whether the network did it: the peer may come again and go on.
    fn is_loss(&self) -> bool {
        matches!(self, Self::Dead | Self::Io(_))
    }
}

/// Moves the bytes of one tunnel.
pub struct Driver<S> {
    /// Boxed, since it is moved about and an idle tunnel is mostly this.
    connection: Box<Connection<S>>,
    shared: Arc<Shared>,
    /// Ends the tunnel for its handles when the driver is dropped.
    _guard: CloseOnDrop,
    awaited: Option<Awaited<S>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Driver<S> {
    pub(super) fn new(socket: Socket<S>, shared: Arc<Shared>, early: Bytes) -> Self {
        Self {
            connection: Box::new(Connection::new(socket, Arc::clone(&shared), 0, early)),
            _guard: CloseOnDrop(Arc::clone(&shared)),
            shared,
            awaited: None,
        }
    }

    /// Lets the tunnel outlive its connection: lost to the network, it waits up to `resume_for`
    /// for another one, which comes by the [`Resumer`]. `id` is the tunnel's, as the server's
    /// first HELLO said. Does nothing where either end's HELLO granted no `replay`.
    pub fn resumable(&mut self, id: [u8; 16], resume_for: Duration) -> Resumer<S> {
        let (awaited, resumer) = Awaited::new(id, resume_for, &self.shared);
        self.awaited = Some(awaited);
        resumer
    }

    /// Runs until the tunnel ends. Dropped earlier, the tunnel ends at once, and the
    /// peer is told if the socket takes it.
    pub async fn run(self) -> Closed {
        let Self {
            mut connection,
            shared,
            _guard,
            awaited,
        } = self;
        loop {
            let fault = match connection.run().await {
                Pause::Detached => Fault::silent(Closed::Local),
                Pause::End(fault) => {
                    let is_loss = awaited.is_some() && fault.closed.is_loss();
                    if !is_loss || !shared.suspend(connection.generation(), &fault.closed) {
                        return Self::end(connection, &shared, fault).await;
                    }
                    fault
                }
            };
            let Some(awaited) = &awaited else {
                return Self::end(connection, &shared, fault).await;
            };
            tracing::debug!(reason = ?fault.closed, "tunnel suspended");
            drop(connection);
            connection = match Box::pin(awaited.next(&shared)).await {
                Ok(next) => next,
                Err(closed) => {
                    shared.close(closed.clone());
                    tracing::debug!(?closed, "tunnel ended while suspended");
                    return closed;
                }
            };
        }
    }

    async fn end(connection: Box<Connection<S>>, shared: &Shared, fault: Fault) -> Closed {
        let Fault { closed, farewell } = fault;
        let closed = match closed {
            lost @ (Closed::Peer | Closed::Io(_)) => shared
                .drive(|state| state.goaway.clone())
                .map_or(lost, Closed::GoAway),
            other => other,
        };
        // Streams learn it now, not when the peer has answered the farewell.
        shared.close(closed.clone());
        tracing::debug!(?closed, "tunnel ended");
        let answered = !closed.is_loss() && Box::pin(connection.close(farewell)).await;
        shared.drive(|state| state.farewell_answered = Some(answered));
        shared.changed.notify_waiters();
        closed
    }
}

struct CloseOnDrop(Arc<Shared>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.0
            .drive(|state| *state.farewell_answered.get_or_insert(false));
        self.0.close(Closed::Local);
    }
}
