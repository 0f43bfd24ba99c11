//! build: the web app, the server and the agent.

use anyhow::Result;

use crate::site::{self, Profile};
use crate::{native, run, setup};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Small and fast instead of quick to build.
    #[arg(long)]
    release: bool,
}

/// Builds the web app into `target/site`, then the programs that need it.
///
/// # Errors
/// Something does not build.
pub(crate) fn perform(options: Options) -> Result<()> {
    setup::perform(setup::Need { tests: false })?;
    site::build(if options.release {
        Profile::Release
    } else {
        Profile::Dev
    })?;
    programs(options.release)
}

/// Builds server and agent.
pub(crate) fn programs(release: bool) -> Result<()> {
    let mut command = if release {
        let mut command = run::cargo();
        // What is measured and shipped has the features of these two alone.
        command.args(["build", "--release", "-p", "server", "-p", "agent"]);
        command
    } else {
        native::cargo(&["build", "--bins"])
    };
    run::run(&mut command)
}
