//! The SQL of devices.
//!
//! Functions that take a [`Scope`] act for people; those that take a device act for the server
//! itself, on what it has just proven or read.

use std::collections::HashMap;

use api::{DeviceId, InstallKey, InstallKeyId, OrganizationId, Timestamp, UpdateService};
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::access::{Scope, SecretHash};

use super::DeviceIdentity;
use super::model::{Record, ServiceRecord};
use super::records::Cursor;
use super::report::{Report, kind_text, parse_kind};
use super::upkeep::Seen;

type Connection = SqliteConnection;

// Devices.

#[derive(FromRow)]
struct DeviceRow {
    id: Uuid,
    organization_id: Uuid,
    public_key: Vec<u8>,
    label: String,
    name: String,
    enrolled_at: i64,
    last_seen: Option<i64>,
    address: Option<String>,
    agent_version: Option<String>,
    os: Option<String>,
    host_name: Option<String>,
    ssh_host_keys: Option<String>,
    report_hash: Option<Vec<u8>>,
    disabled_at: Option<i64>,
}

impl DeviceRow {
    fn into_record(self, services: Vec<ServiceRecord>) -> sqlx::Result<Record> {
        Ok(Record {
            id: DeviceId(self.id),
            organization: OrganizationId(self.organization_id),
            key: bytes32(self.public_key)?,
            label: self.label,
            name: self.name,
            enrolled_at: Timestamp(self.enrolled_at),
            last_seen: self.last_seen.map(Timestamp),
            address: self.address,
            agent_version: self.agent_version,
            os: self.os,
            host_name: self.host_name,
            ssh_host_keys: self.ssh_host_keys.unwrap_or_default(),
            report_hash: self.report_hash.map(bytes32).transpose()?,
            disabled_at: self.disabled_at.map(Timestamp),
            services,
        })
    }
}

#[derive(FromRow)]
struct ServiceRow {
    device_id: Uuid,
    name: String,
    kind: String,
    host: String,
    port: i64,
    tls: bool,
    title: Option<String>,
    position: Option<i64>,
    hidden: bool,
}

impl ServiceRow {
    fn into_record(self) -> sqlx::Result<ServiceRecord> {
        Ok(ServiceRecord {
            name: self.name,
            kind: parse_kind(&self.kind).ok_or_else(|| decode("a service has an unknown kind"))?,
            host: self.host,
            port: u16::try_from(self.port).map_err(|_| decode("a service has no such port"))?,
            tls: self.tls,
            title: self.title,
            position: self
                .position
                .map(|position| u32::try_from(position).unwrap_or(u32::MAX)),
            hidden: self.hidden,
        })
    }
}

/// Whose device this is, unless it is disabled.
pub(super) async fn owner(read: &SqlitePool, id: DeviceId) -> sqlx::Result<Option<OrganizationId>> {
    let owner = sqlx::query_scalar(
        "SELECT organization_id FROM devices WHERE id = $1 AND disabled_at IS NULL",
    )
    .bind(id.0)
    .fetch_optional(read)
    .await?;
    Ok(owner.map(OrganizationId))
}

pub(super) async fn load_all(read: &SqlitePool) -> sqlx::Result<Vec<Record>> {
    let services: Vec<ServiceRow> = sqlx::query_as(
        "SELECT device_id, name, kind, host, port, tls, title, position, hidden
         FROM device_services WHERE reported = TRUE ORDER BY device_id, report_order",
    )
    .fetch_all(read)
    .await?;
    let mut by_device: HashMap<Uuid, Vec<ServiceRecord>> = HashMap::new();
    for row in services {
        by_device
            .entry(row.device_id)
            .or_default()
            .push(row.into_record()?);
    }
    let devices: Vec<DeviceRow> = sqlx::query_as(
        "SELECT id, organization_id, public_key, label, name, enrolled_at, last_seen, address,
                agent_version, os, host_name, ssh_host_keys, report_hash, disabled_at
         FROM devices",
    )
    .fetch_all(read)
    .await?;
    devices
        .into_iter()
        .map(|row| {
            let services = by_device.remove(&row.id).unwrap_or_default();
            row.into_record(services)
        })
        .collect()
}

