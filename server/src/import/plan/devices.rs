//! Devices and what they reported.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use crate::devices::is_label;
use crate::webtunnel::{Properties, is_agent_id, set_property};

use super::super::report::{Outcome, Report, Subject, WithoutSecret, shown};
use super::super::schema::{Part, Record, Tables};
use super::{Existing, NewDevice, Plan, given_name, tell_fields, tell_renamed};

/// What people gave it, and Adit has no place for.
const GIVEN: [&str; 9] = [
    "description",
    "tags",
    "type",
    "category",
    "site",
    "serial",
    "parent",
    "createdby",
    "created",
];
/// What was so at the moment of the dump, and begins anew here.
const STATE: [&str; 10] = [
    "server",
    "online",
    "protocol",
    "lastconnect",
    "host",
    "port",
    "useragent",
    "bytestx",
    "bytesrx",
    "connects",
];

/// The domains of the devices that are here, or will be, by the ids of the dump.
pub(super) type Homes<'a> = HashMap<&'a str, Uuid>;

pub(super) fn plan<'a>(
    tables: &'a Tables,
    existing: &Existing,
    plan: &mut Plan,
    report: &mut Report,
) -> Homes<'a> {
    let mut properties: HashMap<&str, Vec<&Part>> = HashMap::new();
    for part in &tables.device_properties {
        properties.entry(&part.of).or_default().push(part);
    }
    let mut homes = Homes::new();
    let mut labels: HashSet<&str> = HashSet::new();
    let known: HashSet<Uuid> = plan
        .organizations
        .iter()
        .map(|organization| organization.domain)
        .chain(existing.domains.keys().copied())
        .collect();
    let mut imported = Vec::new();
    for record in &tables.devices {
        let own = properties.remove(record.id.as_str()).unwrap_or_default();
        let left_out = |report: &mut Report, why: &str| {
            report.tell(Outcome::LeftOut, Subject::Device, &record.id, why);
            report.add(Subject::DeviceProperty, Outcome::LeftOut, own.len() as u64);
        };
        let domain = match home(record, &known) {
            Ok(domain) => domain,
            Err(why) => {
                left_out(report, why);
                continue;
            }
        };
        let key = (domain, record.id.clone());
        if let Some(waits) = existing.agents.get(&key) {
            report.tell(Outcome::Kept, Subject::Device, &record.id, "");
            report.add(Subject::DeviceProperty, Outcome::Kept, own.len() as u64);
            homes.insert(&record.id, domain);
            if *waits {
                report.need_secret.push(without_secret(key));
            }
            continue;
        }
        if homes.contains_key(record.id.as_str()) {
            left_out(report, "another one of the dump has the same id");
            continue;
        }
        homes.insert(&record.id, domain);
        let name = given_name(record);
        let detail = format!("in the domain {domain}; it needs a new secret");
        report.tell(Outcome::Imported, Subject::Device, &record.id, detail);
        tell_renamed(record, &name, Subject::DeviceField, report);
        tell_fields(record, &GIVEN, Subject::DeviceField, report);
        tell_address(&record.id, existing, &mut labels, report);
        report.need_secret.push(without_secret(key));
        plan.devices.push(NewDevice {
            domain,
            agent_id: record.id.clone(),
            name,
            properties: reported(record, &own, report),
        });
        imported.push(record);
    }
    tell_state(&imported, report);
    for parts in properties.into_values() {
        for part in parts {
            let detail = format!("{}: the dump has no such device", shown(&part.name));
            report.tell(Outcome::LeftOut, Subject::DeviceProperty, &part.of, detail);
        }
    }
    homes
}

fn without_secret((domain, id): (Uuid, String)) -> WithoutSecret {
    WithoutSecret { domain, id }
}

/// Its domain; why it can have none here.
fn home(record: &Record, known: &HashSet<Uuid>) -> Result<Uuid, &'static str> {
    if !is_agent_id(&record.id) {
        return Err("an id needs 1 to 63 of a-z, 0-9 and -, and no - at its beginning");
    }
    let Some(domain) = record.field("domain") else {
        return Err("it has no domain, which its agent needs");
    };
    Uuid::try_parse(domain)
        .ok()
        .filter(|domain| known.contains(domain))
        .ok_or("its domain is not in the dump, or was left out")
}

/// Tools find a device at its id, where that can be its label and is free.
fn tell_address<'a>(
    id: &'a str,
    existing: &Existing,
    labels: &mut HashSet<&'a str>,
    report: &mut Report,
) {
    let why = if !is_label(id) {
        "41 characters at most, no - at its end, no --"
    } else if existing.labels.contains(id) || !labels.insert(id) {
        "another device has it, or had it"
    } else {
        return;
    };
    let detail = format!("its host name does not begin with its id: {why}");
    report.tell(Outcome::Changed, Subject::DeviceAddress, id, detail);
}

/// What its agent reported last; the agent tells all of it anew when it connects.
fn reported(record: &Record, own: &[&Part], report: &mut Report) -> Properties {
    let mut properties = Properties::new();
    if let Some(version) = record.field("version") {
        set_property(&mut properties, "version", version);
        report.add(Subject::DeviceField, Outcome::Imported, 1);
    }
    for part in own {
        let before = properties.clone();
        set_property(&mut properties, &part.name, &part.value);
        let (outcome, why) = if properties.get(&part.name) == Some(&part.value) {
            report.add(Subject::DeviceProperty, Outcome::Imported, 1);
            continue;
        } else if part.value.trim().is_empty() {
            (Outcome::LeftOut, "it is empty")
        } else if properties == before {
            (
                Outcome::LeftOut,
                "the device has too many, or too long ones",
            )
        } else {
            (Outcome::Changed, "it was cleaned or shortened")
        };
        let detail = format!("{}: {why}", shown(&part.name));
        report.tell(outcome, Subject::DeviceProperty, &record.id, detail);
    }
    properties
}

fn tell_state(imported: &[&Record], report: &mut Report) {
    for name in STATE {
        let has = |record: &&&Record| record.field(name).is_some();
        let count = imported.iter().filter(has).count() as u64;
        if count > 0 {
            report.tell_all(
                Outcome::LeftOut,
                Subject::DeviceField,
                (name, count),
                format!("of {count} devices: it begins anew"),
            );
        }
    }
}
