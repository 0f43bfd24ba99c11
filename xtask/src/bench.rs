//! bench: speed and memory against the reference pair, and of what runs in a browser; release build.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::agent::Target;
use crate::site::{self, Profile};
use crate::{native, run, setup, test};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Options {
    #[command(subcommand)]
    alone: Option<Alone>,
    /// For the bench itself, such as `--json FILE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// What is measured by itself: programs of its own, or a browser.
#[derive(clap::Subcommand)]
enum Alone {
    /// The agent as it is shipped, static: size, memory at rest, time to its first byte; the one
    /// for aarch64 under qemu-user as far as to serve a stream.
    Agent {
        /// For the bench itself, such as `--json FILE`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The app's first screens on a slow machine: when they can be used, bytes until then.
    App {
        /// Writes the rows here as JSON.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// The terminal: keystroke to glyph, a file of 32 MB.
    Ssh {
        /// Writes the rows here as JSON.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
    /// The desktop beside noVNC: time and bytes of a whole picture, by encoding and content.
    Vnc {
        /// Writes the rows here as JSON.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// How long nothing happens on the desktop that is watched for what it sends.
        #[arg(long, value_name = "SECONDS", default_value_t = 60)]
        idle_s: u32,
        /// Measures only what a name of content and encoding has in it: "photo Raw".
        #[arg(long, value_name = "PATTERN", default_value = "")]
        only: String,
    },
}

/// Builds and runs `adit-bench`, or a measurement in a browser.
///
/// # Errors
/// It does not build, or a row misses what it must hold.
pub(crate) fn perform(options: &Options) -> Result<()> {
    match &options.alone {
        Some(Alone::Agent { arguments }) => return shipped_agent(arguments),
        Some(Alone::App { json }) => return in_browser("bench-app", json.as_deref(), &[]),
        Some(Alone::Ssh { json }) => return in_browser("bench-ssh", json.as_deref(), &[]),
        Some(Alone::Vnc { json, idle_s, only }) => {
            let settings = [
                ("BENCH_IDLE_S", idle_s.to_string()),
                ("BENCH_ONLY", only.clone()),
            ];
            return in_browser("bench-vnc", json.as_deref(), &settings);
        }
        None => {}
    }
    run::become_program(Command::new(program()?).args(&options.arguments))
}

/// The bench itself, and the programs that it starts.
fn program() -> Result<PathBuf> {
    let parts = ["-p", "bench", "-p", "fleet", "-p", "server"];
    run::run(run::cargo().args(["build", "--release"]).args(parts))?;
    Ok(native::programs(true).join("adit-bench"))
}

fn shipped_agent(arguments: &[String]) -> Result<()> {
    let mut command = Command::new(program()?);
    command.arg("agent").args(arguments);
    for target in Target::ALL {
        command.arg(target.build()?);
    }
    run::become_program(&mut command)
}

fn in_browser(
    story: &str,
    json: Option<&std::path::Path>,
    settings: &[(&str, String)],
) -> Result<()> {
    setup::perform(setup::Need::everything())?;
    site::build(Profile::Release)?;
    run::run(run::cargo().args([
        "build",
        "--release",
        "-p",
        "server",
        "-p",
        "agent",
        "-p",
        "demo",
    ]))?;
    let mut command = test::playwright_command(&native::programs(true).join("adit-demo"));
    // A path of its own: folders above could have the same name.
    let file = format!("tests/{story}.spec.ts");
    command.arg(file).env("BENCH", "1");
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    if let Some(path) = json {
        command.env("BENCH_JSON", std::path::absolute(path)?);
    }
    run::run(&mut command)
}
