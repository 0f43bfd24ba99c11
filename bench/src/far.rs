//! A device far away: 25 ms each way between agent and server, and between the reference's ends.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::adit;
use crate::child::Child;
use crate::load::{self, Direction, quantile};
use crate::report::{self, Better, Outcome, Row, Sides, median};
use crate::rounds::{Path, start_reference};

/// What to measure.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Interleaved rounds; the median counts.
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Bytes of one transfer, in MB; divided among the streams.
    #[arg(long, default_value_t = 200)]
    bulk_mb: u64,
    /// Of each way.
    #[arg(long, default_value_t = 25)]
    delay_ms: u64,
    /// One-byte echoes under a transfer, in one round.
    #[arg(long, default_value_t = 60)]
    echoes: usize,
    #[command(flatten)]
    outcome: Outcome,
}

const TRANSFERS: [(&str, Direction, u64); 4] = [
    ("far_down_1", Direction::Down, 1),
    ("far_up_1", Direction::Up, 1),
    ("far_down_8", Direction::Down, 8),
    ("far_up_8", Direction::Up, 8),
];

/// What one round gave for one path.
struct Figures {
    /// MB/s, as in [`TRANSFERS`].
    rates: Vec<f64>,
    /// Of a new stream until its first echo.
    open_ms: f64,
    /// Of an echo beyond the way there and back, under a transfer of its own.
    echo_p99_ms: f64,
}

/// Measures and reports.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let origin = Child::start(&["origin"])?;
    let line = Line::new(options.delay_ms);
    let reference = start_reference(folder.path(), &origin, Some(&line))?;
    let adit = adit::start_behind(folder.path(), &origin, Some(&line))?;

    let mut pairs = Vec::new();
    for _ in 0..options.rounds {
        let base = measure(&reference, options).context("the reference")?;
        pairs.push((measure(&adit.path, options).context("Adit")?, base));
    }
    let row =
        |name: &str, unit, better, bounds: Option<(f64, f64)>, of: &dyn Fn(&Figures) -> f64| {
            let ours = median(&pairs.iter().map(|(own, _)| of(own)).collect::<Vec<_>>());
            let reference = median(&pairs.iter().map(|(_, base)| of(base)).collect::<Vec<_>>());
            Row {
                name: name.into(),
                value: ours,
                unit,
                better,
                must: bounds.map(|bounds| bounds.0),
                aim: bounds.map(|bounds| bounds.1),
                sides: Some(Sides {
                    ours,
                    reference,
                    unit,
                }),
            }
        };
    let mut rows = Vec::new();
    for (index, (name, _, streams)) in TRANSFERS.into_iter().enumerate() {
        let bounds = if streams == 1 {
            (60.0, 120.0)
        } else {
            (100.0, 120.0)
        };
        let rate = |figures: &Figures| figures.rates.get(index).copied().unwrap_or(f64::NAN);
        rows.push(row(name, "MB/s", Better::Higher, Some(bounds), &rate));
    }
    rows.push(row("far_open", "ms", Better::Lower, None, &|figures| {
        figures.open_ms
    }));
    rows.push(row(
        "far_echo_p99_over",
        "ms",
        Better::Lower,
        Some((25.0, 10.0)),
        &|figures| figures.echo_p99_ms,
    ));
    report::conclude(&rows, &options.outcome)
}

fn measure(path: &Path, options: &Options) -> anyhow::Result<Figures> {
    let bytes = options.bulk_mb * 1_000_000;
    let mut rates = Vec::new();
    for (name, direction, streams) in TRANSFERS {
        let took = load::bulk(path.raw_port, direction, streams, bytes).context(name)?;
        rates.push(bytes as f64 / took.as_secs_f64() / 1e6);
    }
    let start = Instant::now();
    load::first_byte(path.raw_port)?;
    let open = start.elapsed();
    let times = load::echo_under_bulk(path.raw_port, options.echoes)?;
    let way = Duration::from_millis(2 * options.delay_ms);
    let over = quantile(&times, 0.99).saturating_sub(way);
    Ok(Figures {
        rates,
        open_ms: open.as_secs_f64() * 1e3,
        echo_p99_ms: over.as_secs_f64() * 1e3,
    })
}

/// Relays of one delay.
pub(crate) struct Line {
    delay_ms: String,
}

impl Line {
    fn new(delay_ms: u64) -> Self {
        Self {
            delay_ms: delay_ms.to_string(),
        }
    }

    /// To these ports; the first is reached at `listen`, any port when that is 0.
    pub(crate) fn start(&self, listen: u16, to: &[u16]) -> anyhow::Result<Child> {
        let listen = listen.to_string();
        let mut role = vec!["line", "--delay-ms", &self.delay_ms, "--listen", &listen];
        let to: Vec<String> = to.iter().map(u16::to_string).collect();
        role.extend(to.iter().map(String::as_str));
        Child::start(&role)
    }
}

/// A port where nobody listens; for programs that must be told theirs.
pub(crate) fn free_port() -> anyhow::Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    Ok(listener.local_addr()?.port())
}
