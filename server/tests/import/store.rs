//! What is in the database, looked at from outside.

use std::path::Path;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Column, Row, SqlitePool, ValueRef};

pub(crate) struct Database(SqlitePool);

impl Database {
    pub(crate) async fn open(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path);
        Self(SqlitePool::connect_with(options).await.unwrap())
    }

    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&self.0).await.unwrap()
    }

    /// All rows of all tables but those that count what the server itself does.
    pub(crate) async fn everything(&self) -> Vec<(String, Vec<String>)> {
        let tables: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'
             AND name NOT IN ('server', 'server_secrets', '_sqlx_migrations') ORDER BY name",
        )
        .fetch_all(&self.0)
        .await
        .unwrap();
        let mut everything = Vec::new();
        for table in tables {
            let query = sqlx::AssertSqlSafe(format!("SELECT * FROM {table}"));
            let rows = sqlx::query(query).fetch_all(&self.0).await.unwrap();
            let mut rows: Vec<String> = rows.iter().map(text).collect();
            rows.sort();
            everything.push((table, rows));
        }
        everything
    }

    /// Label, name and organization.
    pub(crate) async fn device(&self, agent_id: &str) -> (String, String, String) {
        sqlx::query_as(
            "SELECT d.label, d.name, o.name FROM webtunnel_devices a
             JOIN devices d ON d.id = a.device_id JOIN organizations o ON o.id = d.organization_id
             JOIN webtunnel_domains w ON w.domain = a.domain AND w.organization_id = o.id
             WHERE a.agent_id = $1",
        )
        .bind(agent_id)
        .fetch_one(&self.0)
        .await
        .unwrap()
    }

    /// In the order in which it joined them.
    pub(crate) async fn organizations_of(&self, username: &str) -> Vec<String> {
        sqlx::query_scalar(
            "SELECT o.name FROM users u JOIN members m ON m.user_id = u.id
             JOIN organizations o ON o.id = m.organization_id
             WHERE u.username = $1 ORDER BY m.created_at, o.id",
        )
        .bind(username)
        .fetch_all(&self.0)
        .await
        .unwrap()
    }

    pub(crate) async fn default_organization(&self) -> String {
        sqlx::query_scalar("SELECT name FROM organizations ORDER BY created_at, id LIMIT 1")
            .fetch_one(&self.0)
            .await
            .unwrap()
    }
}

fn text(row: &sqlx::sqlite::SqliteRow) -> String {
    let value = |column: &sqlx::sqlite::SqliteColumn| {
        let raw = row.try_get_raw(column.ordinal()).unwrap();
        if raw.is_null() {
            return "NULL".to_owned();
        }
        let index = column.ordinal();
        row.try_get_unchecked::<String, _>(index)
            .or_else(|_| {
                row.try_get_unchecked::<Vec<u8>, _>(index)
                    .map(|bytes| format!("{bytes:?}"))
            })
            .unwrap()
    };
    let values: Vec<String> = row.columns().iter().map(value).collect();
    values.join("|")
}
