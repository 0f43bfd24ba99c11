//! tidy: the project's own rules, each a small function over the sources.

use anyhow::{Result, bail};

use crate::run;

mod crates;
pub(crate) mod hex;
mod names;
mod places;
mod policy;
mod sizes;
mod slices;
pub(crate) mod sources;
mod sql;
mod stories;
mod styles;
mod tasks;
mod wire;
mod words;

use sources::Source;

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Writes into docs/protocol.md that it describes the wire code as it is now.
    #[arg(long)]
    bless: bool,
}

/// A rule: all that breaks it.
type Rule = fn(&[Source]) -> Vec<String>;

const RULES: &[Rule] = &[
    names::check,
    sizes::check,
    slices::check,
    sql::check,
    stories::check,
    styles::check,
    tasks::check,
    wire::check,
    words::check,
];

/// Blesses if asked, then checks.
///
/// # Errors
/// A rule is broken.
pub(crate) fn perform(options: Options) -> Result<()> {
    if options.bless {
        wire::bless(&run::root())?;
    }
    check_policy()?;
    check()
}

/// Checks every rule over the whole repository.
///
/// # Errors
/// A rule is broken; each finding is printed.
pub(crate) fn check() -> Result<()> {
    let root = run::root();
    let sources = sources::all(&root)?;
    let mut findings: Vec<String> = RULES.iter().flat_map(|rule| rule(&sources)).collect();
    findings.extend(places::check(&sources, &root));
    findings.extend(crates::check(&crates::metadata()?));
    report(&findings)
}

/// Checks licences, banned crates and sources of all dependencies.
///
/// # Errors
/// A dependency is not allowed; each finding is printed.
pub(crate) fn check_policy() -> Result<()> {
    let policy = std::fs::read_to_string(run::root().join("deny.toml"))?;
    report(&policy::check(&policy.parse()?, &crates::metadata()?)?)
}

fn report(findings: &[String]) -> Result<()> {
    for finding in findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        Ok(())
    } else {
        bail!("{} findings", findings.len())
    }
}
