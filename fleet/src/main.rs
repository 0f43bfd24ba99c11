//! Many devices in a few processes, each the agent's own code, against one `adit-server` on
//! loopback: what they cost at rest, how they come back, what is left when they have come and gone.
//!
//! ```text
//! adit-fleet ─┬─ adit-server                    a scratch folder, its own port and /metrics
//!             ├─ adit-fleet load (devices 0…)   orders on standard input, events on its output
//!             └─ adit-fleet load (devices n…)
//! ```

#![expect(
    clippy::disallowed_methods,
    reason = "a load tool reads the clock and owns its tasks"
)]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the product; progress is for the person who waits"
)]

mod fleet;
mod load;
mod metrics;
mod process;
mod report;
mod scripts;
mod server;
mod simulated;
mod visitor;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::scripts::Script;

#[derive(Parser)]
#[command(
    name = "adit-fleet",
    about = "Many devices against one server on this machine"
)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

/// What the fleet does, and how many it is.
#[derive(clap::Args, Clone, Debug)]
struct Options {
    #[arg(long, value_enum, default_value_t = Script::Idle)]
    script: Script,
    #[arg(long, default_value_t = 1000)]
    devices: usize,
    /// Of what the tool decides by chance; the agents' own chance is the system's.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long the script goes on when everybody is connected; each has its own default.
    #[arg(long)]
    minutes: Option<f64>,
    /// Devices that begin to connect in a second.
    #[arg(long, default_value_t = 400.0)]
    per_s: f64,
    /// herd: how long the server is away.
    #[arg(long, default_value_t = 0.0)]
    down_s: f64,
    /// soak: which share of the devices goes each second.
    #[arg(long, default_value_t = 0.01)]
    churn_per_s: f64,
    /// soak, traffic: people who ask at a time; each script has its own default.
    #[arg(long)]
    visitors: Option<usize>,
    /// The server's `tunnel_handshakes_per_s`; its default when not given.
    #[arg(long)]
    handshakes_per_s: Option<u32>,
    /// No server and no devices, but 100,000 agents in virtual time.
    #[arg(long)]
    simulated: bool,
    /// Writes the figures there as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Keeps the scratch folder with the server's log.
    #[arg(long)]
    keep: bool,
}

#[derive(Subcommand)]
enum Role {
    /// A part of the fleet; started by the run itself.
    #[command(hide = true)]
    Load(load::LoadRole),
}

fn main() -> ExitCode {
    let args = Args::parse();
    // Set once per process; a second set could only come from ourselves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = match args.role {
        None if args.options.simulated => simulate(&args.options),
        None => scripts::run(&args.options),
        Some(Role::Load(role)) => load::run(&role),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("adit-fleet: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn simulate(options: &Options) -> anyhow::Result<()> {
    let reports = simulated::print(options.seed);
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_vec_pretty(&reports)?)?;
    }
    let missed: Vec<&str> = reports.iter().flat_map(report::Report::missed).collect();
    anyhow::ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}
