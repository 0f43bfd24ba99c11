//! R06: a fleet that comes back at once costs the database next to nothing.

use std::time::Duration;

use api::{Purpose, Transfer};
use tokio::time::Instant;
use tunnel::wire::Info;

use crate::clock::Clock;
use crate::config;
use crate::db::Db;
use crate::relay::registry::Registry;
use crate::testing::{START, TestServer};

const DEVICES: usize = 20_000;
/// As two cores let them in.
const PER_SECOND: usize = 500;
const PING: Transfer = Transfer {
    to_device_bytes: 10,
    from_device_bytes: 10,
};
/// The fleet stays for so long.
const STAYS_S: usize = 600;

#[tokio::test]
async fn twenty_thousand_connects_cost_at_most_100_writes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adit.db");
    let database: config::Database =
        toml::from_str(&format!("path = {:?}", path.to_str().unwrap())).unwrap();
    let db = Db::open(&database).await.unwrap();
    let info = Info::default();
    let before = TestServer::with_db(db.clone(), Clock::manual(START)).await;
    before.user("ada").await;
    let organization = before.organization().await;
    let fleet = before
        .state
        .devices
        .insert_fleet(organization, DEVICES, "1", &info);
    let fleet = fleet.await;
    // As after a restart: everything is read from the database.
    let server = TestServer::with_db(db.clone(), Clock::manual(START)).await;
    let (devices, clock) = (&server.state.devices, &server.state.clock);
    let registry = Registry::<_>::new(Instant::now());
    let writes_before = db.write_count();

    // By the server's clock, as fast as the work is done.
    let mut last_write = START;
    let mut second = async || {
        clock.advance(1);
        devices.upkeep(&mut last_write).await;
    };
    for arrivals in fleet.chunks(PER_SECOND) {
        for device in arrivals {
            let epoch = devices.next_epoch();
            registry
                .register(*device, epoch, [1; 16], (), Instant::now())
                .unwrap();
            devices
                .connected(*device, epoch, "192.0.2.1", "1", &info)
                .await;
            devices.measured(*device, epoch, Duration::from_millis(40));
        }
        second().await;
    }
    assert_eq!(registry.len(), DEVICES);
    for number in 0..STAYS_S {
        if number % 15 == 0 {
            // PING and PONG, as the relay measures them.
            for device in &fleet {
                let (user, purpose) = (None, Purpose::Idle);
                server.state.usage.add(*device, user, purpose, PING);
            }
        }
        second().await;
    }
    let writes = db.write_count() - writes_before;
    assert!((10..=100).contains(&writes), "{writes} writes");
    let seen = devices.written_last_seen().await;
    assert_eq!(seen.len(), DEVICES);
    let recent = clock.now().plus_seconds(-6 * 60);
    assert!(
        seen.iter().all(|at| *at > Some(recent)),
        "and yet all is written"
    );
    drop((before, server));
    db.close().await;
}
