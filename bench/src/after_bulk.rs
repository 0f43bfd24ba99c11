//! What server and agent hold after bulk transfers, and what they have given back a minute later.

use std::time::Duration;

use crate::adit;
use crate::child::Child;
use crate::load::{self, Direction};
use crate::report::{self, Better, Outcome, Row};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Bytes of one transfer, in MB; divided among the streams.
    #[arg(long, default_value_t = 200)]
    bulk_mb: u64,
    /// At a time, on one tunnel.
    #[arg(long, default_value_t = 64)]
    streams: u64,
    /// How long nothing happens before memory is looked at again.
    #[arg(long, default_value_t = 60)]
    rest_s: u64,
    #[command(flatten)]
    outcome: Outcome,
}

/// Measures and reports.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let origin = Child::start(&["origin"])?;
    let adit = adit::start(folder.path(), &origin)?;
    let ends = [("server", &adit.path.near), ("agent", &adit.path.far)];
    let resident = || -> anyhow::Result<Vec<f64>> {
        let of_end = |(_, child): &(_, &Child)| Ok(child.resident_kib()? / 1024.0);
        ends.iter().map(of_end).collect()
    };

    let idle = resident()?;
    for direction in [Direction::Down, Direction::Up] {
        let bytes = options.bulk_mb * 1_000_000;
        load::bulk(adit.path.raw_port, direction, options.streams, bytes)?;
    }
    let after = resident()?;
    std::thread::sleep(Duration::from_secs(options.rest_s));
    let rested = resident()?;

    let mut rows = Vec::new();
    for (index, (end, _)) in ends.iter().enumerate() {
        let mut row = |what: &str, value, unit, bounds: Option<(f64, f64)>| {
            rows.push(Row {
                name: format!("{end}_resident_{what}"),
                value,
                unit,
                better: Better::Lower,
                must: bounds.map(|bounds| bounds.0),
                aim: bounds.map(|bounds| bounds.1),
                sides: None,
            });
        };
        // 48 and 24 MB.
        let bounds = (*end == "server").then_some((45.8, 22.9));
        row("idle", idle[index], "MiB", None);
        row("after_bulk", after[index], "MiB", bounds);
        row("after_rest", rested[index], "MiB", None);
        row(
            "kept",
            rested[index] / idle[index],
            "x idle",
            Some((1.2, 1.0)),
        );
    }
    report::conclude(&rows, &options.outcome)
}
