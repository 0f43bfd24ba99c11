//! The SQL of the data meter.

use api::{DeviceId, Purpose, Transfer, UserId};
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::Key;
use crate::access::Scope;

pub(super) const fn purpose_text(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Session => "session",
        Purpose::Management => "management",
        Purpose::Idle => "idle",
    }
}

fn parse_purpose(text: &str) -> Option<Purpose> {
    [Purpose::Session, Purpose::Management, Purpose::Idle]
        .into_iter()
        .find(|purpose| purpose_text(*purpose) == text)
}

pub(super) async fn add(
    write: &mut SqliteConnection,
    key: &Key,
    transfer: Transfer,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO data_usage
            (day, device_id, user_id, purpose, to_device_bytes, from_device_bytes)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (day, device_id, user_id, purpose) DO UPDATE SET
            to_device_bytes = data_usage.to_device_bytes + excluded.to_device_bytes,
            from_device_bytes = data_usage.from_device_bytes + excluded.from_device_bytes",
    )
    .bind(key.day)
    .bind(key.device.0)
    .bind(key.user.map_or(Uuid::nil(), |user| user.0))
    .bind(purpose_text(key.purpose))
    .bind(bound(transfer.to_device_bytes))
    .bind(bound(transfer.from_device_bytes))
    .execute(write)
    .await
    .map(drop)
}

pub(super) async fn delete_before(write: &mut SqliteConnection, day: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM data_usage WHERE day < $1")
        .bind(day)
        .execute(write)
        .await
        .map(drop)
}

#[derive(FromRow)]
struct DayRow {
    day: i64,
    purpose: String,
    to_device: i64,
    from_device: i64,
}

/// A device's days, of all users together. Nothing of a device outside the scope.
pub(super) async fn of_device(
    read: &SqlitePool,
    scope: Scope,
    device: DeviceId,
    first_day: i64,
    last_day: i64,
) -> sqlx::Result<Vec<(i64, Purpose, Transfer)>> {
    // Day by day, since the day leads the key: a range of days would read everybody's rows.
    let rows: Vec<DayRow> = sqlx::query_as(
        "WITH RECURSIVE asked (day) AS (
            SELECT CAST($3 AS BIGINT) UNION ALL SELECT day + 1 FROM asked WHERE day < $4
         )
         SELECT used.day, used.purpose,
                CAST(SUM(used.to_device_bytes) AS BIGINT) AS to_device,
                CAST(SUM(used.from_device_bytes) AS BIGINT) AS from_device
         FROM asked CROSS JOIN data_usage AS used
         WHERE used.day = asked.day AND used.device_id = $2
            AND EXISTS (SELECT 1 FROM devices WHERE id = $2 AND organization_id = $1)
         GROUP BY used.day, used.purpose",
    )
    .bind(scope.organization().0)
    .bind(device.0)
    .bind(first_day)
    .bind(last_day)
    .fetch_all(read)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let sum = transfer(row.to_device, row.from_device);
        Some((row.day, parse_purpose(&row.purpose)?, sum))
    });
    Ok(known.collect())
}

#[derive(FromRow)]
struct UserRow {
    user_id: Uuid,
    to_device: i64,
    from_device: i64,
}

/// A device's users on these days together. Nothing of a device outside the scope.
pub(super) async fn users_of_device(
    read: &SqlitePool,
    scope: Scope,
    device: DeviceId,
    first_day: i64,
    last_day: i64,
) -> sqlx::Result<Vec<(UserId, Transfer)>> {
    let rows: Vec<UserRow> = sqlx::query_as(
        "WITH RECURSIVE asked (day) AS (
            SELECT CAST($3 AS BIGINT) UNION ALL SELECT day + 1 FROM asked WHERE day < $4
         )
         SELECT used.user_id,
                CAST(SUM(used.to_device_bytes) AS BIGINT) AS to_device,
                CAST(SUM(used.from_device_bytes) AS BIGINT) AS from_device
         FROM asked CROSS JOIN data_usage AS used
         WHERE used.day = asked.day AND used.device_id = $2 AND used.user_id <> $5
            AND EXISTS (SELECT 1 FROM devices WHERE id = $2 AND organization_id = $1)
         GROUP BY used.user_id",
    )
    .bind(scope.organization().0)
    .bind(device.0)
    .bind(first_day)
    .bind(last_day)
    .bind(Uuid::nil())
    .fetch_all(read)
    .await?;
    let users = rows.into_iter().map(|row| {
        let sum = transfer(row.to_device, row.from_device);
        (UserId(row.user_id), sum)
    });
    Ok(users.collect())
}

/// `None`: there is no such account any more.
pub(super) async fn username(read: &SqlitePool, user: UserId) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar("SELECT username FROM users WHERE id = $1")
        .bind(user.0)
        .fetch_optional(read)
        .await
}

fn transfer(to_device: i64, from_device: i64) -> Transfer {
    let bytes = |number| u64::try_from(number).unwrap_or(0);
    Transfer {
        to_device_bytes: bytes(to_device),
        from_device_bytes: bytes(from_device),
    }
}

fn bound(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
