//! Rows of `adit-fleet`, which runs the real server: how fast devices return, what they cost at
//! rest.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, ensure};
use serde::Deserialize;

use crate::report::{Better, Row};

#[derive(Deserialize)]
struct Told {
    rows: Vec<ToldRow>,
}

#[derive(Deserialize)]
struct ToldRow {
    name: String,
    value: f64,
}

/// 200 devices whose server is away for 3 s, then 100 that rest for two minutes.
pub(crate) fn rows(folder: &Path) -> anyhow::Result<Vec<Row>> {
    let outage = ["--script", "herd", "--devices", "200", "--down-s", "3"];
    let outage = run(folder, &outage)?;
    // Connected over a minute: their keepalives do not come in one moment either.
    let rest = ["--script", "idle", "--devices", "100", "--per-s", "2"];
    let rest = run(folder, &[&rest[..], &["--minutes", "2"]].concat())?;
    Ok(vec![
        outage.row("reconnect_p50", "back after the server was p50", "s", 0.5)?,
        outage.row("reconnect_max", "back after the server was max", "s", 2.0)?,
        rest.row(
            "idle_device_traffic",
            "the same with TCP and IPv4 heads",
            "MB/day",
            0.5,
        )?,
    ])
}

fn run(folder: &Path, arguments: &[&str]) -> anyhow::Result<Told> {
    let program = std::env::current_exe()?.with_file_name("adit-fleet");
    ensure!(program.exists(), "{} is not built", program.display());
    let json = folder.join("fleet.json");
    let status = Command::new(program)
        .args(arguments)
        .arg("--json")
        .arg(&json)
        .stdout(std::process::Stdio::null())
        .status()?;
    ensure!(status.success(), "adit-fleet {arguments:?}: {status}");
    Ok(serde_json::from_slice(&std::fs::read(json)?)?)
}

impl Told {
    fn row(&self, name: &str, theirs: &str, unit: &'static str, must: f64) -> anyhow::Result<Row> {
        let told = self.rows.iter().find(|row| row.name == theirs);
        Ok(Row {
            name: name.into(),
            value: told.with_context(|| format!("no row {theirs:?}"))?.value,
            unit,
            better: Better::Lower,
            must: Some(must),
            aim: None,
            sides: None,
        })
    }
}
