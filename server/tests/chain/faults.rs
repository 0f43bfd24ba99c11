//! The server and an agent with a bad network between them.
//!
//! `cargo xtask fault` runs the transfer with more bytes and a longer darkness: `ADIT_FAULT_BYTES`
//! and `ADIT_FAULT_DARK_S`.

#![expect(clippy::print_stdout, reason = "figures for cargo xtask fault")]

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fault::{Command, Direction, Settings};
use ring::digest::{Context, SHA256};
use server::access::Subject;
use server::relay::RelayStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use tunnel::wire::Target;

use crate::harness::{Behaviour, RunningAgent, TestService, service, soon, spawn, until};
use crate::network::Network;
use crate::place::{Device, Place};

const MIB: u64 = 1 << 20;
/// Transfers are multiples of it.
const CHUNK_BYTES: u64 = 64 << 10;
const RESUME_S: u64 = 180;
/// A gigabyte in a build without optimisation, on a machine with other work.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(900);

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

struct Scene {
    place: Place,
    network: Network,
    device: Device,
    right: Subject,
}

impl Scene {
    async fn new() -> Self {
        Self::behind(Settings::default()).await
    }

    async fn behind(settings: Settings) -> Self {
        let (place, network) = Place::behind_a(settings, RESUME_S).await;
        let echo = TestService::start(Behaviour::Echo).await;
        let flood = TestService::start(Behaviour::Flood).await;
        let services = vec![service("echo", echo.port), service("flood", flood.port)];
        let device = place.device(services).await;
        place.access.assert_echo(device.id).await;
        Self {
            right: place.lasting_right(device.id).await,
            place,
            network,
            device,
        }
    }

    async fn open(&self, name: &str) -> RelayStream {
        let target = Target::Service(name.to_owned());
        let lease = self.place.access.leases.issue(self.right.clone());
        let opening = self.place.access.relay.open(self.device.id, target, lease);
        soon("an answer to OPEN", opening).await.unwrap()
    }

    async fn assert_echo(&self) {
        self.place.access.assert_echo(self.device.id).await;
    }
}

/// Numbers that no part of repeats: a lost or doubled piece shows.
fn fill(chunk: &mut [u8], number: u64) {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    for eight in chunk.chunks_mut(8) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        eight.copy_from_slice(&state.to_le_bytes()[..eight.len()]);
    }
}

/// As many bytes as asked through an echo: up, and all of them down again. `between` happens at
/// each quarter of the way back.
async fn transfer(stream: RelayStream, bytes: u64, mut between: impl AsyncFnMut(u64)) {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let writing = spawn(async move {
        let mut sent = Context::new(&SHA256);
        let mut chunk = vec![0; CHUNK_BYTES as usize];
        for number in 0..bytes / CHUNK_BYTES {
            fill(&mut chunk, number);
            sent.update(&chunk);
            writer.write_all(&chunk).await.unwrap();
        }
        writer.shutdown().await.unwrap();
        sent.finish()
    });
    let mut received = Context::new(&SHA256);
    let (mut length, mut quarter) = (0, 0);
    let mut chunk = vec![0; 256 << 10];
    loop {
        let read = timeout(TRANSFER_PATIENCE, reader.read(&mut chunk)).await;
        let read = read.unwrap().unwrap();
        if read == 0 {
            break;
        }
        received.update(&chunk[..read]);
        length += read as u64;
        if length < bytes && length * 4 / bytes > quarter {
            quarter = length * 4 / bytes;
            between(quarter).await;
        }
    }
    assert_eq!(length, bytes);
    let sent = soon("the writer", writing).await.unwrap();
    assert_eq!(received.finish().as_ref(), sent.as_ref(), "sha256");
}

