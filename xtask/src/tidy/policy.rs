//! Licences, banned crates and sources of all dependencies, as `deny.toml` says.
//!
//! The part of cargo-deny that we use, read from the same file, so that a clean machine need not
//! build cargo-deny first (docs/decisions/0007).

use anyhow::{Context, Result};
use serde_json::Value;
use toml::Table;

use super::crates::packages;

const DEFAULT_REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Finds dependencies that the policy does not let in.
///
/// # Errors
/// The policy or the metadata is not as expected.
pub(super) fn check(policy: &Table, metadata: &Value) -> Result<Vec<String>> {
    let allowed = strings(policy, "licenses", "allow")?;
    let banned = banned(policy)?;
    let mut findings = Vec::new();
    for package in packages(metadata)?
        .iter()
        .filter(|package| package["source"].is_string())
    {
        let name = package["name"].as_str().context("a package without name")?;
        let licence = package["license"].as_str().unwrap_or("none");
        if !is_allowed(licence, &allowed) {
            findings.push(format!("{name}: licence {licence} is not allowed"));
        }
        if banned.iter().any(|other| other == name) {
            findings.push(format!("{name}: this crate is banned"));
        }
        if package["source"] != DEFAULT_REGISTRY {
            findings.push(format!("{name}: comes from {}", package["source"]));
        }
    }
    Ok(findings)
}

fn banned(policy: &Table) -> Result<Vec<String>> {
    let list = policy
        .get("bans")
        .and_then(|bans| bans.get("deny"))
        .and_then(|deny| deny.as_array());
    let name = |entry: &toml::Value| {
        entry
            .get("crate")
            .and_then(|name| name.as_str().map(str::to_owned))
    };
    list.context("deny.toml: no bans.deny")?
        .iter()
        .map(|entry| name(entry).context("deny.toml: a ban without crate"))
        .collect()
}

fn strings(policy: &Table, section: &str, key: &str) -> Result<Vec<String>> {
    let list = policy
        .get(section)
        .and_then(|section| section.get(key))
        .and_then(|list| list.as_array());
    let list = list.with_context(|| format!("deny.toml: no {section}.{key}"))?;
    Ok(list
        .iter()
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect())
}

/// Reads an SPDX expression: `AND` binds closer than `OR`, brackets first; an exception
/// (`WITH …`) belongs to its licence.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest, allowed) && rest.is_empty()
}

fn either(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut good = both(rest, allowed);
    while take(rest, "OR") {
        // Read first: the words must be taken whatever the answer so far.
        good = both(rest, allowed) || good;
    }
    good
}

fn both(rest: &mut &[&str], allowed: &[String]) -> bool {
    let mut good = single(rest, allowed);
    while take(rest, "AND") {
        good = single(rest, allowed) && good;
    }
    good
}

fn single(rest: &mut &[&str], allowed: &[String]) -> bool {
    if take(rest, "(") {
        let good = either(rest, allowed);
        return take(rest, ")") && good;
    }
    let Some((licence, after)) = rest.split_first() else {
        return false;
    };
    *rest = after;
    let mut licence = (*licence).to_owned();
    if take(rest, "WITH")
        && let Some((exception, after)) = rest.split_first()
    {
        licence += &format!(" WITH {exception}");
        *rest = after;
    }
    allowed.contains(&licence)
}

fn take(rest: &mut &[&str], word: &str) -> bool {
    match rest.split_first() {
        Some((first, after)) if *first == word => {
            *rest = after;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(package: &Value) -> Vec<String> {
        let policy = "[licenses]\nallow = ['MIT', 'Apache-2.0', 'Apache-2.0 WITH LLVM-exception']\n\
                      [bans]\ndeny = [{ crate = 'openssl' }]";
        check(&policy.parse().unwrap(), &json!({"packages": [package]})).unwrap()
    }

    fn package(name: &str, licence: &str) -> Value {
        json!({"name": name, "license": licence, "source": DEFAULT_REGISTRY})
    }

    #[test]
    fn licences_are_read_as_expressions() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR GPL-3.0) AND Apache-2.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(findings(&package("a", good)).is_empty(), "{good}");
        }
        for bad in [
            "GPL-3.0",
            "MIT AND GPL-3.0",
            "(MIT",
            "",
            "MIT MIT",
            "MIT WITH x",
        ] {
            assert_eq!(findings(&package("a", bad)).len(), 1, "{bad}");
        }
    }

    #[test]
    fn banned_crates_and_other_sources_are_found() {
        assert_eq!(findings(&package("openssl", "MIT")).len(), 1);
        let elsewhere =
            json!({"name": "a", "license": "MIT", "source": "git+https://example.org/a"});
        assert_eq!(findings(&elsewhere).len(), 1);
        let ours = json!({"name": "a", "license": null, "source": null});
        assert!(findings(&ours).is_empty());
    }
}
