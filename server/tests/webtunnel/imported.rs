//! Devices that were brought along from another server, without their secrets.

use server::import::{Fleet, Outcome, Subject};

use crate::place::{AGENT_ID, Scene};
use crate::stub::{Settings, Stub};

const DUMP: &[u8] = include_bytes!("../import/dump.sql");
const DOMAIN: &str = "11111111-1111-4111-8111-111111111111";
const ID: &str = "pump-1";

#[tokio::test]
async fn s27_an_imported_device_is_let_in_by_a_new_secret_alone() {
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
    for password in ["device-canary-c0ffee", "sha256:none", "none", "", own] {
        let Err(answer) = Stub::connect(&settings(password)).await else {
            panic!("let in by {password:?}");
        };
        assert_eq!(answer.status, 401);
        let text = answer.field("x-ptth-error").unwrap_or_default();
        assert!(text.starts_with("The password is wrong"), "{text}");
    }
    // The other device's is its own now.
    let file = scene.place.folder.path().join("adit.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
    let database = sqlx::SqlitePool::connect_with(options).await.unwrap();
    let done = sqlx::query(
        "UPDATE webtunnel_devices SET secret_hash =
            (SELECT secret_hash FROM webtunnel_devices WHERE agent_id = $1) WHERE agent_id = $2",
    )
    .bind(AGENT_ID)
    .bind(ID)
    .execute(&database)
    .await
    .unwrap();
    assert_eq!(done.rows_affected(), 1);
    database.close().await;
    assert!(Stub::connect(&settings(own)).await.is_ok());
}
