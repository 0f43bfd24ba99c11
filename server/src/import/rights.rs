//! What a user of the product may do, and whether a member of an organization here may do no more.
//!
//! A member may do everything in its organization: see and reach all its devices, make, rename and
//! delete them, and give secrets and keys by which devices come in. Of what the product's
//! permissions mean no more is public than their names, so each must be there that can be meant.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::schema::{Record, Tables};

const ALL_DEVICES: &str = "reflector.device:*";
const ALL_DOMAINS: &str = "reflector.domain:*";
const ONE_DOMAIN: &str = "reflector.domain:";
const ONE_DEVICE: &str = "reflector.device:";
const ADMINISTER_DEVICES: &str = "reflector.device.*";
const ADMINISTER_ONE_WAY: &str = "reflector.device.";
const ADMINISTER_DOMAIN: &str = "domainAdmin";

/// Who may do what: user → permission → the roles through which it has it; none when it is its
/// own.
pub(super) struct Rights<'a>(HashMap<&'a str, BTreeMap<&'a str, BTreeSet<&'a str>>>);

impl<'a> Rights<'a> {
    pub(super) fn of(tables: &'a Tables) -> Self {
        let mut rights: HashMap<&str, BTreeMap<&str, BTreeSet<&str>>> = HashMap::new();
        for part in &tables.user_permissions {
            let own = rights.entry(&part.of).or_default();
            own.entry(&part.name).or_default();
        }
        let mut roles: HashMap<&str, Vec<&str>> = HashMap::new();
        for part in &tables.role_permissions {
            roles.entry(&part.of).or_default().push(&part.name);
        }
        // A role that is not listed is none.
        roles.retain(|role, _| tables.roles.iter().any(|known| known == role));
        for part in &tables.user_roles {
            let own = rights.entry(&part.of).or_default();
            for permission in roles.get(part.name.as_str()).into_iter().flatten() {
                own.entry(permission).or_default().insert(&part.name);
            }
        }
        Self(rights)
    }

    /// The user's permissions, with the roles that give them.
    pub(super) fn all(&self, user: &str) -> impl Iterator<Item = (&'a str, &BTreeSet<&'a str>)> {
        let own = self.0.get(user).into_iter().flatten();
        own.map(|(permission, roles)| (*permission, roles))
    }

    fn has(&self, user: &str, permission: &str) -> bool {
        let own = self.0.get(user);
        own.is_some_and(|own| own.contains_key(permission))
    }

    /// Whether it could do everything in this domain.
    pub(super) fn may_everything(&self, user: &Record, domain: Uuid) -> bool {
        let named = self.all(&user.id).any(|(permission, _)| {
            let name = permission.strip_prefix(ONE_DOMAIN);
            name.and_then(|name| Uuid::try_parse(name).ok()) == Some(domain)
        });
        let all = self.has(&user.id, ALL_DEVICES) || self.has(&user.id, ALL_DOMAINS);
        // Of one that belongs to a domain or a tenant "all" may mean all of that.
        let is_everywhere = match (user.field("domain"), user.field("tenant")) {
            (Some(own), _) => Uuid::try_parse(own) == Ok(domain),
            (None, Some(_)) => false,
            (None, None) => true,
        };
        (named || (all && is_everywhere)) && self.administers(&user.id)
    }

    fn administers(&self, user: &str) -> bool {
        self.has(user, ADMINISTER_DEVICES) && self.has(user, ADMINISTER_DOMAIN)
    }

    /// Why it could not do everything, for people.
    pub(super) fn lack(&self, user: &Record) -> String {
        let mut lack = Vec::new();
        for permission in [ADMINISTER_DEVICES, ADMINISTER_DOMAIN] {
            if !self.has(&user.id, permission) {
                lack.push(permission);
            }
        }
        if lack.is_empty() {
            lack.push("the whole of a domain that is imported now");
        }
        lack.join(" and ")
    }
}

/// Whether a member of these domains' organizations may do what the permission says.
/// `domain_of` tells the domain of a device.
pub(super) fn is_covered(
    permission: &str,
    domains: &[Uuid],
    domain_of: impl Fn(&str) -> Option<Uuid>,
) -> bool {
    if [ALL_DEVICES, ALL_DOMAINS, ADMINISTER_DOMAIN].contains(&permission)
        || permission.starts_with(ADMINISTER_ONE_WAY)
    {
        return true;
    }
    if let Some(domain) = permission.strip_prefix(ONE_DOMAIN) {
        return Uuid::try_parse(domain).is_ok_and(|domain| domains.contains(&domain));
    }
    permission
        .strip_prefix(ONE_DEVICE)
        .and_then(domain_of)
        .is_some_and(|domain| domains.contains(&domain))
}

