//! Device records by the thousand, straight into the server's database.

use std::path::Path;
use std::time::{Duration, SystemTime};

use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;

/// Long enough ago that the server waits for none of them.
const LAST_SEEN: Duration = Duration::from_hours(24);

/// Adds so many enrolled devices, each with a web page and SSH, to the first organization. The
/// server must have made the database, and must not run.
pub(super) async fn insert_devices(database: &Path, count: u32) -> anyhow::Result<()> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let (now_ms, last_seen_ms) = (now.as_millis(), (now - LAST_SEEN).as_millis());
    let (now_ms, last_seen_ms) = (i64::try_from(now_ms)?, i64::try_from(last_seen_ms)?);
    let options = SqliteConnectOptions::new().filename(database);
    let pool = SqlitePool::connect_with(options).await?;
    let mut write = pool.begin().await?;
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1)
         INSERT INTO device_labels (label, created_at)
         SELECT 'device-' || n, $2 FROM numbers",
    )
    .bind(count)
    .bind(now_ms)
    .execute(&mut *write)
    .await?;
    sqlx::query(
        "INSERT INTO devices (id, organization_id, public_key, label, name, name_key, search_text,
             enrolled_at, last_seen, address, agent_version, os, arch, host_name)
         SELECT randomblob(16), (SELECT id FROM organizations LIMIT 1), randomblob(32), label,
             label, label, label || char(10) || label || char(10) || '192.0.2.1', $1, $2,
             '192.0.2.1', '0.1.0', 'linux', 'x86_64', label
         FROM device_labels",
    )
    .bind(now_ms)
    .bind(last_seen_ms)
    .execute(&mut *write)
    .await?;
    for (order, (name, port)) in [("web", 80), ("ssh", 22)].into_iter().enumerate() {
        sqlx::query(
            "INSERT INTO device_services (device_id, name, reported, report_order, kind, host,
                 port, tls)
             SELECT id, $1, 1, $2, $1, '127.0.0.1', $3, 0 FROM devices",
        )
        .bind(name)
        .bind(i64::try_from(order)?)
        .bind(port)
        .execute(&mut *write)
        .await?;
    }
    write.commit().await?;
    pool.close().await;
    Ok(())
}
