//! What the fleet does. Each script has the server and all devices enrolled before it begins.

mod flap;
mod herd;
mod idle;
mod ramp;
mod soak;
mod traffic;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

use crate::Options;
use crate::fleet::Fleet;
use crate::process::raise_open_files;
use crate::report::Report;
use crate::server::Server;

/// What the server needs beside one descriptor for each device.
const SERVER_FILES: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Script {
    /// All connect and rest: memory, CPU and bytes of a device.
    Idle,
    /// All connect at a pace: how long each takes.
    Ramp,
    /// Each loses its connection about once a minute.
    Flap,
    /// The server is killed and started again: the curve of their return.
    Herd,
    /// Streams to devices taken at random, a small question each.
    Traffic,
    /// One in a hundred comes and goes each second, and people ask: nothing may be left of it.
    Soak,
}

impl Script {
    const fn default_minutes(self) -> f64 {
        match self {
            Self::Idle => 3.0,
            Self::Ramp | Self::Herd => 0.0,
            Self::Flap => 2.0,
            Self::Traffic => 0.5,
            Self::Soak => 20.0,
        }
    }
}

/// Server and devices of a run.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) fleet: Fleet,
    pub(crate) devices: usize,
    pub(crate) per_s: f64,
    pub(crate) down: Duration,
    /// How long the script goes on.
    pub(crate) length: Duration,
    pub(crate) seed: u64,
    pub(crate) churn_per_s: f64,
    pub(crate) visitors: Option<usize>,
}

impl Stage {
    async fn set(options: &Options, folder: &Path, length: Duration) -> anyhow::Result<Self> {
        let open_files = raise_open_files()?;
        let devices = options.devices;
        ensure!(
            devices + SERVER_FILES <= open_files,
            "{open_files} open files are too few for {devices} devices"
        );
        let mut server = Server::prepare(folder, options).await?;
        server.start().await?;
        eprintln!("enrolling {devices} devices");
        let fleet = Fleet::gather(folder, server.port, devices, options.seed, open_files).await?;
        Ok(Self {
            server,
            fleet,
            devices,
            per_s: options.per_s,
            down: Duration::from_secs_f64(options.down_s),
            length,
            seed: options.seed,
            churn_per_s: options.churn_per_s,
            visitors: options.visitors,
        })
    }

    /// How long so many take to begin at the pace.
    pub(crate) fn spread(&self, count: usize) -> Duration {
        Duration::from_secs_f64(count as f64 / self.per_s)
    }

    /// Starts all and waits until they are connected.
    pub(crate) async fn connect_all(&mut self) -> anyhow::Result<()> {
        eprintln!("connecting");
        let spread = self.spread(self.devices);
        self.fleet.start(self.devices, spread).await?;
        let within = spread + Duration::from_secs(90);
        self.fleet.connected(self.devices, within).await
    }
}

/// Runs the script, prints and writes what it gave.
#[tokio::main]
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let script = options.script;
    let minutes = options.minutes.unwrap_or(script.default_minutes());
    let length = Duration::from_secs_f64(minutes * 60.0);
    let folder = tempfile::Builder::new()
        .prefix("adit-fleet-")
        .disable_cleanup(options.keep)
        .tempdir()?;
    let name = format!("{script:?}").to_lowercase();
    let mut report = Report::new(name, options.devices, options.seed);
    // Gathering, connecting and coming back, on a slow machine; then it is stuck.
    let within =
        Duration::from_secs(400) + length + Duration::from_millis(40) * options.devices as u32;
    let perform = async {
        let mut stage = Stage::set(options, folder.path(), length).await?;
        match script {
            Script::Idle => idle::perform(&mut stage, &mut report).await,
            Script::Ramp => ramp::perform(&mut stage, &mut report).await,
            Script::Flap => flap::perform(&mut stage, &mut report).await,
            Script::Herd => herd::perform(&mut stage, &mut report).await,
            Script::Soak => soak::perform(&mut stage, &mut report).await,
            Script::Traffic => traffic::perform(&mut stage, &mut report).await,
        }
    };
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    // Whatever happens here, processes end with what owns them.
    let outcome = tokio::select! {
        outcome = timeout(within, perform) => outcome.context("the run took too long"),
        _ = terminate.recv() => anyhow::bail!("terminated"),
        _ = interrupt.recv() => anyhow::bail!("interrupted"),
    };
    if options.keep {
        eprintln!("kept: {}", folder.path().display());
    }
    outcome??;
    report.print();
    if let Some(path) = &options.json {
        report.write(path)?;
    }
    let missed = report.missed();
    ensure!(missed.is_empty(), "missed: {}", missed.join(", "));
    Ok(())
}
