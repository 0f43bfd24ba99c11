//! What a run gave: rows, a curve, why attempts failed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::process::load_average;

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    /// The most that it may be; absent for rows that only inform.
    pub(crate) must: Option<f64>,
}

impl Row {
    pub(crate) fn holds(&self) -> bool {
        self.must.is_none_or(|must| self.value <= must)
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    script: String,
    devices: usize,
    seed: u64,
    /// At the begin and the end: who else used the machine.
    load_average: [String; 2],
    rows: Vec<Row>,
    /// How many connected in each second.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    connected_in_second: Vec<usize>,
    /// More counts by second, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    histograms: BTreeMap<String, Vec<u32>>,
    failures: BTreeMap<String, u64>,
}

impl Report {
    pub(crate) fn new(script: String, devices: usize, seed: u64) -> Self {
        Self {
            script,
            devices,
            seed,
            load_average: [load_average(), String::new()],
            rows: Vec::new(),
            connected_in_second: Vec::new(),
            histograms: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }

    pub(crate) fn row(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.judged(name, value, unit, None);
    }

    /// A row that fails the run when it is above `must`.
    pub(crate) fn bounded(&mut self, name: &str, value: f64, unit: &'static str, must: f64) {
        self.judged(name, value, unit, Some(must));
    }

    /// A row with or without such a limit.
    pub(crate) fn judged(
        &mut self,
        name: impl Into<String>,
        value: f64,
        unit: &'static str,
        must: Option<f64>,
    ) {
        self.rows.push(Row {
            name: name.into(),
            value,
            unit,
            must,
        });
    }

    /// p50, p95, p99 and the longest of sorted lengths, in seconds.
    pub(crate) fn lengths(&mut self, name: &str, sorted: &[Duration]) {
        for (word, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)] {
            let value = quantile(sorted, share).as_secs_f64();
            self.row(format!("{name} {word}"), value, "s");
        }
    }

    /// The curve of sorted moments: so many in each second.
    pub(crate) fn curve(&mut self, sorted: &[Duration]) {
        let seconds = sorted.last().map_or(0, |last| last.as_secs() as usize + 1);
        let mut counts = vec![0; seconds];
        for moment in sorted {
            counts[moment.as_secs() as usize] += 1;
        }
        self.connected_in_second = counts;
    }

    /// Counts of something else, in each second.
    pub(crate) fn histogram(&mut self, name: &str, in_second: &[u32]) {
        self.histograms.insert(name.to_owned(), in_second.to_vec());
    }

    pub(crate) fn failures(&mut self, failures: BTreeMap<String, u64>) {
        self.failures = failures;
    }

    /// Notes who else was there at the end, and prints it all.
    pub(crate) fn print(&mut self) {
        self.load_average[1] = load_average();
        let Self {
            script,
            devices,
            seed,
            load_average: [before, after],
            ..
        } = &*self;
        println!("{script}: {devices} devices, seed {seed}; load {before} before, {after} after");
        for row in &self.rows {
            let must = row.must.map_or(String::new(), |must| format!("  ≤ {must}"));
            let verdict = if row.holds() { "" } else { "  MISSED" };
            println!(
                "  {:<44} {:>12.3} {}{must}{verdict}",
                row.name, row.value, row.unit
            );
        }
        let connected = self.connected_in_second.iter().map(|count| *count as u64);
        print_by_second("connected", connected.collect());
        for (name, counts) in &self.histograms {
            print_by_second(name, counts.iter().map(|count| u64::from(*count)).collect());
        }
        for (why, count) in &self.failures {
            println!("  {count:>7} × {why}");
        }
    }

    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        Ok(std::fs::write(path, serde_json::to_vec_pretty(self)?)?)
    }

    /// The names of rows that miss their must.
    pub(crate) fn missed(&self) -> Vec<&str> {
        let missed = self.rows.iter().filter(|row| !row.holds());
        missed.map(|row| row.name.as_str()).collect()
    }
}

/// At most so many lines; each is then several seconds.
const LINES_MAX: usize = 40;

fn print_by_second(name: &str, counts: Vec<u64>) {
    let step = counts.len().div_ceil(LINES_MAX).max(1);
    let lines: Vec<u64> = counts
        .chunks(step)
        .map(|chunk| chunk.iter().sum())
        .collect();
    let most = lines.iter().max().copied().unwrap_or(0).max(1);
    for (number, count) in lines.into_iter().enumerate() {
        let bar = "█".repeat((count * 50).div_ceil(most) as usize);
        println!("  {:>5} s {count:>8} {name} {bar}", number * step);
    }
}

/// The value below which the share `quantile` of `sorted` lies.
pub(crate) fn quantile(sorted: &[Duration], quantile: f64) -> Duration {
    let index = ((sorted.len() as f64 - 1.0) * quantile).round() as usize;
    sorted.get(index).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_curve_and_musts() {
        let sorted: Vec<_> = (0..=100).map(|n| Duration::from_millis(n * 30)).collect();
        assert_eq!(quantile(&sorted, 0.5), Duration::from_millis(1500));
        assert_eq!(quantile(&[], 0.5), Duration::ZERO);
        let mut report = Report::new("herd".into(), 1, 1);
        report.curve(&sorted);
        assert_eq!(report.connected_in_second, [34, 33, 33, 1]);
        report.bounded("good", 1.0, "s", 1.0);
        report.bounded("bad", 1.1, "s", 1.0);
        report.bounded("unknown", f64::NAN, "s", 1.0);
        assert_eq!(report.missed(), ["bad", "unknown"]);
    }
}