pub(super) async fn load_one(write: &mut Connection, id: DeviceId) -> sqlx::Result<Option<Record>> {
    let device: Option<DeviceRow> = sqlx::query_as(
        "SELECT id, organization_id, public_key, label, name, enrolled_at, last_seen, address,
                agent_version, os, host_name, ssh_host_keys, report_hash, disabled_at
         FROM devices WHERE id = $1",
    )
    .bind(id.0)
    .fetch_optional(&mut *write)
    .await?;
    let Some(device) = device else {
        return Ok(None);
    };
    let services: Vec<ServiceRow> = sqlx::query_as(
        "SELECT device_id, name, kind, host, port, tls, title, position, hidden
         FROM device_services WHERE device_id = $1 AND reported = TRUE ORDER BY report_order",
    )
    .bind(id.0)
    .fetch_all(write)
    .await?;
    let services = services
        .into_iter()
        .map(ServiceRow::into_record)
        .collect::<Result<_, _>>()?;
    device.into_record(services).map(Some)
}

#[derive(FromRow)]
struct PlaceRow {
    name_key: String,
    id: Uuid,
}

/// Where devices stand in the list, from `after` on.
pub(super) async fn list(
    read: &SqlitePool,
    scope: Scope,
    pattern: &str,
    after: &Cursor,
    limit: u32,
) -> sqlx::Result<Vec<Cursor>> {
    let rows: Vec<PlaceRow> = sqlx::query_as(
        r"SELECT name_key, id FROM devices
          WHERE organization_id = $1
            AND (search_text LIKE $2 ESCAPE '\' OR address LIKE $2 ESCAPE '\')
            AND (name_key, id) > ($3, $4)
          ORDER BY name_key, id LIMIT $5",
    )
    .bind(scope.organization().0)
    .bind(pattern)
    .bind(&after.name_key)
    .bind(after.id)
    .bind(i64::from(limit))
    .fetch_all(read)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Cursor {
            name_key: row.name_key,
            id: row.id,
        })
        .collect())
}

