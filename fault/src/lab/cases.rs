//! The cases by name, run side by side, and the report of them.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::namespace::{self, Namespaces, command_inside};
use crate::{clock, machine, names, network, outage, stalled};

/// One thing that happens, and what is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// Whether it is short enough to be a part of every test run.
    is_quick: bool,
}

const fn case(name: &'static str, about: &'static str) -> Case {
    Case {
        name,
        about,
        is_quick: false,
    }
}

const fn quick(name: &'static str, about: &'static str) -> Case {
    Case {
        name,
        about,
        is_quick: true,
    }
}

pub(crate) const CASES: &[Case] = &[
    case("silence-20", "all packets dropped for 20 s"),
    case(
        "silence-60",
        "all packets dropped for 60 s: found within 45 s",
    ),
    case(
        "silence-120",
        "all packets dropped for 120 s: found within 45 s",
    ),
    quick("loss-1", "1 % of packets lost each way"),
    quick("loss-10", "10 % of packets lost each way: no reconnect"),
    case("loss-30", "30 % of packets lost each way"),
    case("thin", "64 kbit/s: a keystroke beside a download"),
    case("flap", "the cable out and in each 5 s, six times"),
    case(
        "rebinding",
        "the connection's ports are forgotten on the way",
    ),
    case(
        "forgetful",
        "a NAT forgets what is silent for 30 s: the agent learns",
    ),
    quick("move", "the device gets another address"),
    quick("ipv6", "the device has no IPv4 address"),
    case("no-name", "the server's name is not found, then is"),
    quick("old-name", "the name leads nowhere, then to the server"),
    quick(
        "many-names",
        "the name has many addresses, the last is right",
    ),
    case("stopped-agent", "SIGSTOP of the agent for 90 s"),
    case("stopped-server", "SIGSTOP of the server for 90 s"),
    case("descriptors", "the server runs out of descriptors"),
    case(
        "clock",
        "the server's clock jumps by an hour, there and back",
    ),
    case(
        "slow-readers",
        "200 stalled readers of two devices and a flood beside a keystroke",
    ),
];

/// Longer than any takes that will pass.
const PATIENCE: Duration = Duration::from_secs(420);

/// The cases of these names, or all.
///
/// # Errors
/// There is none of that name.
pub(crate) fn chosen(names: &[String], is_quick: bool) -> Result<Vec<Case>> {
    for name in names {
        if !CASES.iter().any(|case| case.name == name) {
            bail!("there is no case {name}: --list names them");
        }
    }
    let wanted = |case: &&Case| {
        let is_named = names.is_empty() || names.iter().any(|name| name == case.name);
        is_named && (case.is_quick || !is_quick)
    };
    Ok(CASES.iter().filter(wanted).copied().collect())
}

/// Runs one, in the process that is inside of its server's namespace. What was seen.
///
/// # Errors
/// It did not go as it should.
pub(crate) async fn run(name: &str, id: &str) -> Result<String> {
    match name {
        "silence-20" => outage::silence(id, 20).await,
        "silence-60" => outage::silence(id, 60).await,
        "silence-120" => outage::silence(id, 120).await,
        "loss-1" => network::loss(id, 1, 8 << 20).await,
        "loss-10" => network::loss(id, 10, 1 << 20).await,
        "loss-30" => network::loss(id, 30, 64 << 10).await,
        "thin" => network::thin(id).await,
        "flap" => outage::flap(id).await,
        "rebinding" => network::rebinding(id).await,
        "forgetful" => network::forgetful(id).await,
        "move" => network::address_change(id).await,
        "ipv6" => names::ipv6_only(id).await,
        "no-name" => names::missing(id).await,
        "old-name" => names::old(id).await,
        "many-names" => names::many(id).await,
        "stopped-agent" => machine::stopped_agent(id).await,
        "stopped-server" => machine::stopped_server(id).await,
        "descriptors" => machine::descriptors(id).await,
        "clock" => clock::jump(id).await,
        "slow-readers" => stalled::slow_readers(id).await,
        _ => bail!("there is no case {name}"),
    }
}

struct Outcome {
    case: Case,
    seen: Result<String>,
    took: Duration,
}

/// Runs them and prints a line for each as it ends. True: all passed.
///
/// # Errors
/// A task of this program failed.
pub(crate) async fn run_all(cases: &[Case], jobs: usize) -> Result<bool> {
    let mut waiting: VecDeque<Case> = cases.iter().copied().collect();
    let mut running = JoinSet::new();
    let mut failed = 0;
    println!("{:<16} {:>6}  {:<4}  seen", "case", "s", "");
    loop {
        while running.len() < jobs
            && let Some(case) = waiting.pop_front()
        {
            running.spawn(watch(case));
        }
        let Some(outcome) = running.join_next().await else {
            break;
        };
        let Outcome { case, seen, took } = outcome?;
        let (verdict, seen) = match seen {
            Ok(seen) => ("pass", seen),
            Err(error) => {
                failed += 1;
                ("FAIL", format!("{}: {error:#}", case.about))
            }
        };
        let seconds = took.as_secs_f64();
        println!("{:<16} {seconds:>6.1}  {verdict}  {seen}", case.name);
    }
    println!("{} passed, {failed} failed", cases.len() - failed);
    Ok(failed == 0)
}

async fn watch(case: Case) -> Outcome {
    let began = Instant::now();
    let seen = timeout(PATIENCE, in_namespaces(case.name)).await;
    Outcome {
        case,
        seen: seen.unwrap_or_else(|_| bail!("not over after {PATIENCE:?}")),
        took: began.elapsed(),
    }
}

/// Runs the case as a process of its own, inside of its server's namespace.
async fn in_namespaces(name: &str) -> Result<String> {
    let id = format!("{}-{name}", std::process::id());
    let _namespaces = Namespaces::make(&id).await?;
    let program = std::env::current_exe()?;
    let server = namespace::name(&id, 's');
    let mut command: Command = command_inside(&server, &program.to_string_lossy());
    // Its own children end with it: their handles are dropped.
    let output = command
        .args(["case", name, &id])
        .kill_on_drop(true)
        .output()
        .await
        .context("the case did not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let last = text.lines().last().unwrap_or_default().to_owned();
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{} {}", last.trim_start_matches("error: "), error.trim());
    }
    Ok(last)
}
