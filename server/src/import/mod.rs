//! Brings along what another product has: `adit-server import`.
//!
//! ```text
//! file ─► dump: rows ─► schema: records ─► plan: what becomes what ─► store: one transaction
//!                                            └─► report: line by line what came over and what not
//! ```
//!
//! Nobody may do more afterwards than before: a user comes along only where it could do everything
//! that a member of an organization can, and nobody and nothing gets in by an old secret.

mod dump;
mod plan;
mod report;
mod rights;
mod schema;
mod store;

use std::collections::{BTreeSet, HashMap};
use std::io::Read;

use api::{OrganizationId, Timestamp, UserId};
use sqlx::{Sqlite, Transaction};
use uuid::Uuid;

use crate::accounts::DEFAULT_ORGANIZATION;
use crate::db::new_id;
use crate::devices::{Devices, DevicesError};
use crate::state::AppState;
use crate::webtunnel::insert_domain;

use plan::Plan;

pub use dump::DumpError;
pub use report::{Line, Outcome, Report, Subject, WithoutSecret};
pub use schema::SchemaError;

/// What a dump has of a fleet: its devices, and the people who look after them.
pub struct Fleet(schema::Tables);

/// Why a fleet was not imported. Nothing of it is here then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("a device could not be made")]
    Devices(#[from] DevicesError),
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    #[error("what a device reported cannot be written")]
    Record(#[from] serde_json::Error),
    /// A mistake of ours: what is planned is planned whole.
    #[error("the organization of the domain {0} is not there")]
    NoOrganization(Uuid),
}

impl Fleet {
    /// Reads a dump of WebTunnel's server, to its end: all of it is good, or none is. Blocks.
    ///
    /// # Errors
    /// [`SchemaError`]
    pub fn of_webtunnel(dump: impl Read) -> Result<Self, SchemaError> {
        schema::read(dump).map(Self)
    }

    /// Makes what is not here yet, in one transaction; a dry run makes nothing, and says the same.
    /// A server that runs does not know of it before its next start.
    ///
    /// # Errors
    /// [`ImportError`]
    pub async fn import(&self, state: &AppState, dry_run: bool) -> Result<Report, ImportError> {
        let now = state.clock.now();
        let mut write = state.db.write().await?;
        let existing = store::existing(&mut write).await?;
        let (plan, mut report) = plan::plan(&self.0, &existing);
        report.dry_run = dry_run;
        if !dry_run {
            apply(&plan, &existing, &state.devices, &mut write, now).await?;
            write.commit().await?;
        }
        tracing::info!(
            dry_run,
            organizations = plan.organizations.len(),
            devices = plan.devices.len(),
            users = plan.users.len(),
            "fleet imported"
        );
        Ok(report)
    }
}

async fn apply(
    plan: &Plan,
    existing: &plan::Existing,
    devices: &Devices,
    write: &mut Transaction<'static, Sqlite>,
    now: Timestamp,
) -> Result<(), ImportError> {
    if plan == &Plan::default() {
        return Ok(());
    }
    let fresh = OrganizationId(new_id(now));
    store::insert_default_organization(write, fresh, DEFAULT_ORGANIZATION, now).await?;
    // The oldest organization is the command line's, which these must never be.
    let later = Timestamp(now.0.saturating_add(1));
    let mut owners: HashMap<Uuid, OrganizationId> = existing.domains.clone();
    for new in &plan.organizations {
        let organization = OrganizationId(new_id(now));
        store::insert_organization(write, organization, new, later).await?;
        owners.insert(new.domain, organization);
        insert_domain(write, new.domain, organization, later).await?;
    }
    let owner = |domain: Uuid| {
        let owner = owners.get(&domain).copied();
        owner.ok_or(ImportError::NoOrganization(domain))
    };
    let homes: BTreeSet<Uuid> = plan.devices.iter().map(|new| new.domain).collect();
    for domain in homes {
        insert_domain(write, domain, owner(domain)?, later).await?;
    }
    for new in &plan.devices {
        let organization = owner(new.domain)?;
        let device = devices
            .make_keyless(write, organization, &new.agent_id, &new.name)
            .await?;
        let properties = serde_json::to_string(&new.properties)?;
        store::insert_agent(write, device.id, new, &properties).await?;
    }
    for new in &plan.users {
        let user = UserId(new_id(now));
        store::insert_user(write, user, &new.username, now).await?;
        for (turn, domain) in new.domains.iter().enumerate() {
            let joined_at = Timestamp(later.0.saturating_add(turn as i64));
            store::insert_member(write, user, owner(*domain)?, joined_at).await?;
        }
    }
    Ok(())
}