/// RELIABILITY R14.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r14_a_transfer_outlives_two_swaps_and_a_darkness() {
    let bytes = setting("ADIT_FAULT_BYTES", 32 * MIB) / MIB * MIB;
    let dark = Duration::from_secs(setting("ADIT_FAULT_DARK_S", 1));
    let scene = Scene::new().await;
    let network = &scene.network;
    let stream = scene.open("echo").await;
    let before = network.counts();
    let began = Instant::now();
    transfer(stream, bytes, async |quarter| match quarter {
        // In the middle of a frame: 10 007 is no border of anything.
        1 => {
            network.apply(Command::CutAfter { bytes: 10_007 });
            until("the cut", async || network.counts().cut > before.cut).await;
            network.apply(Command::Normal);
        }
        2 => {
            network.apply(Command::Stall);
            sleep(dark).await;
            network.apply(Command::Normal);
        }
        _ => network.cut(),
    })
    .await;
    let counts = network.counts();
    assert!(counts.cut >= before.cut + 2, "{counts:?}");
    assert!(counts.accepted >= before.accepted + 2, "{counts:?}");
    let took = began.elapsed();
    println!(
        "{} MiB up and down in {took:.1?}, {dark:?} of it dark: {counts:?}",
        bytes / MIB
    );
    scene.assert_echo().await;
}

#[tokio::test]
async fn a_long_way_with_jitter_is_slow_and_right() {
    let scene = Scene::new().await;
    let network = &scene.network;
    for (delay_ms, jitter_ms, bytes) in [
        (50, 40, 4 * MIB),
        (300, 200, MIB),
        (1500, 500, 3 * CHUNK_BYTES),
    ] {
        let (delay, jitter) = (
            Duration::from_millis(delay_ms),
            Duration::from_millis(jitter_ms),
        );
        network.apply(Command::Delay(delay));
        network.apply(Command::Jitter(jitter));
        let before = network.counts().accepted;
        let mut stream = scene.open("echo").await;
        let began = Instant::now();
        stream.write_all(b"a").await.unwrap();
        assert_eq!(soon("a key's echo", stream.read_u8()).await.unwrap(), b'a');
        assert!(began.elapsed() >= 2 * delay);
        transfer(stream, bytes, async |_| {}).await;
        assert_eq!(network.counts().accepted, before, "no reconnect");
    }
}

#[tokio::test]
async fn a_buffering_proxy_is_slow_and_right() {
    let scene = Scene::new().await;
    let network = &scene.network;
    network.apply(Command::Buffer(Duration::from_millis(300)));
    let before = network.counts().accepted;
    let stream = scene.open("echo").await;
    transfer(stream, 4 * MIB, async |_| {}).await;
    scene.assert_echo().await;
    assert_eq!(network.counts().accepted, before, "no reconnect");
}

/// A FIN below the WebSocket's close is a loss, whichever end it comes to: never a clean end.
#[tokio::test]
async fn a_half_closed_connection_is_replaced_and_ends_no_stream() {
    let scene = Scene::new().await;
    let network = &scene.network;
    let mut stream = scene.open("echo").await;
    for direction in [Direction::Up, Direction::Down] {
        let before = network.counts().accepted;
        network.apply(Command::HalfClose(direction));
        until("another connection", async || {
            network.counts().accepted > before
        })
        .await;
        stream.write_all(b"b").await.unwrap();
        assert_eq!(soon("its echo", stream.read_u8()).await.unwrap(), b'b');
    }
}

