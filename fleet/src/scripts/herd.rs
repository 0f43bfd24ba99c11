//! The server is killed and comes back: so does everybody.

use std::time::Duration;

use tokio::time::sleep;

use super::Stage;
use crate::load::now_us;
use crate::report::{Report, quantile};

/// R06: 95 % of 20,000 within a minute.
const MUST_S: f64 = 60.0;
/// All of them, on a slow machine; then they are not coming.
const WITHIN: Duration = Duration::from_secs(240);

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    stage.connect_all().await?;
    let before_kib = stage.server.pid()?.resident_kib()?;
    eprintln!("killing the server");
    let killed_us = now_us();
    stage.server.kill().await?;
    sleep(stage.down).await;
    stage.server.start().await?;
    let ready_us = now_us();
    let pid = stage.server.pid()?;
    let devices = stage.devices;
    let all_back = stage
        .fleet
        .until("return", WITHIN, |history| {
            history.back_after(killed_us).len() >= devices
        })
        .await;
    if let Err(error) = all_back {
        eprintln!("not all are back: {error:#}");
    }
    let cpu_s = pid.cpu_s()?;
    let metrics = stage.server.metrics().await?;

    let history = stage.fleet.history();
    let back = history.back_after(killed_us);
    report.bounded("devices not back", (devices - back.len()) as f64, "", 0.0);
    let away_s = (ready_us - killed_us) as f64 / 1e6;
    report.row("server away", away_s, "s");
    report.lengths("back after the kill", &back);
    let since_ready = history.back_after(ready_us);
    report.lengths("back after the server was", &since_ready);
    let most = quantile(&since_ready, 0.95).as_secs_f64();
    report.bounded("95 % back after the server was", most, "s", MUST_S);
    report.row("server CPU until all are back", cpu_s, "s");
    let cpu_ms = cpu_s * 1000.0 / devices as f64;
    report.row("of it for a device", cpu_ms, "ms");
    let tunnels = metrics.figure("adit_tunnels{state=\"connected\"}");
    report.row("tunnels that the server counts", tunnels, "");
    for (labels, count) in metrics.labelled("adit_tunnel_rejects_total") {
        report.row(format!("tunnels refused {labels}"), count, "");
    }
    for (labels, count) in metrics.labelled("adit_connection_rejects_total") {
        report.row(format!("connections refused {labels}"), count, "");
    }
    report.row("server memory before", before_kib as f64 / 1024.0, "MiB");
    let after = pid.resident_kib()? as f64 / 1024.0;
    report.row("server memory after", after, "MiB");
    report.curve(&since_ready);
    report.failures(history.failures(killed_us));
    Ok(())
}
