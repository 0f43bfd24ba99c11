//! Nothing gets through for a while.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep, timeout};

use crate::place::Place;

/// RELIABILITY R05, with a stream open.
const FOUND_WITHIN: Duration = Duration::from_secs(45);
/// The longest wait between attempts, and one attempt.
const BACK_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// What both are seen with: a look, and the clock of a busy machine.
const LEEWAY: Duration = Duration::from_secs(2);

/// When each end found the other gone.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) by_server: Option<Duration>,
    pub(crate) by_agent: Option<Duration>,
}

impl Place {
    /// Looks at both ends for so long.
    ///
    /// # Errors
    /// The server does not answer.
    pub(crate) async fn watch(&self, time: Duration) -> Result<Found> {
        let began = Instant::now();
        let lost_before = self.agent.count("tunnel lost");
        let mut found = Found::default();
        while began.elapsed() < time {
            if found.by_server.is_none() && self.client.device().await?.1 != "online" {
                found.by_server = Some(began.elapsed());
            }
            if found.by_agent.is_none() && self.agent.count("tunnel lost") > lost_before {
                found.by_agent = Some(began.elapsed());
            }
            sleep(LOOK_EVERY).await;
        }
        Ok(found)
    }
}

pub(crate) fn seconds(time: Option<Duration>) -> String {
    time.map_or("not".to_owned(), |time| {
        format!("{:.1} s", time.as_secs_f64())
    })
}

pub(crate) async fn silence(id: &str, dark_s: u64) -> Result<String> {
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(BACK_WITHIN).await?;
    place.rule("drop").await?;
    let dark = Duration::from_secs(dark_s);
    let watched = dark.min(FOUND_WITHIN + LEEWAY);
    let found = place.watch(watched).await?;
    let must_be_found = dark > FOUND_WITHIN + LEEWAY;
    if must_be_found {
        ensure!(
            found.by_server.is_some(),
            "the server did not find it in 45 s"
        );
        ensure!(
            found.by_agent.is_some(),
            "the agent did not find it in 45 s"
        );
        // Whoever wants something of the device now is answered, and does not hang.
        let asked = timeout(Duration::from_secs(15), place.client.open("echo")).await;
        ensure!(asked.is_ok_and(|opened| opened.is_err()), "an OPEN hung");
    }
    sleep(dark.saturating_sub(watched)).await;
    place.clear_rules().await?;
    let back = open.key(BACK_WITHIN).await?;
    Ok(format!(
        "found by the server after {}, by the agent after {}; the stream went on {:.1} s after light",
        seconds(found.by_server),
        seconds(found.by_agent),
        back.as_secs_f64()
    ))
}

pub(crate) async fn flap(id: &str) -> Result<String> {
    const FLAPS: usize = 6;
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    let connected = place.agent.count(" epoch=");
    for _ in 0..FLAPS {
        place.at_device("ip link set wire down").await?;
        sleep(Duration::from_secs(5)).await;
        place.at_device("ip link set wire up").await?;
        let (_, state) = place.client.device().await?;
        ensure!(state != "offline", "offline after 5 s");
        sleep(Duration::from_secs(5)).await;
    }
    let back = open.key(BACK_WITHIN).await?;
    let again = place.agent.count(" epoch=") - connected;
    ensure!(again <= FLAPS + 1, "{again} connections for {FLAPS} flaps");
    Ok(format!(
        "{again} new connections in {FLAPS} flaps; the stream went on {:.1} s after the last",
        back.as_secs_f64()
    ))
}
