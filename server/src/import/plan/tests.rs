use proptest::prelude::*;

use super::*;
use crate::import::schema::{self, Part};

const NORTH: Uuid = Uuid::from_u128(0x1111_1111_1111_4111_8111_1111_1111_1111);
const SOUTH: Uuid = Uuid::from_u128(0x2222_2222_2222_4222_8222_2222_2222_2222);

fn fleet() -> Tables {
    schema::read(&include_bytes!("../../../tests/import/dump.sql")[..]).unwrap()
}

fn kept_by(organization: u128) -> OrganizationId {
    OrganizationId(Uuid::from_u128(organization))
}

/// What is here after this plan was carried out.
fn carried_out(plan: &Plan) -> Existing {
    Existing {
        domains: plan
            .organizations
            .iter()
            .map(|new| (new.domain, kept_by(7)))
            .collect(),
        agents: plan
            .devices
            .iter()
            .map(|new| ((new.domain, new.agent_id.clone()), true))
            .collect(),
        users: plan
            .users
            .iter()
            .map(|new| (new.username.clone(), true))
            .collect(),
        labels: plan
            .devices
            .iter()
            .map(|new| new.agent_id.clone())
            .collect(),
    }
}

fn details(report: &Report, outcome: Outcome, subject: Subject, id: &str) -> Vec<String> {
    let is_it = |line: &&super::super::report::Line| {
        (line.outcome, line.subject, line.id.as_str()) == (outcome, subject, id)
    };
    let lines = report.lines.iter().filter(is_it);
    lines.map(|line| line.detail.clone()).collect()
}

