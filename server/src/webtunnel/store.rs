//! The SQL of agents that speak WebTunnel.

use api::{DeviceId, OrganizationId, Timestamp, WebTunnelAgent, WebTunnelDomain};
use sqlx::{FromRow, SqliteConnection, SqlitePool};
use uuid::Uuid;

use crate::access::Scope;

use super::WebTunnelError;

type Connection = SqliteConnection;

/// The organization whose domain this is. Its own id is one, also before anything is recorded of
/// it.
pub(super) async fn domain_owner(
    read: &SqlitePool,
    domain: Uuid,
) -> sqlx::Result<Option<OrganizationId>> {
    let owner = sqlx::query_scalar(
        "SELECT organization_id FROM webtunnel_domains WHERE domain = $1
         UNION SELECT id FROM organizations WHERE id = $1",
    )
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
pub(crate) async fn insert_domain(
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

#[derive(FromRow)]
struct DomainRow {
    domain: Uuid,
    self_registration: bool,
    secret_made_at: Option<i64>,
    devices: i64,
    devices_by_domain_secret: i64,
}

/// The organization's domains, the oldest first.
pub(super) async fn domains(read: &SqlitePool, scope: Scope) -> sqlx::Result<Vec<WebTunnelDomain>> {
    let rows: Vec<DomainRow> = sqlx::query_as(
        "SELECT own.domain, own.self_registration, own.secret_made_at,
                COUNT(agent.device_id) AS devices,
                COUNT(agent.device_id) - COUNT(agent.secret_hash) AS devices_by_domain_secret
         FROM webtunnel_domains AS own
         LEFT JOIN webtunnel_devices AS agent ON agent.domain = own.domain
         WHERE own.organization_id = $1
         GROUP BY own.domain ORDER BY own.created_at, own.domain",
    )
    .bind(scope.organization().0)
    .fetch_all(read)
    .await?;
    let count = |number| u32::try_from(number).unwrap_or(u32::MAX);
    let domain = |row: DomainRow| WebTunnelDomain {
        domain: row.domain,
        self_registration: row.self_registration,
        secret_made_at: row.secret_made_at.map(Timestamp),
        devices: count(row.devices),
        devices_by_domain_secret: count(row.devices_by_domain_secret),
    };
    Ok(rows.into_iter().map(domain).collect())
}

/// Sets the switch of a domain of the scope. `false`: there is none.
pub(super) async fn set_self_registration(
    write: &mut Connection,
    scope: Scope,
    domain: Uuid,
    is_on: bool,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE webtunnel_domains SET self_registration = $3
         WHERE organization_id = $1 AND domain = $2",
    )
    .bind(scope.organization().0)
    .bind(domain)
    .bind(is_on)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Sets or takes away the secret of a domain of the scope. `false`: there is none.
pub(super) async fn set_domain_secret(
    write: &mut Connection,
    scope: Scope,
    domain: Uuid,
    secret: Option<(&str, Timestamp)>,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE webtunnel_domains SET secret_hash = $3, secret_made_at = $4
         WHERE organization_id = $1 AND domain = $2",
    )
    .bind(scope.organization().0)
    .bind(domain)
    .bind(secret.map(|(hash, _)| hash))
    .bind(secret.map(|(_, made_at)| made_at.0))
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes a domain of the scope that has no devices. `false`: there is none.
pub(super) async fn delete_domain(
    write: &mut Connection,
    scope: Scope,
    domain: Uuid,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "DELETE FROM webtunnel_domains WHERE organization_id = $1 AND domain = $2
            AND NOT EXISTS (SELECT 1 FROM webtunnel_devices WHERE domain = $2)",
    )
    .bind(scope.organization().0)
    .bind(domain)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The record of the domain's secret, for devices that it knows.
pub(super) async fn domain_secret(read: &SqlitePool, domain: Uuid) -> sqlx::Result<Option<String>> {
    let secret: Option<Option<String>> =
        sqlx::query_scalar("SELECT secret_hash FROM webtunnel_domains WHERE domain = $1")
            .bind(domain)
            .fetch_optional(read)
            .await?;
    Ok(secret.flatten())
}

/// The same for devices that it does not know: none where they must not register themselves.
pub(super) async fn secret_for_strangers(
    read: &SqlitePool,
    domain: Uuid,
) -> sqlx::Result<Option<String>> {
    let secret: Option<Option<String>> = sqlx::query_scalar(
        "SELECT secret_hash FROM webtunnel_domains WHERE domain = $1 AND self_registration = TRUE",
    )
    .bind(domain)
    .fetch_optional(read)
    .await?;
    Ok(secret.flatten())
}

/// How many of a domain's devices have no secret of their own; `None`: no more may register
/// themselves in it.
pub(super) async fn registered(write: &mut Connection, domain: Uuid) -> sqlx::Result<Option<i64>> {
    sqlx::query_scalar(
        "SELECT (SELECT COUNT(*) FROM webtunnel_devices
                 WHERE domain = $1 AND secret_hash IS NULL)
         FROM webtunnel_domains
         WHERE domain = $1 AND self_registration = TRUE AND secret_hash IS NOT NULL",
    )
    .bind(domain)
    .fetch_optional(write)
    .await
}

/// Which device an agent is, and the record of its own secret, if it has one.
pub(super) async fn agent(
    read: &SqlitePool,
    domain: Uuid,
    agent_id: &str,
) -> sqlx::Result<Option<(DeviceId, Option<String>)>> {
    let row: Option<(Uuid, Option<String>)> = sqlx::query_as(
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
    secret_hash: Option<&str>,
) -> Result<(), WebTunnelError> {
    let done = sqlx::query(
        "INSERT INTO webtunnel_devices (domain, agent_id, device_id, secret_hash)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(domain)
    .bind(agent_id)
    .bind(device.0)
    .bind(secret_hash)
    .execute(write)
    .await;
    match done {
        Ok(_) => Ok(()),
        Err(sqlx::Error::Database(cause)) if cause.is_unique_violation() => {
            Err(WebTunnelError::Exists)
        }
        Err(error) => Err(error.into()),
    }
}

/// Gives a device of the scope a secret of its own. `false`: it has no such agent.
pub(super) async fn set_agent_secret(
    write: &mut Connection,
    scope: Scope,
    device: DeviceId,
    secret_hash: &str,
) -> sqlx::Result<bool> {
    let done = sqlx::query(
        "UPDATE webtunnel_devices SET secret_hash = $3 WHERE device_id =
            (SELECT id FROM devices WHERE organization_id = $1 AND id = $2)",
    )
    .bind(scope.organization().0)
    .bind(device.0)
    .bind(secret_hash)
    .execute(write)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Which agent a device of the scope has.
pub(super) async fn agent_of(
    read: &SqlitePool,
    scope: Scope,
    device: DeviceId,
) -> sqlx::Result<Option<WebTunnelAgent>> {
    let row: Option<(String, Uuid, bool)> = sqlx::query_as(
        "SELECT agent.agent_id, agent.domain, agent.secret_hash IS NOT NULL
         FROM webtunnel_devices AS agent
         JOIN devices ON devices.id = agent.device_id
         WHERE agent.device_id = $1 AND devices.organization_id = $2",
    )
    .bind(device.0)
    .bind(scope.organization().0)
    .fetch_optional(read)
    .await?;
    Ok(
        row.map(|(agent_id, domain, has_own_secret)| WebTunnelAgent {
            agent_id,
            domain,
            has_own_secret,
        }),
    )
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
