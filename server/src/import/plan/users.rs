//! Users, what they may do, and their roles.

use std::collections::{BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use crate::accounts::checked_username;

use super::super::report::{Outcome, Report, Subject, shown};
use super::super::rights::{Rights, is_covered};
use super::super::schema::{Record, Tables};
use super::devices::Homes;
use super::{Existing, NewUser, Plan, tell_fields};

const WITHOUT_PLACE: [&str; 9] = [
    "firstname",
    "lastname",
    "organization",
    "email",
    "tags",
    "lastlogin",
    "createdby",
    "created",
    "tenant",
];

/// What became of a user.
enum Fate {
    /// With the domains whose organizations it is a member of.
    Imported(Vec<Uuid>),
    Kept,
    LeftOut,
}

pub(super) fn plan(
    tables: &Tables,
    existing: &Existing,
    homes: &Homes<'_>,
    plan: &mut Plan,
    report: &mut Report,
) {
    let rights = Rights::of(tables);
    let domains = by_size(plan, homes);
    let mut fates: HashMap<&str, Fate> = HashMap::new();
    let mut taken: HashSet<String> = HashSet::new();
    for record in &tables.users {
        let fate = match fate(record, &rights, existing, &domains, &taken) {
            Ok((username, fate)) => {
                tell_user(record, &username, &fate, existing, report);
                if let Fate::Imported(domains) = &fate {
                    taken.insert(username.clone());
                    plan.users.push(NewUser {
                        username,
                        domains: domains.clone(),
                    });
                }
                fate
            }
            Err(why) => {
                report.tell(Outcome::LeftOut, Subject::User, &record.id, why);
                Fate::LeftOut
            }
        };
        fates.entry(&record.id).or_insert(fate);
    }
    let counted = Counted {
        homes,
        all_domains: tables.domains.len(),
        fates,
    };
    counted.tell_permissions(tables, &rights, report);
    tell_roles(tables, report);
    for part in &tables.user_attributes {
        let detail = format!("{}: a user has none", shown(&part.name));
        report.tell(Outcome::LeftOut, Subject::UserAttribute, &part.of, detail);
    }
}

/// The domains that are imported now, those with most devices first.
fn by_size(plan: &Plan, homes: &Homes<'_>) -> Vec<Uuid> {
    let mut sizes: HashMap<Uuid, usize> = HashMap::new();
    for domain in homes.values() {
        *sizes.entry(*domain).or_default() += 1;
    }
    let new = plan.organizations.iter();
    let mut domains: Vec<Uuid> = new.map(|organization| organization.domain).collect();
    domains.sort_by_key(|domain| {
        let size = sizes.get(domain).copied().unwrap_or(0);
        (std::cmp::Reverse(size), *domain)
    });
    domains
}

fn fate(
    record: &Record,
    rights: &Rights<'_>,
    existing: &Existing,
    domains: &[Uuid],
    taken: &HashSet<String>,
) -> Result<(String, Fate), String> {
    let username = checked_username(&record.id).map_err(|error| error.to_string())?;
    if existing.users.contains_key(&username) {
        return Ok((username, Fate::Kept));
    }
    if taken.contains(&username) {
        return Err("another one of the dump has this name, but for upper case".to_owned());
    }
    let mut own: Vec<Uuid> = domains
        .iter()
        .copied()
        .filter(|domain| rights.may_everything(record, *domain))
        .collect();
    if own.is_empty() {
        return Err(format!(
            "a user of Adit may do everything in its organization, and this one could not: it \
             lacks {}",
            rights.lack(record)
        ));
    }
    let home = record
        .field("domain")
        .and_then(|id| Uuid::try_parse(id).ok());
    own.sort_by_key(|domain| Some(*domain) != home);
    Ok((username, Fate::Imported(own)))
}

fn tell_user(
    record: &Record,
    username: &str,
    fate: &Fate,
    existing: &Existing,
    report: &mut Report,
) {
    match fate {
        Fate::Imported(domains) => {
            let mut detail = match domains.as_slice() {
                [first, others @ ..] if !others.is_empty() => format!(
                    "a member of {} organizations, who can sign in to that of the domain {first} \
                     alone; it needs a new password",
                    others.len() + 1
                ),
                [first, ..] => format!(
                    "a member of the organization of the domain {first}; it needs a new password"
                ),
                [] => String::new(),
            };
            if username != record.id {
                detail = format!("its name is {username}; {detail}");
            }
            report.tell(Outcome::Imported, Subject::User, &record.id, detail);
            tell_fields(record, &WITHOUT_PLACE, Subject::UserField, report);
            let home = record.field("domain").map(Uuid::try_parse);
            match home {
                Some(Ok(home)) if domains.contains(&home) => {
                    report.add(Subject::UserField, Outcome::Imported, 1);
                }
                _ => tell_fields(record, &["domain"], Subject::UserField, report),
            }
            report.need_password.push(username.to_owned());
        }
        Fate::Kept => {
            let detail = "it is not given what the dump's may do";
            report.tell(Outcome::Kept, Subject::User, &record.id, detail);
            if existing.users.get(username) == Some(&true) {
                report.need_password.push(username.to_owned());
            }
        }
        Fate::LeftOut => {}
    }
}

/// What permissions are counted by.
struct Counted<'a> {
    homes: &'a Homes<'a>,
    all_domains: usize,
    fates: HashMap<&'a str, Fate>,
}

