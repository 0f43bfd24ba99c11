//! The devices as their parent sees them: processes to order, and what they told.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use api::DeviceId;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::sleep;

use crate::load::{Event, Order, Told};

/// An agent has three descriptors (connection, network changes, clock) and one more for each stream.
const FILES_PER_DEVICE: usize = 4;
const MOST_PER_PROCESS: usize = 4000;
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub(crate) struct Fleet {
    loads: Vec<Load>,
    history: Arc<Mutex<History>>,
}

struct Load {
    orders: ChildStdin,
    devices: usize,
    started: usize,
    /// Killed when dropped.
    _process: Child,
}

/// What all devices told.
#[derive(Default)]
pub(crate) struct History {
    pub(crate) told: Vec<Told>,
    pub(crate) ids: HashMap<usize, DeviceId>,
    pub(crate) connected: usize,
    /// Whether it is, by number.
    is_connected: Vec<bool>,
}

impl History {
    fn add(&mut self, told: Told) {
        let number = told.device;
        if self.is_connected.len() <= number {
            self.is_connected.resize(number + 1, false);
        }
        let is_connected = &mut self.is_connected[number];
        match told.event {
            Event::Enrolled(id) => {
                self.ids.insert(number, id);
            }
            Event::Connected if !*is_connected => {
                *is_connected = true;
                self.connected += 1;
            }
            Event::Lost if *is_connected => {
                *is_connected = false;
                self.connected -= 1;
            }
            _ => {}
        }
        self.told.push(told);
    }

    /// For each device that connected after `since_us`: how long after it, in order of length.
    pub(crate) fn back_after(&self, since_us: u64) -> Vec<Duration> {
        let mut seen = vec![false; self.is_connected.len()];
        let mut back = Vec::new();
        for told in &self.told {
            let is_first = told.event == Event::Connected && told.at_us >= since_us;
            if is_first && !std::mem::replace(&mut seen[told.device], true) {
                back.push(Duration::from_micros(told.at_us - since_us));
            }
        }
        back.sort_unstable();
        back
    }

    /// How long each `begin` after `since_us` was before the same device's next connection.
    pub(crate) fn until_connected(&self, begin: &Event, since_us: u64) -> Vec<Duration> {
        let mut begun = HashMap::new();
        let mut lengths = Vec::new();
        for told in self.told.iter().filter(|told| told.at_us >= since_us) {
            if told.event == *begin {
                begun.insert(told.device, told.at_us);
            } else if told.event == Event::Connected
                && let Some(begun) = begun.remove(&told.device)
            {
                lengths.push(Duration::from_micros(told.at_us.saturating_sub(begun)));
            }
        }
        lengths.sort_unstable();
        lengths
    }

    /// Why attempts after `since_us` failed, and how many.
    pub(crate) fn failures(&self, since_us: u64) -> BTreeMap<String, u64> {
        let mut failures = BTreeMap::new();
        for told in self.told.iter().filter(|told| told.at_us >= since_us) {
            if let Event::Failed(why) = &told.event {
                *failures.entry(why.clone()).or_default() += 1;
            }
        }
        failures
    }
}

impl Fleet {
    /// Starts the processes and enrols all devices.
    pub(crate) async fn gather(
        folder: &Path,
        port: u16,
        devices: usize,
        seed: u64,
        open_files: usize,
    ) -> anyhow::Result<Self> {
        let per_process = (open_files / FILES_PER_DEVICE).min(MOST_PER_PROCESS);
        ensure!(per_process > 0, "{open_files} open files are too few");
        let history = Arc::default();
        let mut fleet = Self {
            loads: Vec::new(),
            history: Arc::clone(&history),
        };
        let processes = devices.div_ceil(per_process).max(1);
        for process in 0..processes {
            let first = devices * process / processes;
            let count = devices * (process + 1) / processes - first;
            let numbers = [usize::from(port), first, count].map(|number| number.to_string());
            let mut command = Command::new(std::env::current_exe()?);
            command
                .args(["load", "--port", &numbers[0], "--first", &numbers[1]])
                .args(["--devices", &numbers[2], "--seed", &seed.to_string()])
                .arg("--folder")
                .arg(folder)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .kill_on_drop(true);
            let mut process = command.spawn()?;
            let orders = process.stdin.take().context("a pipe")?;
            let events = process.stdout.take().context("a pipe")?;
            let history = Arc::clone(&history);
            tokio::spawn(async move {
                let mut lines = BufReader::new(events).lines();
                while let Ok(Some(line)) = lines.next_line().await {
                    match line.parse() {
                        Ok(told) => lock(&history).add(told),
                        Err(error) => eprintln!("adit-fleet: {error:#}"),
                    }
                }
            });
            fleet.loads.push(Load {
                orders,
                devices: count,
                started: 0,
                _process: process,
            });
        }
        for load in &mut fleet.loads {
            load.order(Order::Enrol).await?;
        }
        let within = Duration::from_secs(60) + Duration::from_millis(20) * devices as u32;
        fleet
            .until("enrolment", within, |history| history.ids.len() >= devices)
            .await?;
        Ok(fleet)
    }

