//! At rest: the slope of the server's memory, its CPU, and the bytes of a device.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::Stage;
use crate::process::Carried;
use crate::report::Report;

/// The first sixth warms caches, pools and the allocator up; the slope is over the rest.
const WARM_UP_SHARE: usize = 6;
/// Handshakes leave garbage that the allocator gives back a little later.
const SETTLE: Duration = Duration::from_secs(5);
/// Fewer do not stand out of what the server itself needs.
const MANY: usize = 2000;
const DAY_S: f64 = 86_400.0;

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    let pid = stage.server.pid()?;
    let none_kib = pid.resident_kib()?;
    let warm_up = stage.devices.div_ceil(WARM_UP_SHARE);
    let rest = stage.devices - warm_up;
    let first_kib = connect(stage, warm_up, warm_up).await?;
    let all_kib = connect(stage, rest, stage.devices).await?;
    let slope_kib = (all_kib as f64 - first_kib as f64) / rest.max(1) as f64;
    report.row("server, nobody connected", none_kib as f64 / 1024.0, "MiB");
    report.row(
        "server, a sixth connected",
        first_kib as f64 / 1024.0,
        "MiB",
    );
    report.row("server, all connected", all_kib as f64 / 1024.0, "MiB");
    let is_many = stage.devices >= MANY;
    let must = |most: f64| is_many.then_some(most);
    report.judged("server memory of a device", slope_kib, "KiB", must(32.0));

    eprintln!("resting for {:?}", stage.length);
    let (began, cpu_s) = (Instant::now(), pid.cpu_s()?);
    let before = Carried::at(stage.server.port)?;
    sleep(stage.length).await;
    let after = Carried::at(stage.server.port)?;
    let (elapsed_s, cpu_s) = (began.elapsed().as_secs_f64(), pid.cpu_s()? - cpu_s);
    let device_days = stage.devices as f64 * elapsed_s / DAY_S;
    let a_day = |bytes: u64| bytes as f64 / device_days / 1e6;
    let tcp_bytes = after.tcp_bytes.saturating_sub(before.tcp_bytes);
    let wire_bytes = after.wire_bytes().saturating_sub(before.wire_bytes());
    report.row("connections at the end", after.connections as f64, "");
    report.row(
        "bytes of a device, TLS and below TCP",
        a_day(tcp_bytes),
        "MB/day",
    );
    report.bounded(
        "the same with TCP and IPv4 heads",
        a_day(wire_bytes),
        "MB/day",
        1.0,
    );
    report.row(
        "server CPU at rest",
        100.0 * cpu_s / elapsed_s,
        "% of a core",
    );
    let for_20_000 = 100.0 * cpu_s / elapsed_s * 20_000.0 / stage.devices as f64;
    report.judged(
        "extrapolated to 20,000",
        for_20_000,
        "% of a core",
        must(7.0),
    );
    report.row(
        "server memory at the end",
        pid.resident_kib()? as f64 / 1024.0,
        "MiB",
    );
    let history = stage.fleet.history();
    let lost = stage.devices - history.connected;
    report.bounded("devices lost meanwhile", lost as f64, "", 0.0);
    report.failures(history.failures(0));
    Ok(())
}

/// Connects `count` more; the server's memory, settled, in KiB.
async fn connect(stage: &mut Stage, count: usize, then: usize) -> anyhow::Result<u64> {
    eprintln!("connecting {count}");
    let spread = stage.spread(count);
    stage.fleet.start(count, spread).await?;
    let within = spread + Duration::from_secs(90);
    stage.fleet.connected(then, within).await?;
    sleep(SETTLE).await;
    stage.server.pid()?.resident_kib()
}
