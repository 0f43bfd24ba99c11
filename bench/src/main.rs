//! Speed and memory of Adit beside a reference pair of plain TLS proxies, in one run.
//!
//! Topology, the same for both: user → near end → TLS → far end → origin, each end a process of
//! its own on loopback. Rounds are interleaved and every figure is the median of the in-round
//! ratios: a busy machine slows both sides alike.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads the clock and owns its tasks"
)]
#![expect(
    clippy::print_stdout,
    reason = "the table is the product; children report their ports"
)]

mod adit;
mod after_bulk;
mod child;
mod device;
mod far;
mod fleet;
mod gate;
mod https;
mod line;
mod load;
mod memory;
mod nginx;
mod origin;
mod reference;
mod report;
mod rounds;
mod start;
mod visitor;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "adit-bench",
    about = "Measures Adit against a pair of plain TLS proxies"
)]
struct Args {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

/// What is measured, and how long.
#[derive(clap::Args, Clone, Debug)]
struct Options {
    /// Interleaved rounds; the median counts.
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Bytes of one bulk transfer, in MB; divided among the streams.
    #[arg(long, default_value_t = 400)]
    bulk_mb: u64,
    /// One-byte echoes in one round.
    #[arg(long, default_value_t = 1500)]
    echoes: usize,
    /// Seconds of each HTTP load.
    #[arg(long, default_value_t = 2.0)]
    http_s: f64,
    /// Measures only these: "bulk", "echo", "http" beside the reference, "https" beside nginx.
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
    /// Idle devices for the memory slope; 0 leaves it and the rows of the fleet out.
    #[arg(long, default_value_t = 2000)]
    devices: usize,
    #[command(flatten)]
    outcome: report::Outcome,
}

impl Options {
    fn measures(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == group)
    }
}

/// Measurements of their own, and the processes of a run, which the run starts itself.
#[derive(Subcommand)]
enum Role {
    /// The agent as it is shipped: size, memory at rest, time to its first byte.
    Agent(device::Options),
    /// The server's cold start with the records of many devices.
    Start(start::Options),
    /// A device on a path of 50 ms, beside the reference on the same path.
    Far(far::Options),
    /// What server and agent hold after bulk transfers, and a minute later.
    Memory(after_bulk::Options),
    /// CPU a byte and memory of an idle device, quick, with bounds that fail: for CI.
    Gate(gate::Options),
    /// The long way between two ends.
    #[command(hide = true)]
    Line(line::Role),
    /// Answers bulk, echo and HTTP.
    #[command(hide = true)]
    Origin,
    /// The far half of the reference: TLS in, plain out.
    #[command(hide = true)]
    ReferenceFar(reference::Far),
    /// The near half of the reference: plain in, TLS out.
    #[command(hide = true)]
    ReferenceNear(reference::Near),
    /// An Adit server with plain TCP listeners spliced to `relay::open`.
    #[command(hide = true)]
    AditServer(adit::ServerRole),
    /// An Adit agent.
    #[command(hide = true)]
    AditAgent(adit::AgentRole),
    /// Many idle Adit agents in one process.
    #[command(hide = true)]
    AditHerd(adit::HerdRole),
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    // Set once per process; a second set could only come from ourselves.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match args.role {
        None => rounds::run(&args.options),
        Some(Role::Agent(options)) => device::run(&options),
        Some(Role::Start(options)) => start::run(&options),
        Some(Role::Memory(options)) => after_bulk::run(&options),
        Some(Role::Far(options)) => far::run(&options),
        Some(Role::Gate(options)) => gate::run(&options),
        Some(Role::Line(role)) => line::run(&role),
        Some(Role::Origin) => origin::run(),
        Some(Role::ReferenceFar(far)) => reference::run_far(&far),
        Some(Role::ReferenceNear(near)) => reference::run_near(&near),
        Some(Role::AditServer(role)) => adit::run_server(&role),
        Some(Role::AditAgent(role)) => adit::run_agent(&role),
        Some(Role::AditHerd(role)) => adit::run_herd(&role),
    }
}
