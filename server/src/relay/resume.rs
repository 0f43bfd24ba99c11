//! Tunnels that outlive their connection: found again by a proven device, watched while they wait,
//! given up where memory runs short.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Budget, Detached, HandshakeError, Link, Pending, Tunnel};
use tunnel::wire::AgentHello;

use super::Relay;
use super::serve::{Connection, ProvenDevice};

/// How often it is looked whether memory runs short.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What waits for its next connection, of all tunnels and single streams.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    next: u64,
    tunnels: HashMap<u64, Tunnel>,
}

impl Kept {
    fn enter(&self, tunnel: Tunnel) -> Place {
        let mut waiting = self.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.tunnels.insert(number, tunnel);
        let kept = self.clone();
        Place { kept, number }
    }

    /// Gives up the largest, one after the other, until these bytes are free. Returns how many.
    pub(super) fn shed(&self, mut excess_bytes: u64) -> usize {
        let tunnels = self.lock().tunnels.values().cloned().collect::<Vec<_>>();
        let mut sizes: Vec<_> = tunnels
            .into_iter()
            .map(|tunnel| (tunnel.stats().held_bytes, tunnel))
            .collect();
        sizes.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let mut given_up = 0;
        for (bytes, tunnel) in sizes {
            if excess_bytes == 0 {
                break;
            }
            tunnel.close();
            given_up += 1;
            excess_bytes = excess_bytes.saturating_sub(bytes);
        }
        given_up
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Among what waits, until dropped.
struct Place {
    kept: Kept,
    number: u64,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.kept.lock().tunnels.remove(&self.number);
    }
}

impl Relay {
    /// The tunnel that this agent lost and may go on with, taken off the connection it may still
    /// have. The id in its HELLO counts only beside the proof: what it names is looked for among
    /// this device's alone, and only this process can know what it received.
    pub(super) fn detach(
        &self,
        proven: &ProvenDevice,
        hello: &AgentHello,
    ) -> Option<(u64, Detached<Connection>)> {
        let asked = hello.resume.as_ref()?;
        let (epoch, line) = self.0.registry.held_by(proven.device, &proven.instance)?;
        let resumer = line.resumer?;
        if *resumer.id() != asked.tunnel {
            return None;
        }
        match resumer.detach(Some(asked.received)) {
            Ok(detached) => Some((epoch, detached)),
            Err(error) => {
                tracing::info!(device = %proven.device, epoch, %error, "tunnel not resumed");
                None
            }
        }
    }

    /// Answers an agent that goes on with its tunnel.
    pub(super) async fn resume(
        &self,
        proven: &ProvenDevice,
        pending: Pending<Connection>,
        (epoch, detached): (u64, Detached<Connection>),
    ) -> Result<(), HandshakeError> {
        pending.resume(detached, self.server_hello(epoch)?).await?;
        let (device, address) = (proven.device, &proven.address);
        tracing::info!(%device, epoch, address, "tunnel resumed");
        // It may have lost its right since it was proven.
        self.check_again(device, &proven.key);
        Ok(())
    }

    /// Tells `suspended` each time that the tunnel loses its connection, and that it has another
    /// (`false`); what waits meanwhile may be given up where memory runs short. Never completes.
    pub async fn watch(&self, tunnel: &Tunnel, mut suspended: impl FnMut(bool)) {
        let mut link = Link::Connected;
        let mut place = None;
        loop {
            link = tunnel.link_changed(&link).await;
            match link {
                Link::Ended => std::future::pending().await,
                Link::Connected => place = None,
                Link::Suspended { .. } if place.is_none() => {
                    place = Some(self.0.kept.enter(tunnel.clone()));
                }
                Link::Suspended { .. } => {}
            }
            suspended(place.is_some());
        }
    }

    /// Gives up waiting tunnels whenever memory runs short.
    pub(super) async fn shed(self, stop: CancellationToken) {
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = stop.cancelled() => return,
            }
            let excess_bytes = beyond_three_quarters(&self.0.tunnel.process_budget);
            if excess_bytes == 0 {
                continue;
            }
            let given_up = self.0.kept.shed(excess_bytes);
            if given_up > 0 {
                tracing::warn!(given_up, "lost tunnels given up: memory runs short");
            }
        }
    }
}

/// From there on windows shrink; what nobody is connected to goes first.
fn beyond_three_quarters(budget: &Budget) -> u64 {
    budget
        .used_bytes()
        .saturating_sub(budget.limit_bytes() / 4 * 3)
}

/// Completes when the tunnel is without a connection.
pub(super) async fn lost(tunnel: &Tunnel) {
    let mut link = Link::Connected;
    while link == Link::Connected {
        link = tunnel.link_changed(&link).await;
    }
}
