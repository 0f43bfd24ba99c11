//! Features of the server meet only through each other's `mod.rs`.

use std::collections::{BTreeMap, BTreeSet};

use super::Source;

/// Feature → the modules inside it.
type Features<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// Who must not know whom, whatever the other shows.
const STRANGERS: &[(&str, &str)] = &[("proxy", "db"), ("relay", "proxy"), ("access", "http")];

/// Finds paths such as `crate::devices::store::…` outside `devices`, and strangers that meet.
pub(super) fn check(sources: &[Source]) -> Vec<String> {
    let features = features(sources);
    let mut findings = Vec::new();
    for source in sources {
        let Some((own, _)) = place(&source.path) else {
            continue;
        };
        for (number, statement) in statements(&source.text) {
            for (feature, inner) in meetings(&statement) {
                if feature == own {
                    continue;
                }
                let Some(modules) = features.get(feature) else {
                    continue;
                };
                for module in inner.iter().filter(|module| modules.contains(*module)) {
                    let what = format!("`{feature}::{module}` is inside another feature");
                    findings.push(source.finding(number, &what));
                }
                if STRANGERS.contains(&(own, feature)) {
                    let what = format!("`{own}` knows nothing of `{feature}`");
                    findings.push(source.finding(number, &what));
                }
            }
        }
    }
    findings
}

/// The feature that a file is in, and its path inside it.
fn place(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix("server/src/")?.split_once('/')
}

fn features(sources: &[Source]) -> Features<'_> {
    let mut features = Features::new();
    for (feature, inside) in sources.iter().filter_map(|source| place(&source.path)) {
        let module = inside
            .split('/')
            .next()
            .unwrap_or(inside)
            .trim_end_matches(".rs");
        features.entry(feature).or_default().insert(module);
    }
    features
}

/// The text in pieces that end with `;` or an empty line, each with the number of its first line:
/// an import may go over several lines. Comments are left out.
fn statements(text: &str) -> Vec<(usize, String)> {
    let mut statements = Vec::new();
    let mut current: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let code = line.trim();
        if !code.starts_with("//") {
            let (_, text) = current.get_or_insert((index + 1, String::new()));
            text.push_str(code);
        }
        if code.ends_with(';') || code.is_empty() {
            statements.extend(current.take());
        }
    }
    statements.extend(current);
    statements
}

/// Each `crate::<feature>::` of a statement, with the names before a further `::`.
fn meetings(statement: &str) -> Vec<(&str, Vec<&str>)> {
    statement
        .split("crate::")
        .skip(1)
        .filter_map(|rest| {
            let (feature, inside) = rest.split_once("::")?;
            let is_word = feature
                .chars()
                .all(|letter| letter.is_alphanumeric() || letter == '_');
            is_word.then(|| (feature, inner(inside)))
        })
        .collect()
}

fn inner(inside: &str) -> Vec<&str> {
    match inside.strip_prefix('{') {
        Some(group) => group.split([',', '{', '}']).filter_map(head).collect(),
        None => head(inside).into_iter().collect(),
    }
}

/// `store` of `store::Row`.
fn head(path: &str) -> Option<&str> {
    path.split_once("::").map(|(head, _)| head.trim())
}

#[cfg(test)]
mod tests {
    use super::super::sources::fixture;
    use super::*;

    fn findings(path: &str, text: &str) -> Vec<String> {
        check(&[
            fixture("server/src/devices/store.rs", ""),
            fixture("server/src/devices/mod.rs", ""),
            fixture("server/src/db/mod.rs", ""),
            fixture(path, text),
        ])
    }

    #[test]
    fn the_inside_of_another_feature_is_closed() {
        let path = "server/src/relay/open.rs";
        assert_eq!(findings(path, "use crate::devices::store::Row;").len(), 1);
        assert_eq!(
            findings(path, "use crate::devices::{\n    Devices, store::Row,\n};").len(),
            1
        );
        assert_eq!(
            findings(path, "let a = crate::devices::store::all();").len(),
            1
        );
        assert!(findings(path, "use crate::devices::{Devices, Presence};").is_empty());
        assert!(findings(path, "use crate::devices::Devices;").is_empty());
    }

    #[test]
    fn a_feature_knows_its_own_inside() {
        assert!(
            findings(
                "server/src/devices/http.rs",
                "use crate::devices::store::A;"
            )
            .is_empty()
        );
    }

    #[test]
    fn the_proxy_knows_no_database() {
        assert_eq!(
            findings("server/src/proxy/mod.rs", "use crate::db::Db;").len(),
            1
        );
    }

    #[test]
    fn comments_do_not_count() {
        assert!(findings("server/src/relay/a.rs", "// crate::devices::store::Row;").is_empty());
    }
}
