//! demo: a server and three demo devices on this machine.

use std::process::Command;

use anyhow::Result;

use crate::{native, run, setup, site};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// For the demo itself: `--port N`, `--devices N`, `--json`, `--control`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Builds everything and runs `adit-demo` until it is told to end.
///
/// # Errors
/// Something does not build or does not start.
pub(crate) fn perform(options: &Options) -> Result<()> {
    setup::perform(setup::Need { tests: false })?;
    site::build(site::Profile::Release)?;
    run::run(&mut native::cargo(&["build", "--bins"]))?;
    run::become_program(Command::new(program()).args(&options.arguments))
}

/// Where `adit-demo` is after a build.
pub(crate) fn program() -> std::path::PathBuf {
    native::programs(false).join("adit-demo")
}