#[cfg(test)]
mod tests {
    use super::super::schema::{Fields, Part};
    use super::*;

    const NORTH: Uuid = Uuid::from_u128(1);
    const SOUTH: Uuid = Uuid::from_u128(2);

    fn part(of: &str, name: &str) -> Part {
        Part {
            of: of.into(),
            name: name.into(),
            value: String::new(),
        }
    }

    fn may(permissions: &[&str], fields: &[(&'static str, String)]) -> [bool; 2] {
        let tables = Tables {
            user_permissions: permissions.iter().map(|name| part("u", name)).collect(),
            ..Tables::default()
        };
        let rights = Rights::of(&tables);
        let user = Record {
            id: "u".into(),
            fields: fields.iter().cloned().collect::<Fields>(),
        };
        [NORTH, SOUTH].map(|domain| rights.may_everything(&user, domain))
    }

    #[test]
    fn who_may_everything() {
        let north = format!("reflector.domain:{NORTH}");
        let north = north.as_str();
        let admin = ["reflector.device.*", "domainAdmin"];
        let with = |more: &[&'static str]| [&admin[..], more].concat();
        assert_eq!(may(&with(&["reflector.domain:*"]), &[]), [true, true]);
        assert_eq!(may(&with(&["reflector.device:*"]), &[]), [true, true]);
        assert_eq!(may(&[&admin[..], &[north]].concat(), &[]), [true, false]);
        // Without one of them it is not everything.
        assert_eq!(may(&admin, &[]), [false, false]);
        assert_eq!(may(&with(&["reflector.device:pump"]), &[]), [false; 2]);
        assert_eq!(may(&["reflector.domain:*", "domainAdmin"], &[]), [false; 2]);
        let no_domain_admin = ["reflector.domain:*", "reflector.device.*"];
        assert_eq!(may(&no_domain_admin, &[]), [false; 2]);
        let some_ways = [
            "reflector.domain:*",
            "reflector.device.create",
            "domainAdmin",
        ];
        assert_eq!(may(&some_ways, &[]), [false; 2]);
        assert_eq!(
            may(&["bundleAdmin", "authAdmin", "tenantAdmin"], &[]),
            [false; 2]
        );
        // All, of what it belongs to.
        let all = with(&["reflector.domain:*", "reflector.device:*"]);
        assert_eq!(may(&all, &[("domain", SOUTH.to_string())]), [false, true]);
        assert_eq!(may(&all, &[("domain", "elsewhere".into())]), [false; 2]);
        assert_eq!(may(&all, &[("tenant", "x".into())]), [false; 2]);
    }

    #[test]
    fn roles_give_what_they_list() {
        let tables = Tables {
            roles: vec!["r".into()],
            user_roles: vec![part("u", "r"), part("u", "unlisted")],
            role_permissions: vec![part("r", "domainAdmin"), part("unlisted", "authAdmin")],
            user_permissions: vec![part("u", "bundleAdmin")],
            ..Tables::default()
        };
        let rights = Rights::of(&tables);
        let all: Vec<_> = rights.all("u").map(|(p, roles)| (p, roles.len())).collect();
        assert_eq!(all, [("bundleAdmin", 0), ("domainAdmin", 1)]);
        assert_eq!(rights.all("nobody").count(), 0);
    }

    #[test]
    fn what_a_member_may() {
        let domain_of = |device: &str| (device == "pump").then_some(NORTH);
        let covered = |permission: &str| is_covered(permission, &[NORTH], domain_of);
        for permission in [
            "reflector.device:pump",
            "reflector.device.delete",
            "domainAdmin",
        ] {
            assert!(covered(permission), "{permission}");
        }
        assert!(covered(&format!("reflector.domain:{NORTH}")));
        assert!(!covered(&format!("reflector.domain:{SOUTH}")));
        for permission in [
            "reflector.device:x",
            "authAdmin",
            "reflector.user.*",
            "tenantAdmin",
        ] {
            assert!(!covered(permission), "{permission}");
        }
    }
}
