//! What is to be written now, in somebody's transaction.

use std::sync::atomic::Ordering;

use api::{Purpose, Transfer};
use sqlx::SqliteConnection;

use super::{KEPT_DAYS, Key, Usage, store};

/// What tunnels use by themselves is written in so many turns, a part of the devices in each: a
/// fleet at rest is no reason to write a row for each device every 30 s.
const TURNS: u128 = 10;

/// Taken out of memory; goes back there unless it was written.
#[must_use]
pub struct Due {
    usage: Usage,
    pub(super) entries: Vec<(Key, Transfer)>,
}

impl Usage {
    /// Takes what is due; `all`: everything.
    pub fn due(&self, all: bool) -> Due {
        let turn = u128::from(self.0.turn.fetch_add(1, Ordering::Relaxed)) % TURNS;
        let today = self.today();
        let is_due = |key: &Key| {
            all || key.purpose != Purpose::Idle
                || key.day != today
                || key.device.0.as_u128() % TURNS == turn
        };
        let entries = self.pending().extract_if(|key, _| is_due(key)).collect();
        Due {
            usage: self.clone(),
            entries,
        }
    }

    /// Writes everything, in a write of its own.
    ///
    /// # Errors
    /// When the database fails; what was to be written is kept.
    pub async fn write_all(&self) -> sqlx::Result<()> {
        let due = self.due(true);
        if due.is_empty() {
            return Ok(());
        }
        let mut write = self.0.db.write().await?;
        due.write(&mut write).await?;
        write.commit().await?;
        due.written();
        Ok(())
    }
}

impl Due {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Writes it, and once a day deletes what is too old.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn write(&self, write: &mut SqliteConnection) -> sqlx::Result<()> {
        for (key, transfer) in &self.entries {
            store::add(write, key, *transfer).await?;
        }
        let today = self.usage.today();
        if self.usage.0.swept_on.load(Ordering::Relaxed) != today {
            store::delete_before(write, today - i64::from(KEPT_DAYS)).await?;
        }
        Ok(())
    }

    /// The transaction was committed.
    pub fn written(mut self) {
        self.entries.clear();
        let today = self.usage.today();
        self.usage.0.swept_on.store(today, Ordering::Relaxed);
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        for (key, transfer) in self.entries.drain(..) {
            self.usage.put(key, transfer);
        }
    }
}
