//! fault: the real server and agent in network namespaces, and a large transfer, both through bad
//! networks.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::{native, run};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only these cases; all, and the transfer, when none is named.
    names: Vec<String>,
    /// Only those that are quick enough for every test run.
    #[arg(long)]
    quick: bool,
    /// Names the cases and ends.
    #[arg(long)]
    list: bool,
}

/// The case that is no network namespace: a gigabyte each way through cuts and 30 s of darkness.
const TRANSFER: &str = "transfer";
const TRANSFER_TEST: &str = "faults::r14_a_transfer_outlives_two_swaps_and_a_darkness";

/// Builds the programs and runs the cases.
///
/// # Errors
/// They do not build, or a case failed.
pub(crate) fn perform(options: &Options) -> Result<()> {
    let mut names = options.names.clone();
    names.retain(|name| name != TRANSFER);
    let is_transfer_named = names.len() < options.names.len();
    let in_namespaces = options.names.is_empty() || !names.is_empty();
    let mut failures = Vec::new();
    if in_namespaces {
        let program = build()?;
        let mut command = Command::new(program);
        command.args(&names);
        for (flag, is_set) in [("--quick", options.quick), ("--list", options.list)] {
            command.args(is_set.then_some(flag));
        }
        failures.extend(run::run(&mut command).err());
    }
    if options.list {
        return Ok(());
    }
    if is_transfer_named || (options.names.is_empty() && !options.quick) {
        failures.extend(transfer().err());
    }
    if let Some(failure) = failures.pop() {
        bail!("{failure:#}");
    }
    Ok(())
}

/// The cases that are quick enough for every test run.
///
/// # Errors
/// They do not build, or a case failed.
pub(crate) fn quick() -> Result<()> {
    run::run(Command::new(build()?).arg("--quick"))
}

/// The programs, with the features that the other tasks build them with.
fn build() -> Result<PathBuf> {
    run::run(&mut native::cargo(&["build"]))?;
    Ok(native::programs(false).join("adit-fault"))
}

fn transfer() -> Result<()> {
    let words = [
        "test",
        "--package",
        "server",
        "--test",
        "chain",
        "--",
        "--exact",
        "--nocapture",
        TRANSFER_TEST,
    ];
    let mut command = run::cargo();
    command
        .args(words)
        .env("ADIT_FAULT_BYTES", (1_u64 << 30).to_string())
        .env("ADIT_FAULT_DARK_S", "30");
    run::run(&mut command)
}
