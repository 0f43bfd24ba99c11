//! The run: start both paths, alternate between them, report the medians of the ratios.

use std::collections::BTreeMap;

use anyhow::Context;

use crate::child::Child;
use crate::far::Line;
use crate::load::{self, Direction, Plain, quantile};
use crate::report::{self, Better, Row, Sides, median};
use crate::{Options, adit, fleet, https, memory, reference};

/// One measured path: the ends whose CPU counts, and the ports of its near end.
pub(crate) struct Path {
    pub(crate) near: Child,
    pub(crate) far: Child,
    /// The long way between them, if it is one.
    pub(crate) _line: Option<Child>,
    pub(crate) raw_port: u16,
    pub(crate) http_port: u16,
}

impl Path {
    pub(crate) fn cpu_s(&self) -> anyhow::Result<f64> {
        Ok(self.near.cpu_s()? + self.far.cpu_s()?)
    }
}

/// Figures of one path in one round, by name.
type Figures = BTreeMap<&'static str, f64>;

/// One figure of one round.
struct Pair {
    ours: f64,
    reference: f64,
}

/// Measures and reports.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    report::conclude(&measure(options)?, &options.outcome)
}

/// All rows that were asked for.
pub(crate) fn measure(options: &Options) -> anyhow::Result<Vec<Row>> {
    let folder = tempfile::tempdir()?;
    let origin = Child::start(&["origin"])?;
    let reference = start_reference(folder.path(), &origin, None)?;
    let adit = adit::start(folder.path(), &origin)?;

    let mut measured: BTreeMap<&'static str, Vec<Pair>> = BTreeMap::new();
    for round in 0..options.rounds {
        eprint_progress(round, options.rounds);
        let base = measure_path(&reference, options)?;
        let ours = measure_path(&adit.path, options)?;
        for (name, ours) in ours {
            let reference = *base.get(name).context("both paths measure the same")?;
            measured
                .entry(name)
                .or_default()
                .push(Pair { ours, reference });
        }
    }
    let mut rows = rows(&measured);
    if options.measures("https") {
        let origin = origin.ports[1];
        rows.extend(https::rows(folder.path(), &adit, origin, options)?);
    }
    drop((adit, reference));
    if options.devices > 0 && options.only.is_empty() {
        rows.push(memory::slope(folder.path(), options.devices)?);
        rows.extend(fleet::rows(folder.path())?);
    }
    Ok(rows)
}

/// Starts the reference pair, with a long way between its ends if there is to be one.
pub(crate) fn start_reference(
    folder: &std::path::Path,
    origin: &Child,
    line: Option<&Line>,
) -> anyhow::Result<Path> {
    let (certificate, key) = reference::certificate(&["localhost"])?;
    let (certificate_file, key_file) = (folder.join("reference.der"), folder.join("reference.key"));
    std::fs::write(&certificate_file, certificate)?;
    std::fs::write(&key_file, key)?;
    let certificate = certificate_file.to_str().context("a path in UTF-8")?;
    let key = key_file.to_str().context("a path in UTF-8")?;
    let ports = |child: &Child| child.ports.iter().map(u16::to_string).collect::<Vec<_>>();

    let to = ports(origin);
    let mut role = vec!["reference-far", "--certificate", certificate, "--key", key];
    role.extend(to.iter().map(String::as_str));
    let far = Child::start(&role)?;

    let line = line.map(|line| line.start(0, &far.ports)).transpose()?;
    let to = ports(line.as_ref().unwrap_or(&far));
    let mut role = vec!["reference-near", "--certificate", certificate];
    role.extend(to.iter().map(String::as_str));
    let near = Child::start(&role)?;
    let (raw_port, http_port) = (near.ports[0], near.ports[1]);
    Ok(Path {
        near,
        far,
        _line: line,
        raw_port,
        http_port,
    })
}

