//! bench: speed and memory against the reference pair, release build.

use std::process::Command;

use anyhow::Result;

use crate::{native, run};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// For the bench itself, such as `--json FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds and runs `adit-bench`.
///
/// # Errors
/// It does not build, or a row misses what it must hold.
pub(crate) fn perform(options: &Options) -> Result<()> {
    run::run(run::cargo().args(["build", "--release", "-p", "bench"]))?;
    let program = native::programs(true).join("adit-bench");
    run::become_program(Command::new(program).args(&options.arguments))
}
