//! What becomes what. Pure: from what the dump has and what is here already, to what is to be made
//! and what is said of it.
//!
//! Each domain becomes an organization of its own, so that nobody sees more than before. What is
//! here already stays as it is: it may be somebody else's, or changed since.

mod devices;
mod users;

use std::collections::{HashMap, HashSet};

use api::OrganizationId;
use api::text::{NAME_MAX_CHARS, cleaned};
use uuid::Uuid;

use crate::webtunnel::Properties;

use super::report::{Outcome, Report, Subject, shown};
use super::schema::{Record, Tables, VERSION};

/// What is here already.
#[derive(Debug, Default)]
pub(super) struct Existing {
    /// Domains of WebTunnel, and whose they are.
    pub(super) domains: HashMap<Uuid, OrganizationId>,
    /// The agents of those domains, and whether they wait for a secret.
    pub(super) agents: HashMap<(Uuid, String), bool>,
    /// All names of users, and whether they wait for a password.
    pub(super) users: HashMap<String, bool>,
    /// All labels that devices ever had.
    pub(super) labels: HashSet<String>,
}

/// What is to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) organizations: Vec<NewOrganization>,
    pub(super) devices: Vec<NewDevice>,
    pub(super) users: Vec<NewUser>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewOrganization {
    pub(super) domain: Uuid,
    pub(super) name: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewDevice {
    pub(super) domain: Uuid,
    pub(super) agent_id: String,
    pub(super) name: String,
    pub(super) properties: Properties,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct NewUser {
    pub(super) username: String,
    /// Whose organizations it is a member of; it signs in to the first.
    pub(super) domains: Vec<Uuid>,
}

/// Plans, and says so.
pub(super) fn plan(tables: &Tables, existing: &Existing) -> (Plan, Report) {
    let mut report = Report::default();
    let mut plan = Plan::default();
    about_the_dump(tables, &mut report);
    plan_domains(tables, existing, &mut plan, &mut report);
    let homes = devices::plan(tables, existing, &mut plan, &mut report);
    users::plan(tables, existing, &homes, &mut plan, &mut report);
    (plan, report)
}

fn about_the_dump(tables: &Tables, report: &mut Report) {
    for table in &tables.other_tables {
        report.tell(
            Outcome::LeftOut,
            Subject::Table,
            table,
            "it is none of the schema",
        );
    }
    for column in &tables.other_columns {
        report.tell(
            Outcome::LeftOut,
            Subject::Column,
            column,
            "it is none of the schema",
        );
    }
    for part in &tables.system {
        let version: Option<u64> = part.value.trim().parse().ok();
        let (outcome, detail) = match (part.name.as_str(), version) {
            ("schemaVersion", Some(version)) if version > VERSION => (
                Outcome::LeftOut,
                format!("version {version} is newer than {VERSION}, for which this was made"),
            ),
            ("schemaVersion", Some(version)) => (Outcome::Imported, format!("version {version}")),
            _ => (Outcome::LeftOut, "it is the other product's".to_owned()),
        };
        report.tell(outcome, Subject::SystemProperty, &part.name, detail);
    }
    for tenant in &tables.tenants {
        let name = tenant.field("name").map(shown).unwrap_or_default();
        let detail = format!("Adit has no tenants; {name:?}");
        report.tell(Outcome::LeftOut, Subject::Tenant, &tenant.id, detail);
    }
    for part in &tables.tenant_properties {
        let detail = format!("{}: Adit has no tenants", shown(&part.name));
        report.tell(Outcome::LeftOut, Subject::TenantProperty, &part.of, detail);
    }
}

fn plan_domains(tables: &Tables, existing: &Existing, plan: &mut Plan, report: &mut Report) {
    let mut seen = HashSet::new();
    for record in &tables.domains {
        let Ok(domain) = Uuid::try_parse(&record.id) else {
            let detail = "its id is no UUID; its devices are left out, too";
            report.tell(Outcome::LeftOut, Subject::Domain, &record.id, detail);
            continue;
        };
        if !seen.insert(domain) {
            let detail = "another one of the dump has the same id";
            report.tell(Outcome::LeftOut, Subject::Domain, &record.id, detail);
            continue;
        }
        if let Some(organization) = existing.domains.get(&domain) {
            let detail = format!("it belongs to the organization {organization}");
            report.tell(Outcome::Kept, Subject::Domain, &record.id, detail);
            continue;
        }
        let name = given_name(record);
        report.tell(
            Outcome::Imported,
            Subject::Domain,
            &record.id,
            format!("it is the organization {name:?}"),
        );
        tell_renamed(record, &name, Subject::DomainField, report);
        tell_fields(
            record,
            &["description", "tags", "createdby", "created"],
            Subject::DomainField,
            report,
        );
        plan.organizations.push(NewOrganization { domain, name });
    }
    for part in &tables.domain_properties {
        let detail = format!("{}: an organization has none", shown(&part.name));
        report.tell(Outcome::LeftOut, Subject::DomainProperty, &part.of, detail);
    }
}

/// Its name as it is kept here; its id when it has none.
fn given_name(record: &Record) -> String {
    let name = cleaned(record.field("name").unwrap_or_default(), NAME_MAX_CHARS);
    if name.is_empty() {
        record.id.clone()
    } else {
        name
    }
}

fn tell_renamed(record: &Record, name: &str, subject: Subject, report: &mut Report) {
    if let Some(was) = record.field("name").filter(|was| *was != name) {
        // Not cleaned, but escaped: what was cleaned away is what is told.
        let was: String = was.chars().take(NAME_MAX_CHARS * 2).collect();
        let detail = format!("name: {name:?}, and was {was:?}");
        report.tell(Outcome::Changed, subject, &record.id, detail);
    }
}

/// Tells in one line what has no place here.
fn tell_fields(record: &Record, names: &[&str], subject: Subject, report: &mut Report) {
    let fields: Vec<String> = names
        .iter()
        .filter_map(|name| Some(format!("{name} {:?}", shown(record.field(name)?))))
        .collect();
    if !fields.is_empty() {
        let count = fields.len() as u64;
        let detail = format!("no place for {}", fields.join(", "));
        report.tell_all(Outcome::LeftOut, subject, (&record.id, count), detail);
    }
}

#[cfg(test)]
mod tests;
