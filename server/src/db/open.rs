//! Opening SQLite: one connection that writes, a few that read.

use std::path::Path;
use std::time::Duration;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::OpenError;

const READERS: u32 = 4;
/// Another process, such as the command line, may hold the lock for a moment.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// A request that waits longer for its turn fails.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// Writer and readers of a file.
pub(super) async fn file(path: &Path) -> Result<(SqlitePool, SqlitePool), OpenError> {
    make_private(path).map_err(|source| OpenError::File {
        path: path.display().to_string(),
        source,
    })?;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .synchronous(SqliteSynchronous::Normal);
    let writing = options
        .clone()
        .journal_mode(SqliteJournalMode::Wal)
        .optimize_on_close(true, 400);
    let writer = pool(1).connect_with(writing).await?;
    let reader = pool(READERS).connect_with(options.read_only(true)).await?;
    Ok((writer, reader))
}

/// The one connection of a database in memory; it must never be closed for idleness.
pub(super) async fn memory() -> Result<SqlitePool, OpenError> {
    let options = SqliteConnectOptions::new()
        .in_memory(true)
        .foreign_keys(true);
    Ok(pool(1).connect_with(options).await?)
}

fn pool(size: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes the file, readable by its owner alone, when it is not there. SQLite gives its companions
/// (`-wal`, `-shm`) the same rights.
fn make_private(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path).map(drop)
}
