//! cargo xtask: every task of the project by name.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a task talks to the terminal"
)]

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod agent;
mod bench;
mod build;
mod check;
mod demo;
mod dev;
mod fault;
mod fleet;
mod native;
mod node;
mod run;
mod setup;
mod site;
mod tally;
mod test;
mod tidy;

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "The project's tasks",
    disable_help_subcommand = true
)]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Installs what the other tasks need (Debian, root); quick when all is there.
    Setup,
    /// Builds the web app, the server and the agent.
    Build(build::Options),
    /// Builds, runs the server, and does both again when a source changes.
    Dev(dev::Options),
    /// Format, lints, docs, tidy and the rules of the wasm builds.
    Check,
    /// The project's own rules; a part of check.
    Tidy(tidy::Options),
    /// Check, then every test: native, docs, and the browser stories.
    Test(test::Options),
    /// A server and three demo devices on this machine.
    Demo(demo::Options),
    /// Speed and memory against the reference pair.
    Bench(bench::Options),
    /// Bad networks between the real programs, in namespaces (root).
    Fault(fault::Options),
    /// Many devices against one server: what they cost, how they come back.
    Fleet(fleet::Options),
}

fn main() -> ExitCode {
    match perform(Args::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    // Every path in the tasks is relative to the root of the repository.
    std::env::set_current_dir(run::root())?;
    match task {
        Task::Setup => setup::perform(setup::Need::everything()),
        Task::Build(options) => build::perform(options),
        Task::Dev(options) => dev::perform(&options),
        Task::Check => check::perform(),
        Task::Tidy(options) => tidy::perform(options),
        Task::Test(options) => test::perform(&options),
        Task::Demo(options) => demo::perform(&options),
        Task::Bench(options) => bench::perform(&options),
        Task::Fault(options) => fault::perform(&options),
        Task::Fleet(options) => fleet::perform(&options),
    }
}