#[test]
fn a_fleet_comes_over() {
    let (plan, report) = plan(&fleet(), &Existing::default());
    let organizations: Vec<_> = plan
        .organizations
        .iter()
        .map(|new| (new.domain, new.name.as_str()))
        .collect();
    assert_eq!(
        organizations,
        [(NORTH, "North plant"), (SOUTH, "Süd 🌊 plant")]
    );
    let devices: Vec<_> = plan
        .devices
        .iter()
        .map(|new| (new.domain, new.name.as_str()))
        .collect();
    assert_eq!(
        devices,
        [
            (NORTH, r#"Pump 'one' "quoted" \ back; -- x"#),
            (NORTH, "pump-2"),
            (SOUTH, "🚰 Ventil"),
            (SOUTH, "Long"),
        ]
    );
    let properties = &plan.devices[0].properties;
    assert_eq!(properties["place"], r#"Halle 3, "links", it's \ ok 🙂"#);
    assert_eq!(properties["note"], "two lines and a byte");
    assert_eq!(properties["version"], "1.2.3");
    assert_eq!(properties["long"].len(), 1024);
    assert_eq!(properties.len(), 5);
    let users: Vec<_> = plan
        .users
        .iter()
        .map(|new| (new.username.as_str(), new.domains.clone()))
        .collect();
    assert_eq!(users, [("ada", vec![SOUTH]), ("admin", vec![NORTH, SOUTH])]);
    assert_eq!(report.need_password, ["ada", "admin"]);
    assert_eq!(report.need_secret.len(), 4);
}

#[test]
fn what_is_here_stays() {
    let tables = fleet();
    let (first, report) = plan(&tables, &Existing::default());
    let (second, again) = plan(&tables, &carried_out(&first));
    assert_eq!(second, Plan::default());
    for subject in [Subject::Domain, Subject::Device, Subject::User] {
        let imported = report.count(subject, Outcome::Imported);
        assert!(imported > 0);
        assert_eq!(again.count(subject, Outcome::Kept), imported, "{subject:?}");
        assert_eq!(again.count(subject, Outcome::Imported), 0, "{subject:?}");
        let left_out = report.count(subject, Outcome::LeftOut);
        assert_eq!(
            again.count(subject, Outcome::LeftOut),
            left_out,
            "{subject:?}"
        );
    }
    // They still wait.
    assert_eq!(again.need_password, report.need_password);
    assert_eq!(again.need_secret, report.need_secret);
}

#[test]
fn nobody_becomes_a_member_of_what_was_here_before() {
    let existing = Existing {
        domains: [(NORTH, kept_by(7))].into(),
        users: [("ada".to_owned(), false)].into(),
        labels: ["pump-1".to_owned()].into(),
        ..Existing::default()
    };
    let (plan, report) = plan(&fleet(), &existing);
    let users: Vec<_> = plan
        .users
        .iter()
        .map(|new| (new.username.as_str(), new.domains.clone()))
        .collect();
    assert_eq!(users, [("admin", vec![SOUTH])]);
    // Somebody else may be of this name.
    assert_eq!(report.count(Subject::User, Outcome::Kept), 1);
    assert_eq!(report.need_password, ["admin"]);
    let permissions = details(&report, Outcome::Kept, Subject::UserPermission, "Ada");
    assert_eq!(permissions.len(), 4);
    // Devices come into the domain that is here, and addresses are nobody's twice.
    assert_eq!(plan.devices.len(), 4);
    assert_eq!(
        details(&report, Outcome::Changed, Subject::DeviceAddress, "pump-1").len(),
        1
    );
}

#[test]
fn no_secret_is_told() {
    let (plan, report) = plan(&fleet(), &Existing::default());
    let told = format!(
        "{report} {plan:?} {}",
        serde_json::to_string(&report).unwrap()
    );
    for secret in ["canary", "92eb5ffee6ae2fec3ad71c777531578f"] {
        assert!(!told.contains(secret), "{secret}");
    }
    // Their names are.
    assert!(told.contains("totpSecret") && told.contains("devicePassword"));
}

#[test]
fn what_has_nothing_to_belong_to_is_told() {
    let dump = "INSERT INTO auth_user_permissions (username, permission) VALUES ('x', 'p');\n\
        INSERT INTO auth_user_roles (username, rolename) VALUES ('x', 'r');\n\
        INSERT INTO reflector_systemprop (name, value) VALUES ('schemaVersion', 10);\n\
        INSERT INTO reflector_deviceprop (device, name, value) VALUES ('d', 'n', 'v');\n\
        INSERT INTO reflector_domain (id) VALUES ('11111111-1111-4111-8111-111111111111'),\n\
        ('11111111-1111-4111-8111-11111111111A'), ('11111111-1111-4111-8111-11111111111a');\n\
        INSERT INTO auth_user (username) VALUES ('A'), ('a');";
    let tables = schema::read(dump.as_bytes()).unwrap();
    let (plan, report) = plan(&tables, &Existing::default());
    assert_eq!(plan.organizations.len(), 2);
    assert_eq!(
        plan.organizations[0].name,
        NORTH.to_string(),
        "it has no name"
    );
    for (subject, left_out) in [
        (Subject::UserPermission, 1),
        (Subject::UserRole, 1),
        (Subject::DeviceProperty, 1),
        (Subject::SystemProperty, 1),
        (Subject::Domain, 1),
        (Subject::User, 2),
    ] {
        assert_eq!(
            report.count(subject, Outcome::LeftOut),
            left_out,
            "{subject:?}"
        );
    }
}

/// Few names, so that they meet; a UUID among them, and what can be none of anything.
fn name() -> impl Strategy<Value = String> {
    let names = [
        "a",
        "A",
        "b-1",
        "b--1",
        "",
        "\u{202e}\0",
        "11111111-1111-4111-8111-111111111111",
        "22222222-2222-4222-8222-222222222222",
        "reflector.device.*",
        "reflector.device:*",
        "reflector.device:a",
        "reflector.domain:11111111-1111-4111-8111-111111111111",
        "domainAdmin",
    ];
    proptest::sample::select(names.map(str::to_owned).to_vec())
}

/// Two of whose ids out of three are good.
fn records(good: [&'static str; 2]) -> impl Strategy<Value = Vec<Record>> {
    let own = proptest::sample::select(good.to_vec()).prop_map(str::to_owned);
    let id = prop_oneof![2 => own, 1 => name()];
    let domain = prop_oneof![Just(String::new()), Just(NORTH.to_string()), name()];
    let record = (id, name(), domain).prop_map(|(id, name, domain)| {
        let mut fields: schema::Fields = [("name", name), ("domain", domain)].into();
        fields.retain(|_, value| !value.is_empty());
        Record { id, fields }
    });
    proptest::collection::vec(record, 0..8)
}

fn parts() -> impl Strategy<Value = Vec<Part>> {
    let part = (name(), name(), name()).prop_map(|(of, name, value)| Part { of, name, value });
    proptest::collection::vec(part, 0..12)
}

/// Permissions of two users, often enough for all that it takes.
fn grants() -> impl Strategy<Value = Vec<Part>> {
    let names = [
        "domainAdmin",
        "reflector.device.*",
        "reflector.domain:*",
        "x",
    ];
    let of = proptest::sample::select(vec!["a", "b-1"]);
    let grant = (of, proptest::sample::select(names.to_vec())).prop_map(|(of, name)| Part {
        of: of.to_owned(),
        name: name.to_owned(),
        value: String::new(),
    });
    proptest::collection::vec(grant, 0..12)
}

proptest! {
    #[test]
    fn whatever_a_dump_says_it_is_made_once_and_gives_no_more_than_it_had(
        (users, domains, devices) in (
            records(["a", "b-1"]),
            records([
                "11111111-1111-4111-8111-111111111111",
                "22222222-2222-4222-8222-222222222222",
            ]),
            records(["a", "b-1"]),
        ),
        (user_permissions, user_roles, role_permissions) in (grants(), parts(), parts()),
        device_properties in parts(),
        roles in proptest::collection::vec(name(), 0..4),
    ) {
        let tables = Tables {
            users, domains, devices, user_permissions, user_roles, role_permissions,
            device_properties, roles, ..Tables::default()
        };
        let (first, report) = plan(&tables, &Existing::default());
        let new: HashSet<_> = first.organizations.iter().map(|new| new.domain).collect();
        prop_assert_eq!(new.len(), first.organizations.len());
        let made: HashSet<_> = first.devices.iter().map(|new| (new.domain, &new.agent_id)).collect();
        prop_assert_eq!(made.len(), first.devices.len());
        prop_assert!(first.devices.iter().all(|device| new.contains(&device.domain)));
        let names: HashSet<_> = first.users.iter().map(|new| &new.username).collect();
        prop_assert_eq!(names.len(), first.users.len());
        for user in &first.users {
            let permission = |wanted: &str| {
                let of_it = |part: &&Part| part.of.to_lowercase() == user.username;
                let own = tables.user_permissions.iter().filter(of_it);
                let roles: Vec<_> = tables.user_roles.iter().filter(of_it).collect();
                let mut given = tables
                    .role_permissions
                    .iter()
                    .filter(|part| roles.iter().any(|role| role.name == part.of));
                own.map(|part| &part.name).any(|name| name == wanted)
                    || given.any(|part| part.name == wanted)
            };
            prop_assert!(permission("domainAdmin") && permission("reflector.device.*"));
            prop_assert!(user.domains.iter().all(|domain| new.contains(domain)));
        }
        let all = |report: &Report, subject| {
            let outcomes = report.counts.get(&subject).into_iter().flatten();
            outcomes.map(|(_, count)| *count).sum::<u64>()
        };
        for (subject, count) in [
            (Subject::Domain, tables.domains.len()),
            (Subject::Device, tables.devices.len()),
            (Subject::DeviceProperty, tables.device_properties.len()),
            (Subject::User, tables.users.len()),
            (Subject::UserRole, tables.user_roles.len()),
        ] {
            prop_assert_eq!(all(&report, subject), count as u64, "{:?}", subject);
        }
        let (second, again) = plan(&tables, &carried_out(&first));
        prop_assert_eq!(second, Plan::default());
        prop_assert_eq!(again.count(Subject::Device, Outcome::Imported), 0);
    }
}