impl Counted<'_> {
    /// One line for each permission that is not held.
    fn tell_permissions(&self, tables: &Tables, rights: &Rights<'_>, report: &mut Report) {
        for record in &tables.users {
            for (permission, roles) in rights.all(&record.id) {
                self.tell_permission((&record.id, permission), roles, report);
            }
        }
        let strangers: BTreeSet<&str> = tables
            .user_permissions
            .iter()
            .chain(&tables.user_roles)
            .map(|part| part.of.as_str())
            .filter(|user| !self.fates.contains_key(user))
            .collect();
        for user in strangers {
            for (permission, _) in rights.all(user) {
                let detail = format!("{}: the dump has no such user", shown(permission));
                report.tell(Outcome::LeftOut, Subject::UserPermission, user, detail);
            }
        }
        for part in &tables.user_roles {
            let (outcome, detail) = match self.fates.get(part.of.as_str()) {
                Some(Fate::Imported(_)) => {
                    (Outcome::Changed, "its permissions are looked at singly")
                }
                Some(Fate::Kept) => (Outcome::Kept, "the user is as it was"),
                Some(Fate::LeftOut) => (Outcome::LeftOut, "the user is left out"),
                None => (Outcome::LeftOut, "the dump has no such user"),
            };
            let detail = format!("{}: {detail}", shown(&part.name));
            report.tell(outcome, Subject::UserRole, &part.of, detail);
        }
    }

    fn tell_permission(
        &self,
        (user, permission): (&str, &str),
        roles: &BTreeSet<&str>,
        report: &mut Report,
    ) {
        let (outcome, why) = match self.fates.get(user) {
            Some(Fate::Imported(domains)) => {
                let domain_of = |device: &str| self.homes.get(device).copied();
                if !is_covered(permission, domains, domain_of) {
                    (Outcome::LeftOut, "Adit has no equal")
                } else if permission.ends_with(":*") && domains.len() < self.all_domains {
                    (Outcome::Changed, "not of all domains")
                } else {
                    report.add(Subject::UserPermission, Outcome::Imported, 1);
                    return;
                }
            }
            Some(Fate::Kept) => (Outcome::Kept, "the user is as it was"),
            Some(Fate::LeftOut) | None => (Outcome::LeftOut, "the user is left out"),
        };
        let mut detail = format!("{}: {why}", shown(permission));
        if !roles.is_empty() {
            let roles: Vec<String> = roles.iter().map(|role| shown(role)).collect();
            detail = format!("{detail} (by the role {})", roles.join(", "));
        }
        report.tell(outcome, Subject::UserPermission, user, detail);
    }
}

fn tell_roles(tables: &Tables, report: &mut Report) {
    for role in &tables.roles {
        let detail = "Adit has no roles; what it allows is looked at for each user";
        report.tell(Outcome::LeftOut, Subject::Role, role, detail);
    }
    for part in &tables.role_permissions {
        let detail = format!("{}: Adit has no roles", shown(&part.name));
        report.tell(Outcome::LeftOut, Subject::RolePermission, &part.of, detail);
    }
}
