//! The server's cold start with the records of many devices.

mod program;
mod store;

use std::time::Instant;

use crate::child::{cpu_s, status_kib};
use crate::report::{self, Better, Outcome, Row, median};

use program::Program;

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Records in the database.
    #[arg(long, default_value_t = 50_000)]
    devices: u32,
    /// Starts; the median counts.
    #[arg(long, default_value_t = 8)]
    starts: usize,
    #[command(flatten)]
    outcome: Outcome,
}

/// What one start gave.
struct Figures {
    ready_ms: f64,
    listed_ms: f64,
    cpu_ms: f64,
    resident_mib: f64,
}

/// Measures and reports.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Program::prepare(folder.path())?;
    tokio::runtime::Runtime::new()?
        .block_on(store::insert_devices(&server.database(), options.devices))?;
    let figures = (0..options.starts)
        .map(|_| start(&server, options.devices))
        .collect::<anyhow::Result<Vec<_>>>()?;

    let row = |name: &str, unit, bounds: Option<(f64, f64)>, of: fn(&Figures) -> f64| Row {
        name: name.into(),
        value: median(&figures.iter().map(of).collect::<Vec<_>>()),
        unit,
        better: Better::Lower,
        must: bounds.map(|bounds| bounds.0),
        aim: bounds.map(|bounds| bounds.1),
        sides: None,
    };
    let rows = [
        row("start_ready", "ms", Some((500.0, 100.0)), |figures| {
            figures.ready_ms
        }),
        row("start_first_list", "ms", None, |figures| figures.listed_ms),
        row("start_cpu", "ms", None, |figures| figures.cpu_ms),
        row("start_resident", "MiB", None, |figures| {
            figures.resident_mib
        }),
    ];
    report::conclude(&rows, &options.outcome)
}

/// From the start of the program to `/readyz`, and to the first page of the list.
fn start(server: &Program, devices: u32) -> anyhow::Result<Figures> {
    let start = Instant::now();
    let running = server.start()?;
    server.answer("/readyz")?;
    let ready_ms = start.elapsed().as_secs_f64() * 1e3;
    let list = server.answer("/api/v1/devices")?;
    let listed_ms = start.elapsed().as_secs_f64() * 1e3;
    // Of a device that none but the inserted ones have.
    anyhow::ensure!(
        devices == 0 || list.contains("\"device-1\""),
        "the list has no devices: {list}"
    );
    Ok(Figures {
        ready_ms,
        listed_ms,
        cpu_ms: cpu_s(running.id())? * 1e3,
        resident_mib: status_kib(running.id(), "VmRSS:")? / 1024.0,
    })
}
