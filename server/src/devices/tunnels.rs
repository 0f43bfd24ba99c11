//! What the relay tells about tunnels.

use std::time::Duration;

use api::DeviceId;
use api::text::cleaned;
use tunnel::wire::Info;

use super::presence::Presence;
use super::report::Report;
use super::{Devices, DevicesError, store};

const ADDRESS_MAX_CHARS: usize = 64;

impl Devices {
    /// A tunnel is up. Writes `info` only when its hash changed.
    pub async fn connected(
        &self,
        device: DeviceId,
        epoch: u64,
        address: &str,
        version: &str,
        info: &Info,
    ) {
        let report = Report::new(version, info);
        let hash = report.hash();
        let now = self.0.clock.now();
        let (organization, changed) = {
            let mut index = self.index_mut();
            let Some(entry) = index.get_mut(device) else {
                return;
            };
            if !entry.presence.connected(epoch, now) {
                return;
            }
            entry.address = Some(cleaned(address, ADDRESS_MAX_CHARS).to_lowercase());
            (
                entry.record.organization,
                entry.record.report_hash != Some(hash),
            )
        };
        // First of all: the device is online, however slow the database is.
        self.announce(organization, device);
        if changed && let Err(error) = self.write_report(device, epoch, &report, hash).await {
            // Not lost: the next tunnel brings it again.
            tracing::warn!(%device, %error, "what a device reports was not written");
        }
    }

    /// Where links to the device's own page lead from now on: a path, which whoever calls has
    /// judged. In memory alone; the next tunnel brings it again.
    pub fn starts_at(&self, device: DeviceId, path: Option<String>) {
        if let Some(entry) = self.index_mut().get_mut(device) {
            entry.start_path = path;
        }
    }

    async fn write_report(
        &self,
        device: DeviceId,
        epoch: u64,
        report: &Report,
        hash: [u8; 32],
    ) -> Result<(), DevicesError> {
        let mut write = self.0.db.write().await?;
        // Looked up only now: while this waited, a newer tunnel may have reported, or the name may
        // have changed.
        let (name, label) = {
            let index = self.index();
            match index.get(device) {
                Some(entry) if entry.presence.epoch() == epoch => {
                    (entry.record.name.clone(), entry.record.label.clone())
                }
                _ => return Ok(()),
            }
        };
        let search_text = search_text(&name, &label, &report.host_name);
        store::write_report(&mut write, device, report, &hash, &search_text).await?;
        self.commit(write, device).await
    }

    /// A tunnel has lost its connection and is kept for the next.
    pub fn suspended(&self, device: DeviceId, epoch: u64) {
        let now = self.0.clock.now();
        self.change(device, |presence| presence.suspended(epoch, now));
    }

    /// A kept tunnel goes on over a new connection.
    pub fn resumed(&self, device: DeviceId, epoch: u64) {
        let now = self.0.clock.now();
        self.change(device, |presence| presence.resumed(epoch, now));
    }

    /// The round-trip time of a living tunnel.
    pub fn measured(&self, device: DeviceId, epoch: u64, rtt: Duration) {
        let now = self.0.clock.now();
        let measured_ms = u32::try_from(rtt.as_millis()).unwrap_or(u32::MAX);
        self.change(device, |presence| {
            presence.measured(epoch, measured_ms, now)
        });
    }

    /// A tunnel is connected, of which no round-trip time is known.
    pub fn alive(&self, device: DeviceId, epoch: u64) {
        let now = self.0.clock.now();
        if let Some(entry) = self.index_mut().get_mut(device) {
            entry.presence.alive(epoch, now);
        }
    }

    /// Tells people about a change of a device's presence, if it is news.
    fn change(&self, device: DeviceId, change: impl FnOnce(&mut Presence) -> bool) {
        let organization = {
            let mut index = self.index_mut();
            let Some(entry) = index.get_mut(device) else {
                return;
            };
            let news = change(&mut entry.presence);
            news.then_some(entry.record.organization)
        };
        if let Some(organization) = organization {
            self.announce(organization, device);
        }
    }

    /// Two agents with the device's key were seen; told with the device for so long.
    pub fn has_duplicate(&self, device: DeviceId, told_for: Duration) {
        let seconds = i64::try_from(told_for.as_secs()).unwrap_or(i64::MAX);
        let until = self.0.clock.now().plus_seconds(seconds);
        let organization = {
            let mut index = self.index_mut();
            let Some(entry) = index.get_mut(device) else {
                return;
            };
            entry.duplicate_until = Some(until);
            entry.record.organization
        };
        self.announce(organization, device);
    }

    /// What is recorded of the device's client certificates differs: people who look are told.
    pub fn certificates_changed(&self, device: DeviceId) {
        let now = self.0.clock.now();
        let organization = {
            let mut index = self.index_mut();
            let Some(entry) = index.get_mut(device) else {
                return;
            };
            entry.certificates_changed_at = Some(now);
            entry.record.organization
        };
        self.announce(organization, device);
    }

    /// A tunnel has ended; ignored when a newer epoch is up.
    pub fn disconnected(&self, device: DeviceId, epoch: u64) {
        let now = self.0.clock.now();
        let organization = {
            let mut index = self.index_mut();
            let Some(entry) = index.get_mut(device) else {
                return;
            };
            let Some(expected_until) = entry.presence.disconnected(epoch, now) else {
                return;
            };
            let organization = entry.record.organization;
            index.expect(device, expected_until);
            organization
        };
        self.announce(organization, device);
    }
}

/// What a search looks through, besides the address.
pub(super) fn search_text(name: &str, label: &str, host_name: &str) -> String {
    format!("{name}\n{label}\n{host_name}").to_lowercase()
}
