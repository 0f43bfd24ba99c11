//! A steady flow of newcomers.

use std::time::Instant;

use super::Stage;
use crate::load::Event;
use crate::report::Report;

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    let pid = stage.server.pid()?;
    let (began, cpu_s) = (Instant::now(), pid.cpu_s()?);
    stage.connect_all().await?;
    let (elapsed_s, cpu_s) = (began.elapsed().as_secs_f64(), pid.cpu_s()? - cpu_s);
    report.row("asked pace", stage.per_s, "devices/s");
    report.row("pace", stage.devices as f64 / elapsed_s, "devices/s");
    let cpu_ms = cpu_s * 1000.0 / stage.devices as f64;
    report.row("server CPU of a connection", cpu_ms, "ms");
    let history = stage.fleet.history();
    let lengths = history.until_connected(&Event::Started, 0);
    report.lengths("from its start to connected", &lengths);
    report.failures(history.failures(0));
    Ok(())
}
