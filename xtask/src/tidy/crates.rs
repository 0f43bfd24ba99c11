//! Which of our crates may know which (DESIGN section 2 in code).

use anyhow::{Context, Result};
use serde_json::Value;

use crate::run;

/// Each crate, and all of ours that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("agent", &["api", "tunnel"]),
    ("api", &[]),
    ("app", &["api", "remote-messages"]),
    ("bench", &["agent", "api", "server", "tunnel"]),
    ("cli", &["api", "tunnel"]),
    ("demo", &["api"]),
    ("fault", &["tunnel"]),
    ("fleet", &["agent", "api", "server", "tunnel"]),
    ("frontend", &["app"]),
    ("remote-messages", &[]),
    (
        "remote-ssh",
        &["remote-messages", "remote-stream", "tunnel"],
    ),
    ("remote-stream", &["remote-messages", "tunnel"]),
    (
        "remote-vnc",
        &["remote-messages", "remote-stream", "tunnel"],
    ),
    ("server", &["api", "tunnel"]),
    ("tunnel", &[]),
    ("xtask", &[]),
];

/// Tests of these may use more: a chain test runs an agent in its own process.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[(
    "server",
    &[
        "agent",
        "fault",
        "remote-messages",
        "remote-ssh",
        "remote-stream",
    ],
)];

/// What cargo knows of the workspace and all it depends on.
///
/// # Errors
/// cargo failed.
pub(super) fn metadata() -> Result<Value> {
    let words = ["metadata", "--format-version", "1", "--quiet"];
    Ok(serde_json::from_str(&run::output(
        run::cargo().args(words),
    )?)?)
}

/// Finds a dependency that no rule allows, and a crate that no rule names.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    check_ours(metadata).unwrap_or_else(|error| vec![format!("cargo metadata: {error:#}")])
}

fn check_ours(metadata: &Value) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for package in packages(metadata)?
        .iter()
        .filter(|package| package["source"].is_null())
    {
        let name = package["name"].as_str().context("a package without name")?;
        let Some(allowed) = allowed(ALLOWED, name) else {
            findings.push(format!(
                "{name}: no rule says what this crate may depend on"
            ));
            continue;
        };
        let dependencies = package["dependencies"]
            .as_array()
            .context("no dependencies")?;
        for dependency in dependencies
            .iter()
            .filter(|dependency| dependency["path"].is_string())
        {
            let other = dependency["name"]
                .as_str()
                .context("a dependency without name")?;
            let in_tests = dependency["kind"] == "dev"
                && self::allowed(ALLOWED_IN_TESTS, name).is_some_and(|more| more.contains(&other));
            if !allowed.contains(&other) && !in_tests {
                findings.push(format!("{name} may not depend on {other}"));
            }
            let for_browsers = name.starts_with("remote-");
            if for_browsers && other == "tunnel" && dependency["uses_default_features"] == true {
                findings.push(format!(
                    "{name} may use only tunnel's core, without the driver"
                ));
            }
        }
    }
    Ok(findings)
}

/// All packages of the metadata.
pub(super) fn packages(metadata: &Value) -> Result<&Vec<Value>> {
    metadata["packages"].as_array().context("no packages")
}

fn allowed(
    table: &'static [(&'static str, &'static [&'static str])],
    name: &str,
) -> Option<&'static [&'static str]> {
    table
        .iter()
        .find(|(crate_name, _)| *crate_name == name)
        .map(|(_, others)| *others)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn findings(name: &str, dependency: &Value) -> Vec<String> {
        check(&json!({"packages": [
            {"name": name, "source": null, "dependencies": [dependency]},
            {"name": "serde", "source": "registry", "dependencies": []},
        ]}))
    }

    #[test]
    fn only_what_is_allowed_passes() {
        let server = json!({"name": "server", "path": "p", "kind": null});
        assert_eq!(findings("app", &server), ["app may not depend on server"]);
        let api = json!({"name": "api", "path": "p", "kind": null});
        assert!(findings("app", &api).is_empty());
        assert_eq!(findings("tunnel", &api), ["tunnel may not depend on api"]);
    }

    #[test]
    fn tests_of_the_server_may_run_an_agent() {
        assert!(
            findings(
                "server",
                &json!({"name": "agent", "path": "p", "kind": "dev"})
            )
            .is_empty()
        );
        assert!(
            !findings(
                "server",
                &json!({"name": "agent", "path": "p", "kind": null})
            )
            .is_empty()
        );
    }

    #[test]
    fn browser_clients_leave_the_driver_out() {
        let core = json!({"name": "tunnel", "path": "p", "uses_default_features": false});
        assert!(findings("remote-ssh", &core).is_empty());
        let all = json!({"name": "tunnel", "path": "p", "uses_default_features": true});
        assert_eq!(findings("remote-ssh", &all).len(), 1);
    }

    #[test]
    fn a_new_crate_needs_a_rule() {
        assert_eq!(findings("shed", &json!({"name": "serde"})).len(), 1);
    }
}
