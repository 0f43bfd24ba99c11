//! Coming and going for a long time: memory, descriptors and tasks must not grow (R19).

use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::{Stage, traffic};
use crate::load::{Order, now_us};
use crate::report::Report;
use crate::server::Server;

const VISITORS: usize = 4;
const PAUSE: Duration = Duration::from_millis(200);
const SAMPLE_EVERY: u64 = 5;
/// Until then caches, pools and the allocator still grow to what the churn needs, which takes some
/// 20,000 connections: so there are ten times as many.
const WARM_UP_SHARE: f64 = 0.25;
const WARM_UP_CHURN: f64 = 10.0;
/// The slope is that of the second half: what the warm-up left growing levels off before.
const SLOPE_SHARE: f64 = 0.5;
/// A slope needs time to stand out of the noise.
const SLOPE_FROM: Duration = Duration::from_secs(600);
/// What is left of the last ones ends within this.
const SETTLE_WITHIN: Duration = Duration::from_secs(90);
/// Keep-alive connections and the like come and go.
const SLACK: f64 = 8.0;

/// The server at one moment.
#[derive(Clone, Copy, Debug)]
struct Sample {
    minute: f64,
    resident_kib: f64,
    files: f64,
    tasks: f64,
}

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    stage.connect_all().await?;
    sleep(Duration::from_secs(5)).await;
    let (began, began_us) = (Instant::now(), now_us());
    let before = sample(&stage.server, began).await?;
    let visits = traffic::begin(stage, stage.visitors.unwrap_or(VISITORS), PAUSE)?;
    let samples = churn(stage, began).await?;
    let asked = visits.ended().await?;
    let within = Duration::from_secs(60);
    stage.fleet.connected(stage.devices, within).await?;
    let after = settled(&stage.server, began, before).await?;

    let half = stage.length.mul_f64(SLOPE_SHARE).as_secs_f64() / 60.0;
    let steady: Vec<_> = samples.iter().filter(|s| s.minute >= half).collect();
    let memory = steady.iter().map(|s| (s.minute, s.resident_kib));
    let slope = percent_a_minute(&memory.collect::<Vec<_>>());
    let memory = samples.iter().map(|s| s.resident_kib as u32);
    report.series("memory_kib", memory.collect());
    report.row("memory before", before.resident_kib / 1024.0, "MiB");
    let most = samples.iter().map(|s| s.resident_kib).fold(0.0, f64::max);
    report.row("memory at most", most / 1024.0, "MiB");
    report.row("memory after", after.resident_kib / 1024.0, "MiB");
    let must = (stage.length >= SLOPE_FROM).then_some(0.1);
    report.judged("memory slope of the second half", slope, "%/min", must);
    let most = |before: f64| before + SLACK;
    report.row("descriptors before", before.files, "");
    report.bounded("descriptors after", after.files, "", most(before.files));
    report.row("tasks before", before.tasks, "");
    report.bounded("tasks after", after.tasks, "", most(before.tasks));
    report.row("questions answered", asked.lengths.len() as f64, "");
    report.row(
        "not answered: the device was away",
        asked.failures.len() as f64,
        "",
    );
    let history = stage.fleet.history();
    let back = history.back_after(began_us).len();
    report.row("devices that came back", back as f64, "");
    let mut failures = history.failures(began_us);
    for failure in asked.failures {
        *failures.entry(failure).or_default() += 1;
    }
    report.failures(failures);
    Ok(())
}

/// Each second a share goes, more before the server is warm: every other by a cut line, the rest stop and start again.
async fn churn(stage: &mut Stage, began: Instant) -> anyhow::Result<Vec<Sample>> {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut samples = Vec::new();
    let mut due = 0.0;
    for number in 0.. {
        second.tick().await;
        if began.elapsed() >= stage.length {
            break;
        }
        let is_warm = began.elapsed() >= stage.length.mul_f64(WARM_UP_SHARE);
        let pace = if is_warm { 1.0 } else { WARM_UP_CHURN };
        due += stage.devices as f64 * stage.churn_per_s * pace;
        let count = due as usize;
        due -= count as f64;
        let cut = count / 2 + count % 2 * (number % 2) as usize;
        stage.fleet.order(cut, |count| Order::Cut { count }).await?;
        let restart = |count| Order::Restart { count };
        stage.fleet.order(count - cut, restart).await?;
        if number % SAMPLE_EVERY == 0 {
            samples.push(sample(&stage.server, began).await?);
        }
    }
    Ok(samples)
}

async fn sample(server: &Server, began: Instant) -> anyhow::Result<Sample> {
    let metrics = server.metrics().await?;
    Ok(Sample {
        minute: began.elapsed().as_secs_f64() / 60.0,
        resident_kib: metrics.figure("process_resident_memory_bytes") / 1024.0,
        files: metrics.figure("process_open_fds"),
        tasks: metrics.figure("adit_tasks"),
    })
}

/// Waits until what came and went is gone, or has had its time.
async fn settled(server: &Server, began: Instant, before: Sample) -> anyhow::Result<Sample> {
    let end = Instant::now() + SETTLE_WITHIN;
    loop {
        let now = sample(server, began).await?;
        let is_settled = now.files <= before.files + SLACK && now.tasks <= before.tasks + SLACK;
        if is_settled || Instant::now() >= end {
            return Ok(now);
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// The slope of the least squares, as a share of the mean.
fn percent_a_minute(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let along = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y));
    let across = points.iter().map(|(x, _)| (x - mean_x).powi(2));
    100.0 * along.sum::<f64>() / across.sum::<f64>() / mean_y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_told_from_noise() {
        let noisy = |slope: f64| -> Vec<(f64, f64)> {
            let noise = [0.0, 3.0, -2.0, 1.0, -2.0];
            (0..100)
                .map(|n| {
                    (
                        f64::from(n),
                        1000.0 + slope * f64::from(n) + noise[n as usize % 5],
                    )
                })
                .collect()
        };
        assert!(percent_a_minute(&noisy(0.0)).abs() < 0.01);
        assert!((percent_a_minute(&noisy(10.0)) - 100.0 * 10.0 / 1495.0).abs() < 0.01);
        assert!(percent_a_minute(&[]).is_nan(), "and NaN holds no must");
    }
}
