//! What time brings about: devices that do not come back, and `last_seen`.

use std::time::Duration;

use api::{DeviceId, DeviceState, Timestamp};

use crate::lifecycle::Lifecycle;
use crate::usage::Due;

use super::index::Index;
use super::model::Record;
use super::presence::Presence;
use super::{Devices, DevicesError, store};

/// How late it may be noticed that a device did not come back.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// `last_seen` and what devices used are written this often, all of it in one transaction.
const WRITE_EVERY_S: i64 = 30;
/// While a device is online its `last_seen` is written this often: after a crash of the server it
/// is right to this.
const ONLINE_EVERY_S: i64 = 5 * 60;
/// How long devices are expected back after a start of the server.
const EXPECTED_AFTER_START_S: i64 = 60;
/// A server that was away longer expects nobody.
const AWAY_MAX_S: i64 = 24 * 3600;

/// A `last_seen` to write.
pub(super) struct Seen {
    pub(super) device: DeviceId,
    pub(super) at: Timestamp,
    pub(super) address: Option<String>,
}

/// The index of a server that has just started. Devices whose tunnel was up when it last stopped
/// are expected back: those last seen about as late as the last one of all.
pub(super) fn index_at_start(records: Vec<Record>, now: Timestamp) -> Index {
    let latest = records.iter().filter_map(|record| record.last_seen).max();
    let latest = latest.filter(|latest| now.seconds_since(*latest) <= AWAY_MAX_S);
    let mut index = Index::default();
    for record in records {
        let recent = latest.zip(record.last_seen).is_some_and(|(latest, seen)| {
            latest.seconds_since(seen) <= ONLINE_EVERY_S + 2 * WRITE_EVERY_S
        });
        let expected_until = recent.then(|| now.plus_seconds(EXPECTED_AFTER_START_S));
        let presence = Presence::at_start(record.last_seen, expected_until);
        index.put(record, presence);
    }
    index
}

impl Devices {
    /// Starts the task that does what is due, until the server stops; then it writes what is left.
    pub fn start(&self, lifecycle: &Lifecycle) {
        let devices = self.clone();
        let stop = lifecycle.soft().clone();
        lifecycle.spawn("devices", async move {
            let mut last_write = devices.0.clock.now();
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                }
                devices.do_what_is_due(&mut last_write).await;
            }
            devices.write_last_seen(true).await;
        });
    }

    pub(super) async fn do_what_is_due(&self, last_write: &mut Timestamp) {
        self.look().await;
        let now = self.0.clock.now();
        // Not only later: a clock that was set back must not stop the writes.
        if !(0..WRITE_EVERY_S).contains(&now.seconds_since(*last_write)) {
            *last_write = now;
            self.write_last_seen(false).await;
        }
    }

    /// Announces devices that did not come back in time, and mends the index where it has to.
    pub(super) async fn look(&self) {
        if let Err(error) = self.refresh_stale().await {
            tracing::warn!(%error, "devices could not be read");
        }
        let now = self.0.clock.now();
        let overdue = self.index_mut().take_overdue(now);
        for id in overdue {
            let organization = {
                let index = self.index();
                index.get(id).and_then(|entry| {
                    let is_offline = entry.presence.state(now) == DeviceState::Offline;
                    is_offline.then_some(entry.record.organization)
                })
            };
            if let Some(organization) = organization {
                self.announce(organization, id);
            }
        }
    }

    /// Writes every `last_seen` that changed, and what devices used; `all`: also those of devices
    /// that are online now.
    pub(super) async fn write_last_seen(&self, all: bool) {
        let (seen, used) = (self.seen(all), self.0.usage.due(all));
        if seen.is_empty() && used.is_empty() {
            return;
        }
        if let Err(error) = self.try_write_last_seen(&seen, used).await {
            tracing::warn!(%error, devices = seen.len(), "last_seen was not written");
        }
    }

    async fn try_write_last_seen(&self, seen: &[Seen], used: Due) -> Result<(), DevicesError> {
        let mut write = self.0.db.write().await?;
        used.write(&mut write).await?;
        for one in seen {
            store::write_last_seen(&mut write, one).await?;
        }
        write.commit().await?;
        used.written();
        let mut index = self.index_mut();
        for one in seen {
            if let Some(entry) = index.get_mut(one.device) {
                entry.record.last_seen = Some(one.at);
                entry.record.address.clone_from(&one.address);
            }
        }
        Ok(())
    }

    fn seen(&self, all: bool) -> Vec<Seen> {
        let now = self.0.clock.now();
        let index = self.index();
        let due = index.iter().filter_map(|entry| {
            let written = entry.record.last_seen;
            let at = match entry.presence {
                Presence::NeverSeen => return None,
                Presence::Online { since, .. } => {
                    let is_due = written.is_none_or(|written| {
                        all || written < since || now.seconds_since(written) >= ONLINE_EVERY_S
                    });
                    is_due.then_some(now)?
                }
                Presence::Suspended { at, .. } | Presence::Lost { at, .. } => {
                    (written != Some(at)).then_some(at)?
                }
            };
            Some(Seen {
                device: entry.record.id,
                at,
                address: entry.address.clone(),
            })
        });
        due.collect()
    }
}
