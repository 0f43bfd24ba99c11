//! The SQL of agents that speak WebTunnel.

use api::{DeviceId, OrganizationId, Timestamp};
use sqlx::{SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::access::Scope;

type Connection = SqliteConnection;

/// The organization whose domain this is.
pub(super) async fn domain_owner(
    read: &SqlitePool,
    domain: Uuid,
) -> sqlx::Result<Option<OrganizationId>> {
    let owner =
        sqlx::query_scalar("SELECT organization_id FROM webtunnel_domains WHERE domain = $1")
            .bind(domain)
            .fetch_optional(read)
            .await?;
    Ok(owner.map(OrganizationId))
}

/// The organization's oldest domain.
pub(super) async fn first_domain(
    read: &SqlitePool,
    organization: OrganizationId,
) -> sqlx::Result<Option<Uuid>> {
    sqlx::query_scalar(
        "SELECT domain FROM webtunnel_domains WHERE organization_id = $1
         ORDER BY created_at, domain LIMIT 1",
    )
    .bind(organization.0)
    .fetch_optional(read)
    .await
}

/// Gives the organization a domain that is nobody's yet.
pub(super) async fn insert_domain(
    write: &mut Connection,
    domain: Uuid,
    organization: OrganizationId,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webtunnel_domains (domain, organization_id, created_at) VALUES ($1, $2, $3)
         ON CONFLICT (domain) DO NOTHING",
    )
    .bind(domain)
    .bind(organization.0)
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

/// Which device an agent is, and the record of its secret.
pub(super) async fn agent(
    read: &SqlitePool,
    domain: Uuid,
    agent_id: &str,
) -> sqlx::Result<Option<(DeviceId, String)>> {
    let row: Option<(Uuid, String)> = sqlx::query_as(
        "SELECT device_id, secret_hash FROM webtunnel_devices
         WHERE domain = $1 AND agent_id = $2",
    )
    .bind(domain)
    .bind(agent_id)
    .fetch_optional(read)
    .await?;
    Ok(row.map(|(device, secret)| (DeviceId(device), secret)))
}

/// The organization's devices of this id, two at most.
pub(super) async fn agents_named(
    read: &SqlitePool,
    scope: Scope,
    agent_id: &str,
) -> sqlx::Result<Vec<DeviceId>> {
    let rows: Vec<Uuid> = sqlx::query_scalar(
        "SELECT agent.device_id FROM webtunnel_devices AS agent
         JOIN devices ON devices.id = agent.device_id
         WHERE agent.agent_id = $1 AND devices.organization_id = $2 LIMIT 2",
    )
    .bind(agent_id)
    .bind(scope.organization().0)
    .fetch_all(read)
    .await?;
    Ok(rows.into_iter().map(DeviceId).collect())
}

pub(super) async fn insert_agent(
    write: &mut Connection,
    domain: Uuid,
    agent_id: &str,
    device: DeviceId,
    secret_hash: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webtunnel_devices (domain, agent_id, device_id, secret_hash)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(domain)
    .bind(agent_id)
    .bind(device.0)
    .bind(secret_hash)
    .execute(write)
    .await
    .map(drop)
}

pub(super) async fn write_properties(
    write: &mut Connection,
    device: DeviceId,
    properties: &str,
) -> sqlx::Result<()> {
    sqlx::query("UPDATE webtunnel_devices SET properties = $2 WHERE device_id = $1")
        .bind(device.0)
        .bind(properties)
        .execute(write)
        .await
        .map(drop)
}

/// What an agent reported last; `None` when the device has none of these agents.
pub(super) async fn properties(
    read: &SqlitePool,
    scope: Scope,
    device: DeviceId,
) -> sqlx::Result<Option<String>> {
    sqlx::query_scalar(
        "SELECT agent.properties FROM webtunnel_devices AS agent
         JOIN devices ON devices.id = agent.device_id
         WHERE agent.device_id = $1 AND devices.organization_id = $2",
    )
    .bind(device.0)
    .bind(scope.organization().0)
    .fetch_optional(read)
    .await
}
