//! check: format, lints, docs, tidy and the rules of the wasm builds.

use std::process::Command;

use anyhow::{Result, bail};

use crate::tally::Tally;
use crate::{native, run, setup, tidy};

/// A check by name.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("format", format),
    ("tidy", tidy::check),
    ("licences, bans and sources", cargo_deny),
    ("lints, native", lints_native),
    ("lints, wasm", lints_wasm),
    ("docs", docs),
    ("the tunnel's core alone", tunnel_core),
];

/// All checks, each to its end.
///
/// # Errors
/// One or more failed.
pub(crate) fn perform() -> Result<()> {
    setup::perform(setup::Need { tests: false })?;
    let tally = all();
    println!("{tally}");
    if !tally.is_good() {
        bail!("not all checks passed");
    }
    Ok(())
}

/// Runs every check, says how each went, and counts.
pub(crate) fn all() -> Tally {
    let mut tally = Tally::default();
    for (name, step) in STEPS {
        let outcome = step();
        match &outcome {
            Ok(()) => println!("ok: {name}"),
            Err(error) => eprintln!("FAILED: {name}: {error:#}"),
        }
        tally += Tally::one(outcome.is_ok());
    }
    tally
}

fn format() -> Result<()> {
    run::run(run::cargo().args(["fmt", "--check"]))
}

/// cargo-deny reads the same `deny.toml` as tidy and knows more; it is used where it is.
fn cargo_deny() -> Result<()> {
    if run::is_installed("cargo-deny", "--version") {
        return run::run(run::cargo().args([
            "deny",
            "--offline",
            "check",
            "licenses",
            "bans",
            "sources",
        ]));
    }
    tidy::check_policy()
}

fn lints_native() -> Result<()> {
    let words = ["clippy", "--quiet", "--all-targets"];
    run::run(deny_warnings(&mut native::cargo_xtask(&words)))?;
    run::run(deny_warnings(&mut native::cargo_remote(&words)))?;
    run::run(deny_warnings(&mut native::cargo(&words)))
}

fn lints_wasm() -> Result<()> {
    run::run(deny_warnings(&mut native::cargo_browser(&[
        "clippy", "--quiet",
    ])))
}

fn deny_warnings(clippy: &mut Command) -> &mut Command {
    clippy.args(["--", "-D", "warnings"])
}

fn docs() -> Result<()> {
    let words = ["doc", "--quiet", "--no-deps", "--document-private-items"];
    // Not RUSTFLAGS: those would have everything built anew.
    run::run(native::cargo(&words).env("RUSTDOCFLAGS", "-D warnings"))?;
    run::run(native::cargo_browser(&words).env("RUSTDOCFLAGS", "-D warnings"))
}

/// The core is pure computation: it builds for a browser, and no runtime is in its tree.
fn tunnel_core() -> Result<()> {
    let core = [
        "-p",
        "tunnel",
        "--no-default-features",
        "--target",
        native::WASM,
    ];
    run::run(run::cargo().args(["check", "--quiet"]).args(core))?;
    let tree = run::output(
        run::cargo()
            .args(["tree", "--edges", "normal", "--prefix", "none"])
            .args(core),
    )?;
    match tree.lines().find(|line| line.starts_with("tokio")) {
        Some(line) => bail!("the tunnel's core depends on {line}"),
        None => Ok(()),
    }
}
