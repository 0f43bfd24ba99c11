//! What changed, pushed to browsers.

mod feed;
mod http;
mod pending;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use api::{Event, OrganizationId, UserId};
use data_encoding::HEXLOWER;
use tokio::sync::broadcast;

use crate::db::random;

pub use http::routes;

/// Events that a reader may lag behind before it is told to fetch anew.
const BACKLOG: usize = 1024;
/// Open feeds in all.
const FEEDS_MAX: usize = 4096;
/// Open feeds of one user: tabs and devices of a person.
const FEEDS_OF_USER_MAX: usize = 32;

/// The bus; cheap to clone.
#[derive(Clone)]
pub struct Events(Arc<Bus>);

struct Bus {
    /// Tells this run's event ids from those of another.
    run: String,
    rooms: Mutex<HashMap<OrganizationId, Room>>,
    places: Mutex<HashMap<UserId, usize>>,
}

/// One organization's events.
struct Room {
    sender: broadcast::Sender<Numbered>,
    latest: u64,
}

#[derive(Clone)]
struct Numbered {
    number: u64,
    event: Arc<Event>,
}

impl Default for Room {
    fn default() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
            latest: 0,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self::new()
    }
}

impl Events {
    #[must_use]
    pub fn new() -> Self {
        let run = HEXLOWER.encode(&random::<6>());
        Self(Arc::new(Bus {
            run,
            rooms: Mutex::default(),
            places: Mutex::default(),
        }))
    }

    /// Tells everybody of the organization who listens. Never waits.
    pub fn publish(&self, organization: OrganizationId, event: Event) {
        self.publish_with(organization, || Some(event));
    }

    /// As [`Events::publish`]; the event is only made when somebody listens.
    pub fn publish_with(
        &self,
        organization: OrganizationId,
        event: impl FnOnce() -> Option<Event>,
    ) {
        let nobody = self
            .rooms()
            .entry(organization)
            .or_default()
            .sender
            .receiver_count()
            == 0;
        // Made outside the lock: it may take others.
        let event = if nobody { None } else { event().map(Arc::new) };
        let mut rooms = self.rooms();
        let room = rooms.entry(organization).or_default();
        // Counted all the same: who comes back has missed something.
        room.latest += 1;
        if let Some(event) = event {
            // Fails when the last listener has just left.
            let _ = room.sender.send(Numbered {
                number: room.latest,
                event,
            });
        }
    }

    /// The organization's events from now on, and the number of the latest before.
    fn subscribe(&self, organization: OrganizationId) -> (broadcast::Receiver<Numbered>, u64) {
        let mut rooms = self.rooms();
        let room = rooms.entry(organization).or_default();
        (room.sender.subscribe(), room.latest)
    }

    /// What is published from now on, for tests of other features.
    #[cfg(test)]
    pub(crate) fn listen(&self, organization: OrganizationId) -> Listener {
        Listener(self.subscribe(organization).0)
    }

    /// A place among the open feeds, until dropped; `None` when there is none left.
    fn place(&self, user: UserId) -> Option<Place> {
        let mut places = self.places();
        let all: usize = places.values().sum();
        let own = places.get(&user).copied().unwrap_or(0);
        if all >= FEEDS_MAX || own >= FEEDS_OF_USER_MAX {
            return None;
        }
        places.insert(user, own + 1);
        Some(Place {
            events: self.clone(),
            user,
        })
    }

    fn id(&self, number: u64) -> String {
        format!("{}-{number}", self.0.run)
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<OrganizationId, Room>> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn places(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of a bounded number of open feeds.
struct Place {
    events: Events,
    user: UserId,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.events.places();
        if let Some(own) = places.get_mut(&self.user) {
            *own -= 1;
            if *own == 0 {
                places.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
pub(crate) struct Listener(broadcast::Receiver<Numbered>);

#[cfg(test)]
impl Listener {
    pub(crate) fn try_recv(&mut self) -> Result<Event, broadcast::error::TryRecvError> {
        self.0.try_recv().map(|numbered| (*numbered.event).clone())
    }
}
