//! Lines that break: each device's about once a minute, at random.

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};

use super::Stage;
use crate::load::{Event, Order, now_us};
use crate::report::Report;

/// Each second this share of all is cut.
const SHARE_PER_S: f64 = 1.0 / 60.0;

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    stage.connect_all().await?;
    let pid = stage.server.pid()?;
    let (began, began_us, cpu_s) = (Instant::now(), now_us(), pid.cpu_s()?);
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut due = 0.0;
    let mut cut = 0;
    while began.elapsed() < stage.length {
        second.tick().await;
        due += stage.devices as f64 * SHARE_PER_S;
        let count = due as usize;
        due -= count as f64;
        cut += count;
        let order = |count| Order::Cut { count };
        stage.fleet.order(count, order).await?;
    }
    let cpu_s = pid.cpu_s()? - cpu_s;
    let within = Duration::from_secs(60);
    stage.fleet.connected(stage.devices, within).await?;
    let history = stage.fleet.history();
    let lengths = history.until_connected(&Event::Lost, began_us);
    report.row("connections cut", cut as f64, "");
    report.row("losses the agents saw", lengths.len() as f64, "");
    report.lengths("from the loss to connected", &lengths);
    let cpu = 100.0 * cpu_s / began.elapsed().as_secs_f64();
    report.row("server CPU", cpu, "% of a core");
    report.failures(history.failures(began_us));
    Ok(())
}
