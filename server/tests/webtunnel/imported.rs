//! Devices that were brought along from another server, without their secrets.

use api::{DeviceId, OrganizationId};
use server::access::Scope;
use server::import::{Fleet, Outcome, Subject};
use uuid::Uuid;

use crate::place::Scene;
use crate::stub::{Settings, Stub};

const DUMP: &[u8] = include_bytes!("../import/dump.sql");
const DOMAIN: &str = "11111111-1111-4111-8111-111111111111";
const ID: &str = "pump-1";

#[tokio::test]
async fn s27_an_imported_device_is_let_in_by_a_new_secret_or_its_domains_alone() {
    let scene = Scene::new().await;
    let fleet = Fleet::of_webtunnel(DUMP).unwrap();
    let report = fleet.import(&scene.place.handle, false).await.unwrap();
    assert_eq!(report.count(Subject::Device, Outcome::Imported), 4);
    let settings = |password: &str| Settings {
        user: format!("{ID}@{DOMAIN}"),
        password: password.to_owned(),
        ..scene.settings.clone()
    };
    // What the dump has of it, what is recorded of it here, and another device's.
    let own = scene.settings.password.as_str();
    for password in ["device-canary-c0ffee", "none", "", own] {
        let Err(answer) = Stub::connect(&settings(password)).await else {
            panic!("let in by {password:?}");
        };
        assert_eq!(answer.status, 401);
        let text = answer.field("x-ptth-error").unwrap_or_default();
        assert!(text.starts_with("The password is wrong"), "{text}");
    }
    let file = scene.place.folder.path().join("adit.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let database = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let (device, organization): (Uuid, Uuid) = sqlx::query_as(
        "SELECT devices.id, organization_id FROM devices
         JOIN webtunnel_devices ON device_id = devices.id WHERE agent_id = $1",
    )
    .bind(ID)
    .fetch_one(&database)
    .await
    .unwrap();
    database.close().await;
    let scope = Scope::of(OrganizationId(organization));
    let webtunnel = &scene.place.handle.webtunnel;

    // What all of the fleet had: its domain's secret now.
    let shared = || Some("device-canary-c0ffee".to_owned().into());
    let domain = DOMAIN.parse().unwrap();
    let set = webtunnel.set_domain_secret(scope, domain, shared()).await;
    assert!(set.unwrap().is_none());
    assert!(
        Stub::connect(&settings("device-canary-c0ffee"))
            .await
            .is_ok()
    );

    let own = webtunnel.set_agent_secret(scope, DeviceId(device), None);
    let own = own.await.unwrap().unwrap();
    assert!(Stub::connect(&settings(own.reveal())).await.is_ok());
    assert!(
        Stub::connect(&settings("device-canary-c0ffee"))
            .await
            .is_err()
    );
}
