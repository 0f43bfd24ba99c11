//! Readers that do not read, beside somebody who types.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::AsyncReadExt;
use tokio::time::{sleep, timeout};

use crate::client::{Open, spawn};
use crate::place::Place;

const READERS: usize = 200;
/// Each reader's stream is charged twice: of its device's tunnel, and of its own connection. The
/// 64 MiB of the other cases hold 157.
const TUNNEL_MEMORY_BYTES: u64 = 128 << 20;
/// A tunnel's 32 MiB are as many first windows of 256 KiB, less the flood's own, the keystrokes',
/// and what the flood's has grown by (PROTOCOL section 5): the rest is refused as busy there, and
/// found at the second device.
const ROOM: usize = 64;
/// What an agent grants in all, and what it costs besides.
const AGENT_BYTES: u64 = 16 << 20;
const SECOND: &str = "fault-2";
/// For one that was held back to go on.
const ON_WITHIN: Duration = Duration::from_secs(60);

pub(crate) async fn slow_readers(id: &str) -> Result<String> {
    let limit = (
        "ADIT_SERVER_LIMITS__TUNNEL_MEMORY_BYTES".to_owned(),
        TUNNEL_MEMORY_BYTES.to_string(),
    );
    let place = Place::start_with(id, vec![limit]).await?;
    let second_agent = place.add_device(SECOND).await?;
    let agents = [&place.agent, &second_agent];
    let mut open = place.open("echo").await?;
    let mut open_at_second = place.client.open_at(SECOND, "echo").await?;
    let mut flood = place.open("flood").await?;
    let reading = spawn(async move {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(1..) = flood.stream.read(&mut chunk).await {}
    });
    // The flood alone first: what the machine can do is not what is asked.
    let alone = [p99(&mut open).await?, p99(&mut open_at_second).await?];
    let resident_before = place.server.resident_bytes()?;
    let mut agents_before = Vec::new();
    for agent in agents {
        agents_before.push(agent.resident_bytes()?);
    }
    let idle_bytes = idle_bytes(&place, resident_before).await?;

    let mut stalled = stall(&place, "fault", READERS).await?;
    let at_first = stalled.len();
    ensure!(at_first >= ROOM, "only {at_first} readers of one device");
    stalled.append(&mut stall(&place, SECOND, READERS - at_first).await?);
    ensure!(stalled.len() == READERS, "only {} readers", stalled.len());
    // Until their windows are full and nothing moves for them.
    sleep(Duration::from_secs(5)).await;
    let beside = [p99(&mut open).await?, p99(&mut open_at_second).await?];
    let grown = place
        .server
        .resident_bytes()?
        .saturating_sub(resident_before);
    let mut agents_grown = 0;
    for (agent, before) in agents.iter().zip(agents_before) {
        agents_grown = agents_grown.max(agent.resident_bytes()?.saturating_sub(before));
    }
    for each in &mut stalled {
        // They were held back, and neither lost nor cut.
        let byte = timeout(ON_WITHIN, each.stream.read_u8()).await;
        ensure!(
            byte.is_ok_and(|byte| byte.is_ok()),
            "a stalled reader was cut"
        );
    }
    ensure!(!reading.is_finished(), "the flood was cut");
    reading.abort();

    // RELIABILITY R03: the budget, and what each stream costs that carries nothing. Half as much
    // again for the allocator: what was given back in pieces it keeps.
    let budget = TUNNEL_MEMORY_BYTES + READERS as u64 * idle_bytes;
    let allowed = budget + budget / 2;
    let (grown_mib, allowed_mib) = (grown >> 20, allowed >> 20);
    let idle_kib = idle_bytes >> 10;
    ensure!(
        grown <= allowed,
        "the server grew by {grown_mib} MiB, above {allowed_mib}; idle {idle_kib} KiB"
    );
    let agents_mib = agents_grown >> 20;
    ensure!(
        agents_grown <= 2 * AGENT_BYTES,
        "an agent grew by {agents_mib} MiB"
    );
    for (alone, beside) in alone.iter().zip(&beside) {
        ensure!(
            beside.as_secs_f64() < 2.0 * alone.as_secs_f64() || *beside < Duration::from_millis(20),
            "p99 of a key {alone:.1?}, beside stalled readers {beside:.1?}"
        );
    }
    Ok(format!(
        "p99 of a key {:.1?} beside a flood, {:.1?} with {READERS} stalled readers too ({at_first} \
         of the same device); at the other device {:.1?} and {:.1?}; the server grew by {grown_mib} \
         MiB of {allowed_mib}, an agent by {agents_mib}; an idle stream costs {idle_kib} KiB",
        alone[0], beside[0], alone[1], beside[1]
    ))
}

/// Readers that never read, until there are so many or one is refused.
async fn stall(place: &Place, device: &str, count: usize) -> Result<Vec<Open>> {
    let mut stalled = Vec::new();
    while stalled.len() < count {
        match place.client.open_at(device, "flood").await {
            Ok(reader) => stalled.push(reader),
            // Not for any other reason than that the tunnel is full.
            Err(error) if format!("{error:#}").contains("busy") => break,
            Err(error) => return Err(error).context("a reader was refused"),
        }
    }
    Ok(stalled)
}

/// What a stream costs the server that carries nothing.
async fn idle_bytes(place: &Place, resident_before: u64) -> Result<u64> {
    let mut idle = Vec::new();
    while idle.len() < ROOM {
        idle.push(place.client.open("echo").await?);
    }
    let grown = place.server.resident_bytes()?;
    Ok(grown.saturating_sub(resident_before) / ROOM as u64)
}

async fn p99(open: &mut Open) -> Result<Duration> {
    let mut waits = Vec::new();
    while waits.len() < 500 {
        waits.push(open.key(ON_WITHIN).await?);
        sleep(Duration::from_millis(2)).await;
    }
    waits.sort();
    Ok(waits[waits.len() * 99 / 100])
}
