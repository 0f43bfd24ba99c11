//! test: check, then every test: native, docs, and the browser stories; one sum at the end.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::site::{self, Profile};
use crate::tally::Tally;
use crate::{agent, check, demo, fault, native, node, run, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leaves the browser stories out.
    #[arg(long)]
    no_browser: bool,
}

/// Runs all of it to its end, whatever fails, and closes with `N passed, N failed`.
///
/// # Errors
/// Something failed.
pub(crate) fn perform(options: &Options) -> Result<()> {
    setup::perform(setup::Need {
        tests: !options.no_browser,
    })?;
    let mut tally = check::all();
    tally += counted("programs and tests build", || {
        run::run(&mut native::cargo(&["build", "--all-targets"]))
    });
    tally += counted_runner("xtask's tests", || {
        nextest(&mut native::cargo_xtask(NEXTEST))
    });
    tally += counted_runner("native tests", || nextest(&mut native::cargo(NEXTEST)));
    tally += counted_runner("the app's tests", || {
        nextest(&mut native::cargo_app(NEXTEST))
    });
    tally += counted_runner("the remote modules' tests", || {
        nextest(&mut native::cargo_remote(NEXTEST))
    });
    tally += counted_runner("examples in the docs", doc_tests);
    tally += counted("the agent builds and is small", agent::hold_limit);
    tally += counted("an idle device costs the server little", idle_device);
    // Says "skipped" where nobody may make networks.
    tally += counted("bad networks, the quick ones", fault::quick);
    if !options.no_browser {
        tally += counted("the web app builds and is small", || {
            site::build(Profile::Release)
        });
        tally += counted("types of the browser stories", types_of_stories);
        tally += counted_runner("browser stories", stories);
    }
    println!("{tally}");
    if !tally.is_good() {
        bail!("not all passed");
    }
    Ok(())
}

const NEXTEST: &[&str] = &["nextest", "run", "--no-tests=pass"];

/// One thing that passes or fails as a whole.
fn counted(name: &str, step: impl FnOnce() -> Result<()>) -> Tally {
    let outcome = step();
    report(name, outcome.as_ref().err());
    Tally::one(outcome.is_ok())
}

/// A runner with counts of its own. One that could not run at all counts as one failure.
fn counted_runner(name: &str, step: impl FnOnce() -> Result<Tally>) -> Tally {
    let outcome = step();
    report(name, outcome.as_ref().err());
    outcome.unwrap_or_else(|_| Tally::one(false))
}

fn report(name: &str, error: Option<&anyhow::Error>) {
    if let Some(error) = error {
        eprintln!("FAILED: {name}: {error:#}");
    }
}

fn nextest(command: &mut Command) -> Result<Tally> {
    let path = run::root().join("target/nextest/default/junit.xml");
    let _ = fs::remove_file(&path);
    let ended_well = run::run(command).is_ok();
    // No file: there was no test, or nothing could be built.
    let counts = fs::read_to_string(&path).map_or(Ok(Tally::default()), |text| junit(&text))?;
    Ok(Tally::of_runner(counts, ended_well))
}

/// The sums that nextest writes into the first lines of its report.
fn junit(text: &str) -> Result<Tally> {
    let (_, suites) = text
        .split_once("<testsuites ")
        .context("no test suites in the report")?;
    let number = |name: &str| -> Result<u64> {
        let (_, value) = suites
            .split_once(&format!(" {name}=\""))
            .context("no sums")?;
        let (value, _) = value.split_once('"').context("no sums")?;
        Ok(value.parse()?)
    };
    let failed = number("failures")? + number("errors")?;
    Ok(Tally {
        passed: number("tests")?.saturating_sub(failed),
        failed,
    })
}

/// CPU a byte is no figure of a build like this; `cargo xtask bench gate` has it.
fn idle_device() -> Result<()> {
    let program = native::programs(false).join("adit-bench");
    run::run(Command::new(program).args(["gate", "--rounds", "0"]))
}

fn doc_tests() -> Result<Tally> {
    let mut counts = Tally::default();
    let mut command = native::cargo(&["test", "--quiet", "--doc"]);
    let ended_well = run::watch(&mut command, |line| {
        if let Some(sum) = doc_test_sum(line) {
            counts += sum;
        }
    })?;
    Ok(Tally::of_runner(counts, ended_well))
}

/// `test result: ok. 3 passed; 0 failed; …`
fn doc_test_sum(line: &str) -> Option<Tally> {
    let (_, sums) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let number = |word: &str| {
        let part = sums.split("; ").find(|part| part.ends_with(word))?;
        part.split(' ').next()?.parse().ok()
    };
    Some(Tally {
        passed: number("passed")?,
        failed: number("failed")?,
    })
}

fn types_of_stories() -> Result<()> {
    run::run(&mut end2end(&[
        "node_modules/typescript/bin/tsc",
        "--noEmit",
    ]))
}

fn stories() -> Result<Tally> {
    let report = run::root().join("end2end/test-results/report.json");
    let _ = fs::remove_file(&report);
    let mut command = playwright_command(&demo::program());
    let ended_well = run::run(&mut command).is_ok();
    Ok(Tally::of_runner(playwright(&report)?, ended_well))
}

/// Browser stories, with this demo behind them.
pub(crate) fn playwright_command(demo: &Path) -> Command {
    let mut command = end2end(&["node_modules/@playwright/test/cli.js", "test"]);
    command.env("ADIT_DEMO", demo);
    command
}

fn end2end(words: &[&str]) -> Command {
    let mut command = node::node();
    command.args(words).current_dir(run::root().join("end2end"));
    command
}

/// A story that passed only at a second try has failed: it will fail others.
fn playwright(report: &Path) -> Result<Tally> {
    let text = fs::read_to_string(report).context("the browser stories left no report")?;
    let report: Value = serde_json::from_str(&text)?;
    let number = |name: &str| {
        report["stats"][name]
            .as_u64()
            .context("no sums in the report")
    };
    Ok(Tally {
        passed: number("expected")?,
        failed: number("unexpected")? + number("flaky")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_sums_are_read() {
        let text = "<?xml version=\"1.0\"?>\n<testsuites name=\"a\" tests=\"12\" failures=\"2\" \
                    errors=\"1\" uuid=\"x\" time=\"0.1\">\n<testsuite name=\"b\" tests=\"3\">";
        assert_eq!(
            junit(text).unwrap(),
            Tally {
                passed: 9,
                failed: 3
            }
        );
        assert!(junit("<html>").is_err());
    }

    #[test]
    fn doc_test_sums_are_read() {
        let line = "test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(
            doc_test_sum(line),
            Some(Tally {
                passed: 3,
                failed: 1
            })
        );
        assert_eq!(doc_test_sum("running 3 tests"), None);
    }
}
