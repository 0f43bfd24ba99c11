//! More output than a page can draw.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::server::Server;
use crate::sessions::signed_in;

/// 512 KiB, and the packets that were being read.
const UNDRAWN_LIMIT_BYTES: usize = (512 << 10) + (256 << 10);

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_does_not_draw_stops_the_device() {
    let server = Server::openssh(&["ed25519"], "").await;
    let client = signed_in(&server).await;
    client.draw();
    client.type_text("yes 0123456789abcdef\n");
    // It comes to rest: nothing new for a second.
    let mut last = 0;
    let mut quiet_since = Instant::now();
    while quiet_since.elapsed() < Duration::from_secs(1) {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let now = client.screen.undrawn_bytes.load(Ordering::SeqCst);
        if now != last {
            (last, quiet_since) = (now, Instant::now());
        }
        assert!(now < UNDRAWN_LIMIT_BYTES, "{now} bytes nobody has drawn");
    }
    assert!(last >= 512 << 10, "only {last} bytes came");

    // What was typed leaves although nothing is read; drawn on, the shell answers.
    let typed_at = Instant::now();
    client.type_text("\u{3}");
    client.type_text("echo stop''ped\n");
    client.see("stopped").await;
    let took = typed_at.elapsed();
    assert!(took < Duration::from_secs(1), "the Ctrl+C took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ctrl_c_stops_a_flood_that_is_drawn() {
    let server = Server::openssh(&["ed25519"], "").await;
    let client = signed_in(&server).await;
    client.type_text("yes 0123456789abcdef\n");
    let mut seen = 0;
    while seen < 4 << 20 {
        client
            .wait("output", |screen| {
                (screen.undrawn_bytes.load(Ordering::SeqCst) > 0).then_some(())
            })
            .await;
        seen += client.draw();
        client.take_output();
    }
    let typed_at = Instant::now();
    client.type_text("\u{3}");
    client.type_text("echo stop''ped\n");
    client.see("stopped").await;
    let took = typed_at.elapsed();
    assert!(took < Duration::from_secs(1), "the Ctrl+C took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_megabytes_pass_within_bounds() {
    const TOTAL_BYTES: usize = 100 << 20;
    let server = Server::openssh(&["ed25519"], "").await;
    let client = signed_in(&server).await;
    client.type_text("stty raw; head -c 104857600 /dev/zero | tr '\\0' x; echo en''d; exit 0\n");
    let mut received = 0;
    let mut most_undrawn = 0;
    let mut last = Vec::new();
    while !last.windows(3).any(|window| window == b"end") {
        let undrawn = client
            .wait("output", |screen| {
                let undrawn = screen.undrawn_bytes.load(Ordering::SeqCst);
                (undrawn > 0).then_some(undrawn)
            })
            .await;
        most_undrawn = most_undrawn.max(undrawn);
        client.draw();
        let output = client.take_output();
        received += output.iter().filter(|byte| **byte == b'x').count();
        last.extend_from_slice(&output[output.len().saturating_sub(8)..]);
        last.drain(..last.len().saturating_sub(16));
    }
    assert_eq!(received, TOTAL_BYTES);
    assert!(most_undrawn < UNDRAWN_LIMIT_BYTES, "{most_undrawn}");
    client.ended().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_paste_arrives_whole() {
    let server = Server::openssh(&["ed25519"], "").await;
    let client = signed_in(&server).await;
    client.type_text("stty raw; echo no''w; head -c 2000000 | cksum\n");
    client.see("now").await;
    let paste: Vec<u8> = (0..2_000_000_u32).map(|n| b'a' + (n % 26) as u8).collect();
    client.inbox.type_bytes(&paste).unwrap();
    // As `cksum` counts it: CRC and length.
    client.see(" 2000000").await;
}
