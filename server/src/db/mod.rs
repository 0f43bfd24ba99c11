//! The database: pools, migrations, transactions. SQL of features stands in their `store.rs`.

mod id;
mod open;
mod store;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::registry::Registry;
use sqlx::{Sqlite, SqlitePool, Transaction};

use crate::config;
use crate::metrics::{Live, Reading};

pub use id::{new_id, random};

/// The pools; cheap to clone.
///
/// SQLite has one writer at a time: writes take turns at a pool of one connection, where waiting
/// is fair and in memory, instead of meeting in the database. Reads have connections of their own
/// and never wait for a write.
#[derive(Clone)]
pub struct Db(Arc<Pools>);

struct Pools {
    writer: SqlitePool,
    reader: SqlitePool,
    boot_number: u32,
    write_count: AtomicU64,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database file {path} cannot be made")]
    File {
        path: String,
        source: std::io::Error,
    },
    #[error("the database cannot be opened")]
    Connect(#[from] sqlx::Error),
    #[error("the database cannot be brought to this version's form")]
    Migrate(#[from] sqlx::migrate::MigrateError),
}

impl Db {
    /// Opens the database, makes it when it is not there, and brings it to this version's form.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn open(config: &config::Database) -> Result<Self, OpenError> {
        let (writer, reader) = open::file(&config.path).await?;
        Self::from_pools(writer, reader).await
    }

    /// A database that is gone when it is dropped. Reader and writer are one connection, so a read
    /// inside a write is found out in tests: it never returns.
    ///
    /// # Errors
    /// [`OpenError`]
    pub async fn in_memory() -> Result<Self, OpenError> {
        let pool = open::memory().await?;
        Self::from_pools(pool.clone(), pool).await
    }

    async fn from_pools(writer: SqlitePool, reader: SqlitePool) -> Result<Self, OpenError> {
        sqlx::migrate!("migrations/sqlite").run(&writer).await?;
        let boot_number = store::next_boot_number(&writer).await?;
        let write_count = AtomicU64::new(0);
        Ok(Self(Arc::new(Pools {
            writer,
            reader,
            boot_number,
            write_count,
        })))
    }

    /// How many times this database has been opened, this time included.
    #[must_use]
    pub fn boot_number(&self) -> u32 {
        self.0.boot_number
    }

    /// The server's own secret of this name, made at the first call ever.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn secret(&self, name: &str) -> sqlx::Result<[u8; 32]> {
        let mut write = self.write().await?;
        let secret = store::secret(&mut write, name, random()).await?;
        write.commit().await?;
        Ok(secret)
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> sqlx::Result<()> {
        store::ping(self.reader()).await
    }

    /// For queries that change nothing.
    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.0.reader
    }

    /// Begins a write. Nothing else is written until it is committed or dropped: never wait for a
    /// peer, or for a read, inside.
    pub(crate) async fn write(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.0.write_count.fetch_add(1, Ordering::Relaxed);
        // At once a writer: a transaction that becomes one later fails when another process, such
        // as the command line, wrote in between.
        self.0.writer.begin_with("BEGIN IMMEDIATE").await
    }

    /// How many writes have begun.
    #[must_use]
    pub fn write_count(&self) -> u64 {
        self.0.write_count.load(Ordering::Relaxed)
    }

    /// Shows how busy the pools are.
    pub fn register(&self, registry: &mut Registry) {
        let db = self.clone();
        registry.register_collector(Box::new(Live(move |reading: &mut Reading<'_>| {
            let pools = [("reader", &db.0.reader), ("writer", &db.0.writer)];
            reading.gauges(
                "database_connections",
                "Connections to the database",
                pools.into_iter().flat_map(|(name, pool)| {
                    let (all, idle) = (pool.size() as usize, pool.num_idle());
                    let busy = all.saturating_sub(idle);
                    [
                        ([("pool", name), ("state", "busy")], busy),
                        ([("pool", name), ("state", "idle")], idle),
                    ]
                }),
            )?;
            reading.counter(
                "database_writes",
                "Writes that have begun",
                db.write_count(),
            )
        })));
    }

    /// Closes the pools and, with them, the write-ahead log.
    pub async fn close(&self) {
        self.0.reader.close().await;
        self.0.writer.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn boots_are_counted_and_secrets_outlive_them() {
        let folder = tempfile::tempdir().unwrap();
        // Through TOML, as a person would: the type has more keys than this test cares about.
        let path = folder.path().join("adit.db");
        let config: config::Database =
            toml::from_str(&format!("path = {:?}", path.to_str().unwrap())).unwrap();

        let first = Db::open(&config).await.unwrap();
        let secret = first.secret("device-nonce").await.unwrap();
        assert_ne!(secret, first.secret("other").await.unwrap());
        first.close().await;

        let second = Db::open(&config).await.unwrap();
        assert_eq!(second.boot_number(), first.boot_number() + 1);
        assert_eq!(second.secret("device-nonce").await.unwrap(), secret);
        second.ping().await.unwrap();
        second.close().await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nobody_else_can_read_the_file() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adit.db");
        let (writer, reader) = open::file(&path).await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
        reader.close().await;
        writer.close().await;
    }

    #[tokio::test]
    async fn reads_do_not_wait_for_a_write() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, reader) = open::file(&folder.path().join("adit.db")).await.unwrap();
        let db = Db::from_pools(writer, reader).await.unwrap();
        let mut write = db.write().await.unwrap();
        store::secret(&mut write, "half-written", [1; 32])
            .await
            .unwrap();
        db.ping().await.unwrap();
        drop(write);
        // What was not committed has left nothing.
        let mut write = db.write().await.unwrap();
        let secret = store::secret(&mut write, "half-written", [2; 32])
            .await
            .unwrap();
        assert_eq!(secret, [2; 32]);
        drop(write);
        db.close().await;
    }

    #[tokio::test]
    async fn a_file_of_a_reader_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, reader) = open::file(&folder.path().join("adit.db")).await.unwrap();
        let db = Db::from_pools(writer, reader).await.unwrap();
        let refused = store::next_boot_number(db.reader()).await;
        assert!(refused.is_err());
        db.close().await;
    }
}
