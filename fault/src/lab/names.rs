//! What the device finds when it looks the server's name up.

use std::time::Duration;

use anyhow::{Result, ensure};
use tokio::time::{Instant, sleep};

use crate::namespace::{DEVICE_V4, SERVER_V4, SERVER_V6};
use crate::place::Place;

/// Nobody has these: no answer, or "unreachable" after seconds.
const NOBODY: [&str; 4] = ["10.213.0.96", "10.213.0.97", "10.213.0.98", "10.213.0.99"];

impl Place {
    /// The device comes back with these addresses for the server's name; after how long.
    async fn back_with(
        &mut self,
        before: &[&str],
        wait: Duration,
        after: &[&str],
    ) -> Result<Duration> {
        self.names(before)?;
        let connected = self.agent.count(" epoch=");
        self.restart_agent().await?;
        sleep(wait).await;
        if !wait.is_zero() {
            ensure!(self.agent.count(" epoch=") == connected, "it has connected");
        }
        self.names(after)?;
        let began = Instant::now();
        self.open("echo")
            .await?
            .key(Duration::from_secs(10))
            .await?;
        Ok(began.elapsed())
    }
}

fn told(time: Duration) -> String {
    format!("the device was there after {:.1} s", time.as_secs_f64())
}

pub(crate) async fn ipv6_only(id: &str) -> Result<String> {
    let mut place = Place::start(id).await?;
    place
        .at_device(&format!("ip addr del {DEVICE_V4}/24 dev wire"))
        .await?;
    let both = [SERVER_V4, SERVER_V6];
    place
        .back_with(&both, Duration::ZERO, &both)
        .await
        .map(told)
}

pub(crate) async fn missing(id: &str) -> Result<String> {
    let mut place = Place::start(id).await?;
    let wait = Duration::from_secs(20);
    place.back_with(&[], wait, &[SERVER_V4]).await.map(told)
}

pub(crate) async fn old(id: &str) -> Result<String> {
    let mut place = Place::start(id).await?;
    let wait = Duration::from_secs(5);
    place
        .back_with(&NOBODY[..1], wait, &[SERVER_V4])
        .await
        .map(told)
}

pub(crate) async fn many(id: &str) -> Result<String> {
    let mut place = Place::start(id).await?;
    let mut all = NOBODY.to_vec();
    all.push(SERVER_V4);
    place.back_with(&all, Duration::ZERO, &all).await.map(told)
}
