//! People ask: streams to devices taken at random, a small question over each.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinSet;

use super::Stage;
use crate::load::now_us;
use crate::report::Report;
use crate::visitor::Visitor;

/// People at a time.
const VISITORS: usize = 32;
const PAUSE: Duration = Duration::from_millis(20);

/// What became of the questions.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) lengths: Vec<Duration>,
    pub(super) failures: Vec<String>,
}

pub(super) async fn perform(stage: &mut Stage, report: &mut Report) -> anyhow::Result<()> {
    stage.connect_all().await?;
    let pid = stage.server.pid()?;
    let (began, began_us, cpu_s) = (Instant::now(), now_us(), pid.cpu_s()?);
    let asked = begin(stage, stage.visitors.unwrap_or(VISITORS), PAUSE)?
        .ended()
        .await?;
    let (elapsed_s, cpu_s) = (began.elapsed().as_secs_f64(), pid.cpu_s()? - cpu_s);
    let answered = asked.lengths.len() as f64;
    report.row("streams opened, asked, closed", answered, "");
    report.row("pace", answered / elapsed_s, "streams/s");
    report.lengths("from opening to the answer", &asked.lengths);
    report.row("server CPU of a stream", cpu_s * 1000.0 / answered, "ms");
    report.bounded("failed", asked.failures.len() as f64, "", 0.0);
    let history = stage.fleet.history();
    let mut failures = history.failures(began_us);
    for failure in asked.failures {
        *failures.entry(failure).or_default() += 1;
    }
    report.failures(failures);
    Ok(())
}

/// Visitors that ask until the script's end.
pub(super) struct Visits {
    asking: JoinSet<()>,
    asked: Arc<Mutex<Asked>>,
}

/// Begins so many visitors, each with a pause between its questions.
pub(super) fn begin(stage: &Stage, visitors: usize, pause: Duration) -> anyhow::Result<Visits> {
    let devices: Vec<_> = stage.fleet.history().ids.values().copied().collect();
    let devices = Arc::new(devices);
    let asked = Arc::<Mutex<Asked>>::default();
    let mut asking = JoinSet::new();
    let end = Instant::now() + stage.length;
    for number in 0..visitors as u64 {
        let visitor = Visitor::of(&stage.server)?;
        let (devices, asked) = (Arc::clone(&devices), Arc::clone(&asked));
        let mut random = StdRng::seed_from_u64(stage.seed ^ (number << 32));
        asking.spawn(async move {
            while Instant::now() < end {
                let device = devices[random.random_range(0..devices.len())];
                let began = Instant::now();
                let outcome = visitor.ask(device).await;
                {
                    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(()) => asked.lengths.push(began.elapsed()),
                        Err(error) => asked.failures.push(format!("asking: {error:#}")),
                    }
                }
                tokio::time::sleep(pause).await;
            }
        });
    }
    Ok(Visits { asking, asked })
}

impl Visits {
    /// Waits for the end; what became of all questions.
    pub(super) async fn ended(mut self) -> anyhow::Result<Asked> {
        while let Some(done) = self.asking.join_next().await {
            done?;
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mut asked = std::mem::take(&mut *asked);
        asked.lengths.sort_unstable();
        Ok(asked)
    }
}
