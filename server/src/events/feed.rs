//! One reader's feed: batches of coalesced events, and a sign of life in between.

use std::sync::Arc;
use std::time::Duration;

use api::Event;
use tokio::sync::broadcast::{self, error::RecvError};
use tokio::time::Instant;

use super::Numbered;
use super::pending::Pending;

/// How long a change waits for others of the same device.
const COALESCE: Duration = Duration::from_millis(250);
/// How long a feed is silent at most; middleboxes cut what is silent longer.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// What a reader gets next.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Events, and the number that the last of them stands for.
    Batch(Vec<Arc<Event>>, u64),
    /// Nothing for a while.
    Silence,
}

pub(super) struct Feed {
    receiver: broadcast::Receiver<Numbered>,
    pending: Pending,
    /// When what waits is sent.
    due: Option<Instant>,
    latest: u64,
    spoke: Instant,
}

impl Feed {
    /// A feed from `latest` on; `resync`: the reader does not know what was before.
    pub(super) fn new(receiver: broadcast::Receiver<Numbered>, latest: u64, resync: bool) -> Self {
        let now = Instant::now();
        let mut pending = Pending::default();
        if resync {
            pending.resync();
        }
        Self {
            receiver,
            pending,
            due: resync.then_some(now),
            latest,
            spoke: now,
        }
    }

    /// Waits for the next thing to tell; `None` when there is nothing more. Cancel-safe: what was
    /// received is kept in the feed.
    pub(super) async fn next(&mut self) -> Option<Next> {
        loop {
            let wake = self.due.unwrap_or(self.spoke + SILENCE_MAX);
            tokio::select! {
                received = self.receiver.recv() => match received {
                    Ok(Numbered { number, event }) => {
                        self.latest = number;
                        self.pending.push(event);
                        self.due.get_or_insert_with(|| Instant::now() + COALESCE);
                    }
                    Err(RecvError::Lagged(_)) => {
                        self.pending.resync();
                        self.due.get_or_insert_with(|| Instant::now() + COALESCE);
                    }
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep_until(wake) => {
                    self.spoke = Instant::now();
                    return Some(match self.due.take() {
                        Some(_) => Next::Batch(self.pending.take(), self.latest),
                        None => Next::Silence,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{BACKLOG, Events};
    use api::{DeviceId, OrganizationId};
    use uuid::Uuid;

    const ORGANIZATION: OrganizationId = OrganizationId(Uuid::nil());

    fn removed(device: u128) -> Event {
        Event::DeviceRemoved {
            device_id: DeviceId(Uuid::from_u128(device)),
        }
    }

    fn feed(events: &Events, resync: bool) -> Feed {
        let (receiver, latest) = events.subscribe(ORGANIZATION);
        Feed::new(receiver, latest, resync)
    }

    #[tokio::test(start_paused = true)]
    async fn changes_of_a_moment_come_together() {
        let events = Events::new();
        let mut feed = feed(&events, false);
        for device in [1, 2, 1, 1] {
            events.publish(ORGANIZATION, removed(device));
        }
        let started = Instant::now();
        let expected = vec![Arc::new(removed(1)), Arc::new(removed(2))];
        assert_eq!(feed.next().await, Some(Next::Batch(expected, 4)));
        assert_eq!(started.elapsed(), COALESCE);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_broken_every_15_seconds() {
        let events = Events::new();
        let mut feed = feed(&events, false);
        let started = Instant::now();
        assert_eq!(feed.next().await, Some(Next::Silence));
        assert_eq!(feed.next().await, Some(Next::Silence));
        assert_eq!(started.elapsed(), 2 * SILENCE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_lagging_reader_is_told_to_fetch_anew() {
        let events = Events::new();
        let mut feed = feed(&events, false);
        for device in 0..BACKLOG as u128 + 10 {
            events.publish(ORGANIZATION, removed(device));
        }
        let Some(Next::Batch(batch, latest)) = feed.next().await else {
            panic!("no batch")
        };
        assert_eq!(batch, [Arc::new(Event::Resync)]);
        assert_eq!(latest, BACKLOG as u64 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn s32_events_of_other_organizations_are_not_heard() {
        let events = Events::new();
        let mut feed = feed(&events, false);
        events.publish(OrganizationId(Uuid::from_u128(2)), removed(1));
        assert_eq!(feed.next().await, Some(Next::Silence));
    }
}
