//! The SQL of an import: what is here, and what is made.

use std::collections::{HashMap, HashSet};

use api::{DeviceId, OrganizationId, Timestamp, UserId};
use sqlx::SqliteConnection;
use uuid::Uuid;

use crate::accounts::NO_PASSWORD;

use super::plan::{Existing, NewDevice, NewOrganization};

type Connection = SqliteConnection;

pub(super) async fn existing(read: &mut Connection) -> sqlx::Result<Existing> {
    // An organization's own id is one of its domains, too, before anything is recorded of it.
    let domains: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT domain, organization_id FROM webtunnel_domains
         UNION SELECT id, id FROM organizations
         WHERE id NOT IN (SELECT domain FROM webtunnel_domains)",
    )
    .fetch_all(&mut *read)
    .await?;
    let agents: Vec<(Uuid, String, bool)> = sqlx::query_as(
        "SELECT agent.domain, agent.agent_id,
                agent.secret_hash IS NULL AND own.secret_hash IS NULL
         FROM webtunnel_devices AS agent
         JOIN webtunnel_domains AS own ON own.domain = agent.domain",
    )
    .fetch_all(&mut *read)
    .await?;
    let users: Vec<(String, bool)> =
        sqlx::query_as("SELECT username, password_hash = $1 FROM users")
            .bind(NO_PASSWORD)
            .fetch_all(&mut *read)
            .await?;
    let labels: Vec<String> = sqlx::query_scalar("SELECT label FROM device_labels")
        .fetch_all(read)
        .await?;
    Ok(Existing {
        domains: domains
            .into_iter()
            .map(|(domain, organization)| (domain, OrganizationId(organization)))
            .collect::<HashMap<_, _>>(),
        agents: agents
            .into_iter()
            .map(|(domain, agent_id, waits)| ((domain, agent_id), waits))
            .collect(),
        users: users.into_iter().collect(),
        labels: labels.into_iter().collect::<HashSet<_>>(),
    })
}

/// Makes the organization that the command line means by itself, if there is none yet: else the
/// first that is imported would be it.
pub(super) async fn insert_default_organization(
    write: &mut Connection,
    fresh: OrganizationId,
    name: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO organizations (id, name, created_at)
         SELECT $1, $2, $3 WHERE NOT EXISTS (SELECT 1 FROM organizations)",
    )
    .bind(fresh.0)
    .bind(name)
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

pub(super) async fn insert_organization(
    write: &mut Connection,
    id: OrganizationId,
    new: &NewOrganization,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)")
        .bind(id.0)
        .bind(&new.name)
        .bind(now.0)
        .execute(write)
        .await
        .map(drop)
}

/// What makes a device an agent's, without a secret: it is let in once it or its domain has one.
pub(super) async fn insert_agent(
    write: &mut Connection,
    device: DeviceId,
    new: &NewDevice,
    properties: &str,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO webtunnel_devices (domain, agent_id, device_id, properties)
         VALUES ($1, $2, $3, $4)",
    )
    .bind(new.domain)
    .bind(&new.agent_id)
    .bind(device.0)
    .bind(properties)
    .execute(write)
    .await
    .map(drop)
}

pub(super) async fn insert_user(
    write: &mut Connection,
    id: UserId,
    username: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO users (id, username, password_hash, created_at) VALUES ($1, $2, $3, $4)",
    )
    .bind(id.0)
    .bind(username)
    .bind(NO_PASSWORD)
    .bind(now.0)
    .execute(write)
    .await
    .map(drop)
}

/// Of several, a user signs in to the organization that it joined first.
pub(super) async fn insert_member(
    write: &mut Connection,
    user: UserId,
    organization: OrganizationId,
    joined_at: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO members (user_id, organization_id, created_at) VALUES ($1, $2, $3)")
        .bind(user.0)
        .bind(organization.0)
        .bind(joined_at.0)
        .execute(write)
        .await
        .map(drop)
}
