//! Rows: name, value, what must be and what we aim at.

use std::path::PathBuf;

use serde::Serialize;

/// Which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Better {
    Lower,
    Higher,
}

/// One figure.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) better: Better,
    /// A release must hold this; absent for rows that only inform.
    pub(crate) must: Option<f64>,
    pub(crate) aim: Option<f64>,
    /// Of a ratio: what both gave.
    pub(crate) sides: Option<Sides>,
}

/// The medians behind a ratio.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Sides {
    pub(crate) ours: f64,
    pub(crate) reference: f64,
    pub(crate) unit: &'static str,
}

impl Row {
    /// Whether the row holds its must; rows without one always do.
    pub(crate) fn holds(&self) -> bool {
        self.must.is_none_or(|must| match self.better {
            Better::Lower => self.value <= must,
            Better::Higher => self.value >= must,
        })
    }
}

/// The middle of the values; the mean of the two middle ones when their number is even.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match (sorted.len() % 2, sorted.get(middle)) {
        (_, None) => f64::NAN,
        (1, Some(value)) => *value,
        (_, Some(value)) => f64::midpoint(sorted[middle - 1], *value),
    }
}

/// Prints the table.
fn print(rows: &[Row]) {
    println!(
        "{:<24} {:>9} {:<12} {:>7} {:>7} {:>10} {:>10}",
        "row", "value", "unit", "must", "aim", "ours", "reference"
    );
    for row in rows {
        let bound = |bound: Option<f64>| bound.map_or_else(|| "-".to_owned(), |b| b.to_string());
        let sides = row.sides.map_or_else(
            || format!(" {:>10} {:>10}", "", ""),
            |sides| {
                format!(
                    " {:>10.4} {:>10.4} {}",
                    sides.ours, sides.reference, sides.unit
                )
            },
        );
        println!(
            "{:<24} {:>9.2} {:<12} {:>7} {:>7}{sides}{}",
            row.name,
            row.value,
            row.unit,
            bound(row.must),
            bound(row.aim),
            if row.holds() { "" } else { "  misses its must" }
        );
    }
}

/// What comes of the rows.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Outcome {
    /// Writes the rows there as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fails when a row misses its must.
    #[arg(long)]
    gate: bool,
}

impl Outcome {
    /// Nothing but a verdict.
    pub(crate) const fn gate() -> Self {
        Self {
            json: None,
            gate: true,
        }
    }
}

/// Prints the rows with the machine's load, and does with them what was asked.
///
/// # Errors
/// A row misses its must and the run is a gate, or the file cannot be written.
pub(crate) fn conclude(rows: &[Row], outcome: &Outcome) -> anyhow::Result<()> {
    print(rows);
    // Who else used the machine: the last one, five and fifteen minutes.
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load {}", load.trim());
    if let Some(path) = &outcome.json {
        std::fs::write(path, serde_json::to_vec_pretty(rows)?)?;
    }
    let missed = rows.iter().filter(|row| !row.holds()).count();
    anyhow::ensure!(
        !outcome.gate || missed == 0,
        "{missed} rows miss their must"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_of_odd_and_even() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn a_must_is_held_on_its_good_side() {
        let row = |value, better| Row {
            name: String::new(),
            value,
            unit: "",
            better,
            must: Some(1.0),
            aim: None,
            sides: None,
        };
        assert!(row(0.9, Better::Lower).holds() && !row(1.1, Better::Lower).holds());
        assert!(row(1.1, Better::Higher).holds() && !row(0.9, Better::Higher).holds());
    }
}
