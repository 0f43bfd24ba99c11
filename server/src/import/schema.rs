//! The tables of the product whose fleet is brought along, as far as they are read. Its schema is
//! public; versions before the ninth lack some columns, so a row is read by the names of its
//! columns, and one that is not there is as good as NULL.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;

use tunnel::webtunnel::text_of;

use super::dump::{Dump, DumpError, Row, Value};

/// The version of the schema that this was written for.
pub(super) const VERSION: u64 = 9;

/// Tables and the columns that are known of them; the first ones are the row's key.
const TABLES: [(&str, &[&str]); 13] = [
    (
        "auth_user",
        &[
            "username",
            "password",
            "tenant",
            "domain",
            "firstname",
            "lastname",
            "organization",
            "email",
            "tags",
            "lastlogin",
            "createdby",
            "created",
        ],
    ),
    ("auth_role", &["rolename"]),
    ("auth_user_roles", &["username", "rolename"]),
    ("auth_user_permissions", &["username", "permission"]),
    ("auth_role_permissions", &["rolename", "permission"]),
    ("auth_user_attributes", &["username", "attribute", "value"]),
    ("reflector_systemprop", &["name", "value"]),
    ("reflector_domain", &OWNED),
    ("reflector_domainprop", &["domain", "name", "value"]),
    ("reflector_tenant", &OWNED),
    ("reflector_tenantprop", &["tenant", "name", "value"]),
    (
        "reflector_device",
        &[
            "id",
            "name",
            "description",
            "tags",
            "type",
            "version",
            "parent",
            "server",
            "online",
            "protocol",
            "lastconnect",
            "host",
            "port",
            "domain",
            "useragent",
            "hashedpassword",
            "createdby",
            "created",
            "category",
            "site",
            "serial",
            "bytestx",
            "bytesrx",
            "connects",
        ],
    ),
    ("reflector_deviceprop", &["device", "name", "value"]),
];

const OWNED: [&str; 6] = ["id", "name", "description", "tags", "createdby", "created"];

/// The columns of one record that are not NULL and not empty, but for its key and the secrets.
pub(super) type Fields = BTreeMap<&'static str, String>;

/// A user, a domain, a tenant or a device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) fields: Fields,
}

impl Record {
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }
}

/// Something of a record that stands in a table of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) of: String,
    pub(super) name: String,
    pub(super) value: String,
}

/// All that a dump has.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) users: Vec<Record>,
    pub(super) roles: Vec<String>,
    /// Its names are those of roles.
    pub(super) user_roles: Vec<Part>,
    pub(super) user_permissions: Vec<Part>,
    pub(super) role_permissions: Vec<Part>,
    pub(super) user_attributes: Vec<Part>,
    pub(super) system: Vec<Part>,
    pub(super) domains: Vec<Record>,
    pub(super) domain_properties: Vec<Part>,
    pub(super) tenants: Vec<Record>,
    pub(super) tenant_properties: Vec<Part>,
    pub(super) devices: Vec<Record>,
    pub(super) device_properties: Vec<Part>,
    /// Which are not of this schema.
    pub(super) other_tables: BTreeSet<String>,
    /// `table.column` of what is not of this schema, in tables that are.
    pub(super) other_columns: BTreeSet<String>,
}

/// Why there is nothing to bring along.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    #[error(transparent)]
    Dump(#[from] DumpError),
    #[error("the dump has none of the tables auth_user, reflector_domain and reflector_device")]
    Nothing,
}

fn is_known(table: &str) -> bool {
    TABLES.iter().any(|(name, _)| *name == table)
}

/// Reads a dump to its end.
///
/// # Errors
/// [`SchemaError`]
pub(super) fn read(dump: impl Read) -> Result<Tables, SchemaError> {
    let mut dump = Dump::new(dump, is_known);
    let mut tables = Tables::default();
    let mut seen = BTreeSet::new();
    while let Some(row) = dump.next_row()? {
        if !seen.contains(&row.table) {
            seen.insert(row.table.clone());
        }
        tables.put(row);
    }
    for (table, columns) in dump.made() {
        seen.insert(table.to_owned());
        tables.note_columns(table, columns);
    }
    tables.other_tables = dump.others().clone();
    let main = ["auth_user", "reflector_domain", "reflector_device"];
    if main.iter().all(|table| !seen.contains(*table)) {
        return Err(SchemaError::Nothing);
    }
    Ok(tables)
}

