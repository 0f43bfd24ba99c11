//! What a change must not make worse, on figures that other load on the machine does not move.
//!
//! The bounds are not the musts: they lie a margin above what is measured today.

use crate::report::{self, Outcome, Row};
use crate::{Options as RunOptions, memory, rounds};

/// Of today's 1.15, which noise has shown as up to 1.25 when others share the machine.
const CPU_PER_GB_LIMIT: f64 = 1.45;
/// Of today's 16.5, in release and debug builds alike.
const IDLE_DEVICE_LIMIT_KIB: f64 = 24.0;
const CPU_PER_GB: &str = "cpu_per_gb";

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Rounds of bulk transfers; 0 leaves CPU a byte out, which a debug build cannot judge.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Bytes of one transfer, in MB.
    #[arg(long, default_value_t = 200)]
    bulk_mb: u64,
    /// Idle devices for the memory slope.
    #[arg(long, default_value_t = 600)]
    devices: usize,
}

/// Measures, reports, and fails when a bound is passed.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let outcome = Outcome::gate();
    let mut rows = vec![limited(
        memory::slope(folder.path(), options.devices)?,
        IDLE_DEVICE_LIMIT_KIB,
    )];
    if options.rounds > 0 {
        let bulk = RunOptions {
            rounds: options.rounds,
            bulk_mb: options.bulk_mb,
            echoes: 0,
            http_s: 0.0,
            only: vec!["bulk".into()],
            devices: 0,
            outcome: outcome.clone(),
        };
        let of_bulk = rounds::measure(&bulk)?.into_iter();
        let cpu = of_bulk.filter(|row| row.name == CPU_PER_GB);
        rows.extend(cpu.map(|row| limited(row, CPU_PER_GB_LIMIT)));
    }
    report::conclude(&rows, &outcome)
}

fn limited(row: Row, limit: f64) -> Row {
    Row {
        must: Some(limit),
        ..row
    }
}
