//! The SQL of devices' certificates.

use api::{DeviceCertificate, DeviceId, Timestamp};
use data_encoding::HEXLOWER;
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::access::Scope;
use crate::http::ClientCertificate;

/// What admission needs to know of a key.
#[derive(FromRow)]
pub(super) struct Pin {
    pub(super) spki_sha256: Vec<u8>,
    pub(super) device_id: Uuid,
    pub(super) not_after: i64,
    pub(super) revoked_at: Option<i64>,
}

/// All records of a device, and the one of this key, whose device ever it is.
pub(super) async fn pins(
    write: &mut SqliteConnection,
    device: DeviceId,
    spki_sha256: &[u8; 32],
) -> sqlx::Result<Vec<Pin>> {
    sqlx::query_as(
        "SELECT spki_sha256, device_id, not_after, revoked_at FROM device_certificates
         WHERE device_id = $1 OR spki_sha256 = $2",
    )
    .bind(device.0)
    .bind(&spki_sha256[..])
    .fetch_all(write)
    .await
}

/// Whether a device ever showed a certificate.
pub(super) async fn has_any(read: &SqlitePool, device: DeviceId) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM device_certificates WHERE device_id = $1)")
        .bind(device.0)
        .fetch_one(read)
        .await
}

/// Writes what is seen now.
pub(super) async fn see(
    write: &mut SqliteConnection,
    device: DeviceId,
    certificate: &ClientCertificate,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO device_certificates
             (spki_sha256, device_id, subject, serial, not_after, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (spki_sha256) DO UPDATE SET subject = excluded.subject,
             serial = excluded.serial, not_after = excluded.not_after,
             last_seen_at = excluded.last_seen_at",
    )
    .bind(&certificate.spki_sha256[..])
    .bind(device.0)
    .bind(&certificate.subject)
    .bind(&certificate.serial)
    .bind(certificate.not_after.0)
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

/// Revokes a key of a device of the scope. `false`: there is none.
pub(super) async fn revoke(
    write: &mut SqliteConnection,
    scope: Scope,
    device: DeviceId,
    spki_sha256: &[u8; 32],
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE device_certificates SET revoked_at = COALESCE(revoked_at, $4)
         WHERE spki_sha256 = $3 AND device_id =
             (SELECT id FROM devices WHERE id = $2 AND organization_id = $1)",
    )
    .bind(scope.organization().0)
    .bind(device.0)
    .bind(&spki_sha256[..])
    .bind(now.0)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

#[derive(FromRow)]
struct Row {
    spki_sha256: Vec<u8>,
    subject: String,
    serial: String,
    not_after: i64,
    first_seen_at: i64,
    last_seen_at: i64,
    revoked_at: Option<i64>,
}

/// What a device of the scope has shown: the hundred last seen.
pub(super) async fn of_device(
    read: &SqlitePool,
    scope: Scope,
    device: DeviceId,
) -> sqlx::Result<Vec<DeviceCertificate>> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT shown.spki_sha256, shown.subject, shown.serial, shown.not_after,
             shown.first_seen_at, shown.last_seen_at, shown.revoked_at
         FROM device_certificates AS shown JOIN devices ON devices.id = shown.device_id
         WHERE shown.device_id = $1 AND devices.organization_id = $2
         ORDER BY shown.last_seen_at DESC, shown.spki_sha256 LIMIT 100",
    )
    .bind(device.0)
    .bind(scope.organization().0)
    .fetch_all(read)
    .await?;
    let certificate = |row: Row| DeviceCertificate {
        id: HEXLOWER.encode(&row.spki_sha256),
        subject: row.subject,
        serial: row.serial,
        not_after: Timestamp(row.not_after),
        first_seen_at: Timestamp(row.first_seen_at),
        last_seen_at: Timestamp(row.last_seen_at),
        revoked_at: row.revoked_at.map(Timestamp),
    };
    Ok(rows.into_iter().map(certificate).collect())
}
