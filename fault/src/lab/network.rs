//! A network that works badly, or that changes under the device.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncReadExt;
use tokio::time::{Instant, sleep};

use crate::client::spawn;
use crate::place::Place;

pub(crate) async fn loss(id: &str, percent: u32, bytes: usize) -> Result<String> {
    let place = Place::start(id).await?;
    let lost = place.agent.count("tunnel lost");
    place
        .rule(&format!("numgen random mod 100 < {percent} drop"))
        .await?;
    let mut open = place.open("echo").await?;
    let key = open.key(Duration::from_secs(60)).await?;
    let took = open.transfer(bytes, Duration::from_secs(240)).await?;
    let lost = place.agent.count("tunnel lost") - lost;
    ensure!(
        percent > 10 || lost == 0,
        "the tunnel was lost {lost} times"
    );
    Ok(format!(
        "{} KiB there and back in {:.1} s with the right SHA-256, a key in {key:.1?}, \
         tunnel lost {lost} times",
        bytes >> 10,
        took.as_secs_f64()
    ))
}

pub(crate) async fn thin(id: &str) -> Result<String> {
    const LINE_BYTES_PER_S: f64 = 8000.0;
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    let alone = open.key(Duration::from_secs(10)).await?;
    place
        .at_both("tc qdisc add dev wire root tbf rate 64kbit burst 3000 latency 400ms")
        .await?;
    let thin = open.key(Duration::from_secs(10)).await?;
    let mut flood = place.open("flood").await?;
    let (counter, counted) = tokio::sync::watch::channel(0_usize);
    let reading = spawn(async move {
        let mut chunk = vec![0; 4 << 10];
        while let Ok(read @ 1..) = flood.stream.read(&mut chunk).await {
            counter.send_modify(|sum| *sum += read);
        }
    });
    // Until its first window is under way.
    sleep(Duration::from_secs(10)).await;
    let (began, before) = (Instant::now(), *counted.borrow());
    let mut waits = Vec::new();
    while waits.len() < 20 {
        waits.push(open.key(Duration::from_secs(60)).await?);
    }
    let carried = *counted.borrow() - before;
    let share = carried as f64 / began.elapsed().as_secs_f64() / LINE_BYTES_PER_S;
    reading.abort();
    waits.sort();
    let (median, worst) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    ensure!(median < Duration::from_secs(5), "median {median:?}");
    ensure!(share > 0.3, "the download got {share:.2} of the line");
    ensure!(place.agent.count("tunnel lost") == 0, "the tunnel was lost");
    Ok(format!(
        "a key took {alone:.1?}, on the thin line {thin:.1?}, beside a download {median:.1?} \
         (median of 20, worst {worst:.1?}), which had {:.0} % of the line",
        share * 100.0
    ))
}

pub(crate) async fn rebinding(id: &str) -> Result<String> {
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(Duration::from_secs(10)).await?;
    let sockets = place.at_device("ss -tnH state established").await?;
    let port = sockets
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace().skip(2);
            let (local, peer) = (words.next()?, words.next()?);
            let is_tunnel = peer.ends_with(":8443");
            is_tunnel.then(|| local.rsplit(':').next())?
        })
        .next()
        .with_context(|| format!("no tunnel in {sockets}"))?;
    place.rule(&format!("tcp sport {port} drop")).await?;
    place.rule(&format!("tcp dport {port} drop")).await?;
    let went_on = open.key(Duration::from_secs(60)).await?;
    // Who dials has nothing to send: it asks after 15 s of silence, and doubts after 5 s more.
    ensure!(went_on <= Duration::from_secs(27), "after {went_on:?}");
    Ok(format!(
        "the stream went on over another connection after {:.1} s",
        went_on.as_secs_f64()
    ))
}

/// A NAT that forgets a connection after this silence, and drops what comes on it then.
const FORGETS_AFTER_S: u64 = 30;

pub(crate) async fn forgetful(id: &str) -> Result<String> {
    // An agent that is told 45 s notices after 75 s; twice, for once is chance.
    const LEARNT_WITHIN: Duration = Duration::from_secs(2 * 90);
    const HELD_FOR: Duration = Duration::from_secs(75);
    const LEARNT: &str = "drops what is silent";
    const REMEMBERED: &str = "tcp sport . tcp dport";
    let place = Place::start(id).await?;
    let set = "{ type inet_service . inet_service ; flags dynamic , timeout ; }";
    place
        .at_both(&format!("nft add set inet fault awake {set}"))
        .await?;
    let remember = format!("update @awake {{ {REMEMBERED} timeout {FORGETS_AFTER_S}s }}");
    // The connection that is there is to be known before others are dropped.
    place.rule(&remember).await?;
    place
        .open("echo")
        .await?
        .key(Duration::from_secs(10))
        .await?;
    place.clear_rules().await?;
    place
        .rule(&format!("tcp flags & syn == syn {remember} accept"))
        .await?;
    place
        .rule(&format!("{REMEMBERED} @awake {remember} accept"))
        .await?;
    place.rule("meta l4proto tcp drop").await?;
    let lost_before = place.agent.count("tunnel lost");
    let began = Instant::now();
    while place.agent.count(LEARNT) == 0 {
        ensure!(began.elapsed() < LEARNT_WITHIN, "it did not learn");
        sleep(Duration::from_millis(200)).await;
    }
    let (learnt_after, lost) = (began.elapsed(), place.agent.count("tunnel lost"));
    sleep(HELD_FOR).await;
    ensure!(
        place.agent.count("tunnel lost") == lost,
        "lost again after it had learnt"
    );
    let mut open = place.client.open("echo").await?;
    let key = open.key(Duration::from_secs(5)).await?;
    Ok(format!(
        "learnt after {:.0} s and {} losses; then held for {} s, a key in {key:.1?}",
        learnt_after.as_secs_f64(),
        lost - lost_before,
        HELD_FOR.as_secs()
    ))
}

pub(crate) async fn address_change(id: &str) -> Result<String> {
    let place = Place::start(id).await?;
    let mut open = place.open("echo").await?;
    open.key(Duration::from_secs(10)).await?;
    place
        .at_device("ip addr del 10.213.0.2/24 dev wire")
        .await?;
    place
        .at_device("ip addr add 10.213.0.3/24 dev wire")
        .await?;
    let went_on = open.key(Duration::from_secs(60)).await?;
    ensure!(place.agent.count("resumed=true") > 0, "not resumed");
    Ok(format!(
        "the stream went on from the new address after {:.1} s",
        went_on.as_secs_f64()
    ))
}