/// A connection that ends at any byte of the proof, of HELLO and of the first frames is tried
/// anew, and leaves no descriptor behind.
#[tokio::test]
async fn an_end_in_the_handshake_is_survived_at_every_stage() {
    let scene = Scene::new().await;
    let network = &scene.network;
    let (config, key) = (&scene.device.config, &scene.device.key);
    let access = &scene.place.access;
    let mut agent = scene.device.agent;
    let mut before = usize::MAX;
    for bytes in [0, 1, 150, 600, 1000] {
        for end in [Command::CutAfter { bytes }, Command::FinAfter { bytes }] {
            agent.stop().await;
            until("all is gone", async || network.counts().live == 0).await;
            // Of the second round: what is made once has been made.
            before = before.min(open_descriptors());
            let accepted = network.counts().accepted;
            network.apply(end);
            agent = RunningAgent::start(config.clone(), key);
            until("an attempt in vain", async || {
                network.counts().accepted >= accepted + 2
            })
            .await;
            network.apply(Command::Normal);
            access.assert_echo(scene.device.id).await;
        }
    }
    agent.stop().await;
    until("all descriptors are given back", async || {
        open_descriptors() <= before
    })
    .await;
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// RELIABILITY R10 on a line of 64 kbit/s: what a keystroke waits for is the line's own queue and
/// what the kernel holds, and not the windows of another stream.
#[tokio::test]
async fn r10_a_keystroke_does_not_wait_behind_a_download_on_a_thin_line() {
    const LINE_BYTES_PER_S: u64 = 8000;
    let settings = Settings {
        receive_buffer_bytes: Some(4 << 10),
        ..Settings::default()
    };
    let scene = Scene::behind(settings).await;
    let mut keys = scene.open("echo").await;
    let mut flood = scene.open("flood").await;
    scene.network.apply(Command::Rate {
        bytes_per_s: LINE_BYTES_PER_S,
    });
    let counted = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&counted);
    spawn(async move {
        let mut chunk = vec![0; 4 << 10];
        while let Ok(read @ 1..) = flood.read(&mut chunk).await {
            count.fetch_add(read as u64, Ordering::Relaxed);
        }
    });
    let carried = || counted.load(Ordering::Relaxed);
    until("the download fills the line", async || carried() > 4 << 10).await;
    let (began, carried_before) = (Instant::now(), carried());
    let mut waits = Vec::new();
    for _ in 0..3 {
        let pressed = Instant::now();
        keys.write_all(b"k").await.unwrap();
        assert_eq!(soon("a key's echo", keys.read_u8()).await.unwrap(), b'k');
        waits.push(pressed.elapsed());
    }
    let carried = carried() - carried_before;
    let share = carried as f64 / began.elapsed().as_secs_f64() / LINE_BYTES_PER_S as f64;
    println!("a key's echo took {waits:.1?}; beside it the download had {share:.2} of the line");
    waits.sort();
    // About 40 KB wait: 8 for the scheduler, 16 in the kernel, the rest on the line, which is 5 s.
    // What a kernel takes by itself is more than a minute of this line.
    assert!(
        waits[waits.len() / 2] < Duration::from_secs(20),
        "{waits:?}"
    );
    assert!(share > 0.3, "the download starves: {share}");
}

/// RELIABILITY R03, S36: readers that do not read hold no more than the budget together, whatever
/// is offered, and nobody beside them notices.
#[tokio::test]
async fn r03_two_hundred_stalled_readers_stay_within_the_budget() {
    const BUDGET_BYTES: u64 = 64 << 20;
    let place = Place::with(|config| {
        config.limits.tunnel_memory_bytes = Some(BUDGET_BYTES);
    })
    .await;
    let echo = TestService::start(Behaviour::Echo).await;
    let flood = TestService::start(Behaviour::Flood).await;
    let services = vec![service("echo", echo.port), service("flood", flood.port)];
    let device = place.device(services).await;
    let mut keys = place.access.open_when_up(device.id, "echo").await;
    let mut flooding = place.access.open_when_up(device.id, "flood").await;
    spawn(async move {
        let mut chunk = vec![0; 64 << 10];
        while let Ok(1..) = flooding.read(&mut chunk).await {}
    });
    // One after the other waits for 10 s, when there is no more room: all at once.
    let opening = (0..200).map(|_| place.access.open(device.id, "flood"));
    let opened = soon("200 answers", futures_util::future::join_all(opening)).await;
    let refused = opened.iter().filter(|opened| opened.is_err()).count();
    for error in opened.iter().filter_map(|opened| opened.as_ref().err()) {
        assert_eq!(*error, server::relay::OpenError::Busy);
    }
    let mut stalled: Vec<RelayStream> = opened.into_iter().flatten().collect();
    assert!(stalled.len() >= 64, "{} have room", stalled.len());
    // Their windows fill; then nothing of them moves any more.
    let mut held_before = 0_u64;
    until("all windows are full", async || {
        let held = place.tunnel_memory_used_bytes().await;
        assert!(held <= BUDGET_BYTES, "{held}");
        sleep(Duration::from_millis(200)).await;
        std::mem::replace(&mut held_before, held).abs_diff(held) < 256 << 10
    })
    .await;
    for _ in 0..50 {
        keys.write_all(b"k").await.unwrap();
        assert_eq!(soon("a key's echo", keys.read_u8()).await.unwrap(), b'k');
    }
    // They were held back, not cut.
    for stream in &mut stalled {
        soon("a byte", stream.read_u8()).await.unwrap();
    }
    let readers = stalled.len();
    println!("{readers} stalled readers ({refused} refused) and a flood hold {held_before} bytes");
}