pub(super) async fn count(read: &SqlitePool, scope: Scope, pattern: &str) -> sqlx::Result<u64> {
    let count: i64 = sqlx::query_scalar(
        r"SELECT COUNT(*) FROM devices
          WHERE organization_id = $1
            AND (search_text LIKE $2 ESCAPE '\' OR address LIKE $2 ESCAPE '\')",
    )
    .bind(scope.organization().0)
    .bind(pattern)
    .fetch_one(read)
    .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// What a search looks through that a rename leaves: label and host name.
pub(super) async fn searched(
    write: &mut Connection,
    scope: Scope,
    id: DeviceId,
) -> sqlx::Result<Option<(String, String)>> {
    sqlx::query_as(
        "SELECT label, COALESCE(host_name, '') FROM devices
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(scope.organization().0)
    .bind(id.0)
    .fetch_optional(write)
    .await
}

pub(super) async fn rename(
    write: &mut Connection,
    scope: Scope,
    id: DeviceId,
    name: &str,
    search_text: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE devices SET name = $3, name_key = $4, search_text = $5
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(scope.organization().0)
    .bind(id.0)
    .bind(name)
    .bind(name.to_lowercase())
    .bind(search_text)
    .execute(write)
    .await
    .map(drop)
}

/// Whether there is such a device. One that is disabled already stays so from when it was.
pub(super) async fn disable(
    write: &mut Connection,
    scope: Scope,
    id: DeviceId,
    disabled_at: Option<Timestamp>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE devices SET
            disabled_at = CASE WHEN $3 IS NULL THEN NULL ELSE COALESCE(disabled_at, $3) END
         WHERE organization_id = $1 AND id = $2",
    )
    .bind(scope.organization().0)
    .bind(id.0)
    .bind(disabled_at.map(|at| at.0))
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Whether there was such a device.
pub(super) async fn delete(
    write: &mut Connection,
    scope: Scope,
    id: DeviceId,
) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM devices WHERE organization_id = $1 AND id = $2")
        .bind(scope.organization().0)
        .bind(id.0)
        .execute(write)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn write_last_seen(write: &mut Connection, seen: &Seen) -> sqlx::Result<()> {
    sqlx::query("UPDATE devices SET last_seen = $2, address = $3 WHERE id = $1")
        .bind(seen.device.0)
        .bind(seen.at.0)
        .bind(&seen.address)
        .execute(write)
        .await
        .map(drop)
}

/// Writes what the agent reports. Services that it no longer reports go, except where people gave
/// them something: that is kept for when they come back.
pub(super) async fn write_report(
    write: &mut Connection,
    device: DeviceId,
    report: &Report,
    hash: &[u8; 32],
    search_text: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "UPDATE devices SET agent_version = $2, os = $3, arch = $4, host_name = $5,
            ssh_host_keys = $6, addresses = $7, report_hash = $8, search_text = $9
         WHERE id = $1",
    )
    .bind(device.0)
    .bind(&report.agent_version)
    .bind(&report.os)
    .bind(&report.arch)
    .bind(&report.host_name)
    .bind(report.ssh_host_keys.join("\n"))
    .bind(report.addresses.join("\n"))
    .bind(hash.as_slice())
    .bind(search_text)
    .execute(&mut *write)
    .await?;
    sqlx::query("UPDATE device_services SET reported = FALSE WHERE device_id = $1")
        .bind(device.0)
        .execute(&mut *write)
        .await?;
    for (order, service) in report.services.iter().enumerate() {
        sqlx::query(
            "INSERT INTO device_services
                (device_id, name, reported, report_order, kind, host, port, tls, hidden)
             VALUES ($1, $2, TRUE, $3, $4, $5, $6, $7, FALSE)
             ON CONFLICT (device_id, name) DO UPDATE SET
                reported = TRUE, report_order = excluded.report_order, kind = excluded.kind,
                host = excluded.host, port = excluded.port, tls = excluded.tls",
        )
        .bind(device.0)
        .bind(&service.name)
        .bind(order as i64)
        .bind(kind_text(service.kind))
        .bind(&service.host)
        .bind(i64::from(service.port))
        .bind(service.tls)
        .execute(&mut *write)
        .await?;
    }
    sqlx::query(
        "DELETE FROM device_services WHERE device_id = $1 AND reported = FALSE
            AND title IS NULL AND position IS NULL AND hidden = FALSE",
    )
    .bind(device.0)
    .execute(write)
    .await
    .map(drop)
}

/// Whether there is such a service. What the input does not name stays; an empty title goes.
pub(super) async fn update_service(
    write: &mut Connection,
    scope: Scope,
    device: DeviceId,
    service: &str,
    title: Option<&str>,
    input: &UpdateService,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE device_services SET
            title = NULLIF(COALESCE($4, title, ''), ''),
            hidden = COALESCE($5, hidden),
            position = COALESCE($6, position)
         WHERE name = $3 AND reported = TRUE AND device_id IN
            (SELECT id FROM devices WHERE organization_id = $1 AND id = $2)",
    )
    .bind(scope.organization().0)
    .bind(device.0)
    .bind(service)
    .bind(title)
    .bind(input.hidden)
    .bind(input.position.map(i64::from))
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

// Enrolment.

pub(super) async fn device_of_key(
    write: &mut Connection,
    key: &[u8; 32],
) -> sqlx::Result<Option<DeviceId>> {
    let id = sqlx::query_scalar("SELECT id FROM devices WHERE public_key = $1")
        .bind(key.as_slice())
        .fetch_optional(write)
        .await?;
    Ok(id.map(DeviceId))
}

/// Takes one use of an install key, if it is valid. Whose it is.
pub(super) async fn use_install_key(
    write: &mut Connection,
    hash: SecretHash,
    now: Timestamp,
) -> sqlx::Result<Option<(InstallKeyId, OrganizationId)>> {
    let row: Option<(Uuid, Uuid)> = sqlx::query_as(
        "UPDATE install_keys SET used = used + 1
         WHERE secret_hash = $1 AND (use_limit IS NULL OR used < use_limit)
            AND (expires_at IS NULL OR expires_at > $2)
         RETURNING id, organization_id",
    )
    .bind(hash.as_bytes())
    .bind(now.0)
    .fetch_optional(write)
    .await?;
    Ok(row.map(|(id, organization)| (InstallKeyId(id), OrganizationId(organization))))
}

/// Whether the label was never given to any device, and is this one's now.
pub(super) async fn claim_label(
    write: &mut Connection,
    label: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "INSERT INTO device_labels (label, created_at) VALUES ($1, $2)
         ON CONFLICT (label) DO NOTHING",
    )
    .bind(label)
    .bind(now.0)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn insert_device(
    write: &mut Connection,
    identity: &DeviceIdentity,
    key: &[u8; 32],
    search_text: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO devices
            (id, organization_id, public_key, label, name, name_key, search_text, enrolled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
    )
    .bind(identity.id.0)
    .bind(identity.organization.0)
    .bind(key.as_slice())
    .bind(&identity.label)
    .bind(&identity.name)
    .bind(identity.name.to_lowercase())
    .bind(search_text)
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

// Install keys.

pub(super) async fn insert_install_key(
    write: &mut Connection,
    scope: Scope,
    key: &InstallKey,
    hash: SecretHash,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO install_keys
            (id, organization_id, name, secret_hash, use_limit, used, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7)",
    )
    .bind(key.id.0)
    .bind(scope.organization().0)
    .bind(&key.name)
    .bind(hash.as_bytes())
    .bind(key.use_limit.map(i64::from))
    .bind(key.created_at.0)
    .bind(key.expires_at.map(|at| at.0))
    .execute(write)
    .await
    .map(drop)
}

#[derive(FromRow)]
struct InstallKeyRow {
    id: Uuid,
    name: String,
    use_limit: Option<i64>,
    used: i64,
    created_at: i64,
    expires_at: Option<i64>,
}

impl InstallKeyRow {
    fn into_install_key(self) -> InstallKey {
        let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
        InstallKey {
            id: InstallKeyId(self.id),
            name: self.name,
            use_limit: self.use_limit.map(count),
            used: count(self.used),
            created_at: Timestamp(self.created_at),
            expires_at: self.expires_at.map(Timestamp),
        }
    }
}

pub(super) async fn install_keys(read: &SqlitePool, scope: Scope) -> sqlx::Result<Vec<InstallKey>> {
    let rows: Vec<InstallKeyRow> = sqlx::query_as(
        "SELECT id, name, use_limit, used, created_at, expires_at FROM install_keys
         WHERE organization_id = $1 ORDER BY created_at DESC, id DESC",
    )
    .bind(scope.organization().0)
    .fetch_all(read)
    .await?;
    Ok(rows
        .into_iter()
        .map(InstallKeyRow::into_install_key)
        .collect())
}

/// Whether there was such a key.
pub(super) async fn delete_install_key(
    write: &mut Connection,
    scope: Scope,
    id: InstallKeyId,
) -> sqlx::Result<bool> {
    let done = sqlx::query("DELETE FROM install_keys WHERE organization_id = $1 AND id = $2")
        .bind(scope.organization().0)
        .bind(id.0)
        .execute(write)
        .await?;
    Ok(done.rows_affected() == 1)
}

fn bytes32(bytes: Vec<u8>) -> sqlx::Result<[u8; 32]> {
    bytes
        .try_into()
        .map_err(|_| decode("a key or hash is not 32 bytes long"))
}

fn decode(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}