fn measure_path(path: &Path, options: &Options) -> anyhow::Result<Figures> {
    let mut figures = Figures::new();
    if options.measures("bulk") {
        measure_bulk(path, options, &mut figures)?;
    }
    if options.measures("echo") {
        let times = load::echo(path.raw_port, options.echoes).context("echo")?;
        figures.insert("echo_p50", quantile(&times, 0.5).as_secs_f64() * 1e6);
        figures.insert("echo_p99", quantile(&times, 0.99).as_secs_f64() * 1e6);
        let times =
            load::echo_under_bulk(path.raw_port, options.echoes / 3).context("echo, bulk")?;
        let p50 = quantile(&times, 0.5);
        figures.insert("echo_under_bulk_p50", p50.as_secs_f64() * 1e6);
    }
    if options.measures("http") {
        let one =
            load::http(&Plain(path.http_port), 1, options.http_s).context("HTTP, 1 connection")?;
        figures.insert("http_1k_p50", one.p50.as_secs_f64() * 1e6);
        let many = load::http(&Plain(path.http_port), 64, options.http_s)
            .context("HTTP, 64 connections")?;
        figures.insert("http_1k_rps_64", many.requests_per_s);
    }
    Ok(figures)
}

fn measure_bulk(path: &Path, options: &Options, figures: &mut Figures) -> anyhow::Result<()> {
    let bytes = options.bulk_mb * 1_000_000;
    let cpu_before = path.cpu_s()?;
    for (name, direction, streams) in [
        ("down_1", Direction::Down, 1),
        ("up_1", Direction::Up, 1),
        ("down_8", Direction::Down, 8),
        ("up_8", Direction::Up, 8),
    ] {
        let took = load::bulk(path.raw_port, direction, streams, bytes).context(name)?;
        figures.insert(name, bytes as f64 / took.as_secs_f64() / 1e6);
    }
    let cpu_s = path.cpu_s()? - cpu_before;
    figures.insert("cpu_per_gb", cpu_s / (4.0 * bytes as f64 / 1e9));
    Ok(())
}

/// What is measured against the reference: unit of both sides, which way is good, must and aim of
/// the ratio (DESIGN section 7).
const GOALS: [(&str, &str, Better, f64, f64); 10] = [
    ("cpu_per_gb", "s/GB", Better::Lower, 1.0, 0.75),
    ("down_1", "MB/s", Better::Higher, 1.0, 1.2),
    ("up_1", "MB/s", Better::Higher, 1.0, 1.2),
    ("down_8", "MB/s", Better::Higher, 1.0, 1.2),
    ("up_8", "MB/s", Better::Higher, 1.0, 1.2),
    ("echo_p50", "us", Better::Lower, 1.2, 1.1),
    ("echo_p99", "us", Better::Lower, 1.5, 1.2),
    ("echo_under_bulk_p50", "us", Better::Lower, 1.0, 0.6),
    ("http_1k_p50", "us", Better::Lower, 1.2, 1.05),
    ("http_1k_rps_64", "/s", Better::Higher, 0.85, 1.0),
];

/// The medians of the ratios, each to the reference of its own round.
fn rows(measured: &BTreeMap<&'static str, Vec<Pair>>) -> Vec<Row> {
    let row = |(name, unit, better, must, aim): (&str, _, _, _, _)| {
        let pairs = measured.get(name)?;
        let of = |figure: fn(&Pair) -> f64| median(&pairs.iter().map(figure).collect::<Vec<_>>());
        Some(Row {
            name: name.to_owned(),
            value: of(|pair| pair.ours / pair.reference),
            unit: "x reference",
            better,
            must: Some(must),
            aim: Some(aim),
            sides: Some(Sides {
                ours: of(|pair| pair.ours),
                reference: of(|pair| pair.reference),
                unit,
            }),
        })
    };
    GOALS.into_iter().filter_map(row).collect()
}

#[expect(clippy::print_stderr, reason = "progress is for the person who waits")]
fn eprint_progress(round: usize, rounds: usize) {
    eprintln!("round {} of {rounds}", round + 1);
}
