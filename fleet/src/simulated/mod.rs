//! 100,000 agents in virtual time: what no machine here can hold.

#[cfg(test)]
mod tests;
mod world;

use std::time::Duration;

use self::world::{Disturbance, Outcome, Setting};
use crate::report::Report;

/// `limits.connections` by default.
const CONNECTIONS: usize = 8192;
/// 250 for each core.
const RATE_PER_CORE_S: u32 = 250;
/// Of one core: TLS, nonce, proof.
const CPU_OF_HANDSHAKE: Duration = Duration::from_micros(700);

/// Guessed: accept, count, close.
const CPU_OF_CLOSING: Duration = Duration::from_micros(20);

const DISTURBANCES: [(&str, Disturbance); 3] = [
    (
        "restart, away for 5 s",
        Disturbance::Restart(Duration::from_secs(5)),
    ),
    (
        "darkness of 30 s",
        Disturbance::Darkness(Duration::from_secs(30)),
    ),
    (
        "GOAWAY, away for 1 s",
        Disturbance::Drain(Duration::from_secs(1)),
    ),
];

/// A server with so many cores and otherwise its defaults.
fn setting(agents: usize, cores: u32, seed: u64) -> Setting {
    Setting {
        agents,
        seed,
        rate_per_s: RATE_PER_CORE_S * cores,
        cpu_of_handshake: CPU_OF_HANDSHAKE / cores,
        cpu_of_closing: CPU_OF_CLOSING / cores,
        connections_max: CONNECTIONS,
    }
}

/// Runs each disturbance with 20,000 and 100,000 agents on servers of 2 and 8 cores, and prints
/// the curves.
pub(crate) fn print(seed: u64) -> Vec<Report> {
    let mut reports = Vec::new();
    for (agents, cores) in [(20_000, 2), (100_000, 2), (100_000, 8)] {
        for (name, disturbance) in DISTURBANCES {
            let setting = setting(agents, cores, seed);
            let outcome = world::run(setting, disturbance);
            let name = format!("simulated {name}, {cores} cores");
            let mut report = report(name, &setting, &outcome);
            report.print();
            reports.push(report);
        }
    }
    reports
}

fn report(name: String, setting: &Setting, outcome: &Outcome) -> Report {
    let agents = setting.agents;
    let mut report = Report::new(name, agents, setting.seed);
    report.bounded(
        "not back within half an hour",
        (agents - outcome.back.len()) as f64,
        "",
        0.0,
    );
    report.lengths("back after", &outcome.back);
    let most = outcome.back_within(0.95, agents);
    let most_s = most.map_or(f64::INFINITY, |most| most.as_secs_f64());
    // At the pace that the server allows, and a minute for what comes on top.
    let must_s = agents as f64 / f64::from(setting.rate_per_s) + 60.0;
    report.bounded("95 % back", most_s, "s", must_s);
    let attempts: u64 = outcome.attempts.iter().map(|count| u64::from(*count)).sum();
    let of_agent = attempts as f64 / agents as f64;
    report.row("attempts of an agent", of_agent, "");
    let busiest = |from: usize| outcome.attempts.iter().skip(from).max().copied();
    for from in [0, 2, 20, 60] {
        let most = busiest(from).unwrap_or(0);
        report.row(
            format!("busiest second from {from} s on"),
            most.into(),
            "attempts",
        );
    }
    report.row("closed at once: connections", outcome.closed as f64, "");
    report.row("told when to come back", outcome.refused as f64, "");
    report.row("gave up waiting for TLS", outcome.timed_out as f64, "");
    report.histogram("attempts", &outcome.attempts);
    report.curve(&outcome.back);
    report
}
