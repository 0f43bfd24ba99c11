//! What happens to the programs themselves.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::client::Open;
use crate::namespace::run;
use crate::outage::seconds;
use crate::place::Place;

const STOPPED: Duration = Duration::from_secs(90);
const BACK_WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn stopped_agent(id: &str) -> Result<String> {
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(BACK_WITHIN).await?;
    place.agent.signal("STOP").await?;
    let found = place.watch(STOPPED).await?;
    place.agent.signal("CONT").await?;
    let by_server = found.by_server.context("the server did not find it")?;
    ensure!(
        by_server < Duration::from_secs(47),
        "found after {by_server:?}"
    );
    let back = open.key(BACK_WITHIN).await?;
    Ok(format!(
        "found by the server after {}; the stream went on {:.1} s after SIGCONT",
        seconds(Some(by_server)),
        back.as_secs_f64()
    ))
}

pub(crate) async fn stopped_server(id: &str) -> Result<String> {
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(BACK_WITHIN).await?;
    let lost = place.agent.count("tunnel lost");
    place.server.signal("STOP").await?;
    let began = Instant::now();
    let mut by_agent = None;
    while began.elapsed() < STOPPED {
        if by_agent.is_none() && place.agent.count("tunnel lost") > lost {
            by_agent = Some(began.elapsed());
        }
        sleep(Duration::from_millis(200)).await;
    }
    place.server.signal("CONT").await?;
    let found = by_agent.context("the agent did not find it")?;
    ensure!(found < Duration::from_secs(47), "found after {found:?}");
    // Nobody could be asked about its right for 90 s; asked now, who decides agrees.
    let back = open.key(BACK_WITHIN).await?;
    let asked = Instant::now();
    place.open("echo").await?.key(BACK_WITHIN).await?;
    Ok(format!(
        "found by the agent after {}; the stream went on {:.1} s after SIGCONT; a new one took \
         {:.1} s",
        seconds(by_agent),
        back.as_secs_f64(),
        asked.elapsed().as_secs_f64()
    ))
}

pub(crate) async fn descriptors(id: &str) -> Result<String> {
    const SPARE: usize = 6;
    const LOOK: Duration = Duration::from_secs(5);
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(BACK_WITHIN).await?;
    let limit = |count: &str| {
        let words = [
            "--pid".to_owned(),
            place.server.pid().unwrap_or_default(),
            format!("--nofile={count}:"),
        ];
        async move { run("prlimit", &words.each_ref().map(String::as_str)).await }
    };
    let limits = fs::read_to_string(format!("/proc/{}/limits", place.server.pid()?))?;
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let before = line
        .and_then(|line| line.split_whitespace().next())
        .context("no limit")?
        .to_owned();
    limit(&(place.server.descriptors()? + SPARE).to_string()).await?;
    let mut crowd = Vec::new();
    for _ in 0..4 * SPARE {
        // They say nothing; the server closes them after 10 s.
        crowd.push(TcpStream::connect(("127.0.0.1", place.client.port)).await?);
    }
    let cpu = place.server.cpu()?;
    let slowest = keys(&mut open, LOOK).await?;
    let load = (place.server.cpu()? - cpu).as_secs_f64() / LOOK.as_secs_f64();
    ensure!(
        place.server.count("cannot accept") > 0,
        "it did not run out"
    );
    ensure!(load < 0.5, "it spins: {:.0} % of a core", load * 100.0);
    drop(crowd);
    limit(&before).await?;
    let began = Instant::now();
    while place.client.device().await.is_err() {
        ensure!(
            began.elapsed() < Duration::from_secs(30),
            "it does not accept again"
        );
    }
    Ok(format!(
        "keys took {slowest:.1?} at most meanwhile, the server {:.0} % of a core; it accepted again \
         after {:.1} s",
        load * 100.0,
        began.elapsed().as_secs_f64()
    ))
}

/// Presses keys for so long; what the slowest took.
async fn keys(open: &mut Open, time: Duration) -> Result<Duration> {
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while began.elapsed() < time {
        slowest = slowest.max(open.key(BACK_WITHIN).await?);
        sleep(Duration::from_millis(20)).await;
    }
    Ok(slowest)
}
