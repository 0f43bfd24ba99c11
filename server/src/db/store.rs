//! What the server keeps about itself.

use sqlx::{SqliteConnection, SqlitePool};

pub(super) async fn next_boot_number(pool: &SqlitePool) -> sqlx::Result<u32> {
    sqlx::query_scalar(
        "INSERT INTO server (id, boot_number) VALUES (1, 1)
         ON CONFLICT (id) DO UPDATE SET boot_number = server.boot_number + 1
         RETURNING boot_number",
    )
    .fetch_one(pool)
    .await
}

/// The secret of this name; `fresh` becomes it if there is none yet.
pub(super) async fn secret(
    write: &mut SqliteConnection,
    name: &str,
    fresh: [u8; 32],
) -> sqlx::Result<[u8; 32]> {
    let stored: Vec<u8> = sqlx::query_scalar(
        "INSERT INTO server_secrets (name, secret) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET secret = server_secrets.secret
         RETURNING secret",
    )
    .bind(name)
    .bind(fresh.as_slice())
    .fetch_one(write)
    .await?;
    stored
        .try_into()
        .map_err(|_| sqlx::Error::Decode("a secret is not 32 bytes long".into()))
}

pub(super) async fn ping(pool: &SqlitePool) -> sqlx::Result<()> {
    sqlx::query_scalar::<_, i64>("SELECT 1")
        .fetch_one(pool)
        .await
        .map(drop)
}
