//! Many devices at once, for tests.

use api::{DeviceId, OrganizationId, Timestamp};
use tunnel::wire::Info;

use crate::db::new_id;

use super::report::Report;
use super::{DeviceIdentity, Devices, store};

impl Devices {
    /// Writes as many devices as asked for, which have reported this before. Not into memory: load
    /// them anew.
    pub(crate) async fn insert_fleet(
        &self,
        organization: OrganizationId,
        count: usize,
        version: &str,
        info: &Info,
    ) -> Vec<DeviceId> {
        let report = Report::new(version, info);
        let now = self.0.clock.now();
        let mut write = self.0.db.write().await.unwrap();
        let mut ids = Vec::new();
        for number in 0..count {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&number.to_be_bytes());
            let label = format!("d{number}");
            store::claim_label(&mut write, &label, now).await.unwrap();
            let identity = DeviceIdentity {
                id: DeviceId(new_id(now)),
                organization,
                name: label.clone(),
                label,
            };
            store::insert_device(&mut write, &identity, &key, "", now)
                .await
                .unwrap();
            store::write_report(&mut write, identity.id, &report, &report.hash(), "")
                .await
                .unwrap();
            ids.push(identity.id);
        }
        write.commit().await.unwrap();
        ids
    }

    /// What the task of [`Devices::start`] does each second.
    pub(crate) async fn upkeep(&self, last_write: &mut Timestamp) {
        self.do_what_is_due(last_write).await;
    }

    /// When each device was last seen, as the database has it.
    pub(crate) async fn written_last_seen(&self) -> Vec<Option<Timestamp>> {
        let records = store::load_all(self.0.db.reader()).await.unwrap();
        records.into_iter().map(|record| record.last_seen).collect()
    }
}