impl Tables {
    fn note_columns(&mut self, table: &str, columns: &[String]) {
        let known = TABLES.iter().find(|(name, _)| *name == table);
        let known = known.map_or(&[][..], |(_, columns)| columns);
        for column in columns {
            if !known.contains(&column.as_str()) {
                self.other_columns.insert(format!("{table}.{column}"));
            }
        }
    }

    fn put(&mut self, row: Row) {
        let Some((table, known)) = TABLES.iter().find(|(name, _)| *name == row.table) else {
            return;
        };
        let mut values: BTreeMap<&'static str, String> = BTreeMap::new();
        for (column, value) in row.columns.iter().zip(row.values) {
            let text = match value {
                Value::Null => continue,
                Value::Number(text) => text,
                Value::Bytes(bytes) => text_of(&bytes),
            };
            match known.iter().find(|known| *known == column) {
                Some(known) => {
                    values.insert(known, text);
                }
                None if self.other_columns.len() < 1000 => {
                    self.other_columns.insert(format!("{table}.{column}"));
                }
                None => {}
            }
        }
        let mut take = |column: &str| values.remove(column).unwrap_or_default();
        let mut part = |of: &str, name: &str, value: &str| Part {
            of: take(of),
            name: take(name),
            value: take(value),
        };
        match *table {
            "auth_user_roles" => self.user_roles.push(part("username", "rolename", "")),
            "auth_user_permissions" => {
                self.user_permissions
                    .push(part("username", "permission", ""));
            }
            "auth_role_permissions" => {
                self.role_permissions
                    .push(part("rolename", "permission", ""));
            }
            "auth_user_attributes" => {
                self.user_attributes
                    .push(part("username", "attribute", "value"));
            }
            "auth_role" => self.roles.push(take("rolename")),
            "reflector_systemprop" => self.system.push(part("", "name", "value")),
            "reflector_domainprop" => {
                self.domain_properties.push(part("domain", "name", "value"));
            }
            "reflector_tenantprop" => {
                self.tenant_properties.push(part("tenant", "name", "value"));
            }
            "reflector_deviceprop" => {
                self.device_properties.push(part("device", "name", "value"));
            }
            "auth_user" => self.users.push(record(values, "username")),
            "reflector_domain" => self.domains.push(record(values, "id")),
            "reflector_tenant" => self.tenants.push(record(values, "id")),
            "reflector_device" => self.devices.push(record(values, "id")),
            _ => {}
        }
    }
}

/// Secrets are left behind here: nothing further on can show them.
fn record(mut fields: Fields, key: &str) -> Record {
    let id = fields.remove(key).unwrap_or_default();
    fields
        .retain(|name, value| !["password", "hashedpassword"].contains(name) && !value.is_empty());
    Record { id, fields }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_known_by_their_names() {
        let dump = "CREATE TABLE auth_user (created text, Username text, password text, x int);\n\
            INSERT INTO auth_user VALUES ('2020','ada','0cc175b9c0f1b6a831c399e269772661',7);\n\
            INSERT INTO auth_user_roles (rolename, username) VALUES ('user','ada');\n\
            CREATE TABLE reflector_device (id text, `lastConnect` text, domain text);\n\
            INSERT INTO reflector_device VALUES ('pump',NULL,0x61);\n\
            INSERT INTO reflector_deviceprop (device,name,value) VALUES ('pump','a',''),('pump','b',5);\n\
            INSERT INTO strange VALUES (1);";
        let tables = read(dump.as_bytes()).unwrap();
        assert_eq!(tables.users[0].id, "ada");
        assert_eq!(tables.users[0].field("created"), Some("2020"));
        assert_eq!(tables.users[0].fields.len(), 1, "no password");
        assert_eq!(
            (&*tables.user_roles[0].of, &*tables.user_roles[0].name),
            ("ada", "user")
        );
        assert_eq!(tables.devices[0].field("domain"), Some("a"));
        assert_eq!(tables.devices[0].fields.len(), 1);
        assert_eq!(tables.device_properties[1].value, "5");
        assert!(tables.other_tables.iter().eq(["strange"]));
        assert!(tables.other_columns.iter().eq(["auth_user.x"]));
    }

    #[test]
    fn a_dump_of_something_else_is_none() {
        for dump in [
            "",
            "CREATE TABLE posts (id int); INSERT INTO posts VALUES (1);",
        ] {
            assert!(matches!(read(dump.as_bytes()), Err(SchemaError::Nothing)));
        }
        let empty = read(&b"CREATE TABLE reflector_device (id text);"[..]).unwrap();
        assert!(empty.devices.is_empty());
    }
}