    /// Starts `count` more, over `spread`, in all processes alike.
    pub(crate) async fn start(&mut self, count: usize, spread: Duration) -> anyhow::Result<()> {
        let spread_ms = spread.as_millis() as u64;
        let waiting: usize = self.loads.iter().map(Load::waiting).sum();
        ensure!(count <= waiting, "{waiting} devices wait, not {count}");
        let (mut left, mut behind) = (count, waiting);
        for load in &mut self.loads {
            let share = (left * load.waiting()).div_ceil(behind.max(1));
            let count = share.min(load.waiting()).min(left);
            behind -= load.waiting();
            left -= count;
            load.started += count;
            load.order(Order::Start { count, spread_ms }).await?;
        }
        Ok(())
    }

    /// Gives each process its share of an order for `count`.
    pub(crate) async fn order(
        &mut self,
        count: usize,
        order: impl Fn(usize) -> Order,
    ) -> anyhow::Result<()> {
        let processes = self.loads.len();
        for (number, load) in self.loads.iter_mut().enumerate() {
            let share = count * (number + 1) / processes - count * number / processes;
            load.order(order(share)).await?;
        }
        Ok(())
    }

    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// Waits until so many are connected.
    pub(crate) async fn connected(&self, count: usize, within: Duration) -> anyhow::Result<()> {
        self.until("connection", within, |history| history.connected >= count)
            .await
    }

    /// Waits until the history satisfies `is_done`.
    pub(crate) async fn until(
        &self,
        what: &str,
        within: Duration,
        is_done: impl Fn(&History) -> bool,
    ) -> anyhow::Result<()> {
        let began = Instant::now();
        while !is_done(&self.history()) {
            if began.elapsed() > within {
                let history = self.history();
                anyhow::bail!(
                    "{what}: not done after {within:?}; {} enrolled, {} connected; {:?}",
                    history.ids.len(),
                    history.connected,
                    history.failures(0)
                );
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

impl Load {
    const fn waiting(&self) -> usize {
        self.devices - self.started
    }

    async fn order(&mut self, order: Order) -> anyhow::Result<()> {
        let line = order.line() + "\n";
        self.orders.write_all(line.as_bytes()).await?;
        Ok(self.orders.flush().await?)
    }
}

fn lock(history: &Mutex<History>) -> MutexGuard<'_, History> {
    history.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(told: &[(usize, u64, Event)]) -> History {
        let mut history = History::default();
        for (device, at_us, event) in told {
            history.add(Told {
                device: *device,
                at_us: *at_us,
                event: event.clone(),
            });
        }
        history
    }

    #[test]
    fn connections_and_waits_are_counted() {
        let history = history(&[
            (0, 10, Event::Connected),
            (1, 20, Event::Connected),
            (0, 100, Event::Lost),
            (1, 110, Event::Lost),
            (1, 120, Event::Failed("refused".into())),
            (1, 310, Event::Connected),
            (1, 320, Event::Lost),
            (1, 400, Event::Connected),
        ]);
        assert_eq!(history.connected, 1);
        let us = Duration::from_micros;
        assert_eq!(history.back_after(100), [us(210)], "the first time alone");
        assert_eq!(history.until_connected(&Event::Lost, 0), [us(80), us(200)]);
        assert_eq!(history.failures(0)["refused"], 1);
        assert!(history.failures(200).is_empty());
    }
}
