//! fleet: many devices against one server on this machine; release build.

use std::process::Command;

use anyhow::Result;

use crate::{native, run};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// For the fleet itself, such as `--script herd --devices 2000 --json FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds and runs `adit-fleet`, which starts its own server and ends it.
///
/// # Errors
/// It does not build, or a row misses what it must hold.
pub(crate) fn perform(options: &Options) -> Result<()> {
    run::run(run::cargo().args(["build", "--release", "-p", "server", "-p", "fleet"]))?;
    let program = native::programs(true).join("adit-fleet");
    run::become_program(Command::new(program).args(&options.arguments))
}
