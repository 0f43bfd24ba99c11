//! How fast, and how fair.

use std::time::Duration;

use super::pair::{AGENT, Pair, Path, SERVER};
use crate::mux::{Read, StreamId};
use crate::wire::Windows;

/// Keeps a stream's buffer full.
fn write_all_it_takes(pair: &mut Pair, id: StreamId) -> u64 {
    let mut written = 0;
    while let Ok(bytes @ 1..) = pair.sides[SERVER].mux.write(id, &[1; 32 * 1024]) {
        written += bytes as u64;
    }
    written
}

fn read_all_there_is(pair: &mut Pair, id: StreamId) -> u64 {
    let mut read = 0;
    while let Ok(Read::Bytes(bytes)) = pair.sides[AGENT].mux.read(pair.now, id, usize::MAX) {
        read += bytes.len() as u64;
    }
    read
}

/// Bytes a second that a reader gets over ten seconds.
fn throughput(path: Path) -> u64 {
    let mut pair = Pair::new(path);
    let (near, far) = pair.stream(SERVER);
    let start = pair.now;
    let mut read = 0;
    pair.run_with(Duration::from_secs(10), |pair| {
        write_all_it_takes(pair, near);
        read += read_all_there_is(pair, far);
    });
    read / pair.now.since(start).as_secs()
}

#[test]
fn one_stream_fills_a_path_of_50_ms() {
    let rate = throughput(Path::new(25, 200_000_000));
    assert!(rate >= 60_000_000, "{rate} bytes/s");
}

#[test]
fn a_path_of_10_mbit_is_filled_too() {
    let rate = throughput(Path::new(40, 1_250_000));
    assert!(rate >= 1_150_000, "{rate} bytes/s");
}

#[test]
fn s36_a_slow_reader_does_not_grow_its_window() {
    let mut pair = Pair::new(Path::new(5, 100_000_000));
    let (near, far) = pair.stream(SERVER);
    for _ in 0..200 {
        pair.run_with(Duration::from_millis(100), |pair| {
            write_all_it_takes(pair, near);
        });
        let read = pair.sides[AGENT].mux.read(pair.now, far, 4000);
        assert!(matches!(read, Ok(Read::Bytes(_))));
    }
    assert_eq!(pair.sides[AGENT].mux.budget_used_bytes(), 256 << 10);
}

/// The longest time a byte takes beside a download, over a path.
fn keystroke_beside_bulk(path: Path, bulk_streams: usize) -> Duration {
    let mut pair = Pair::new(path);
    let bulk: Vec<_> = (0..bulk_streams).map(|_| pair.stream(SERVER)).collect();
    let (near, far) = pair.stream(SERVER);
    let mut worst = Duration::ZERO;
    for n in 0..20_u64 {
        // Not in step with anything, and after the rate was measured.
        pair.run_with(Duration::from_millis(5000 + 137 * n), |pair| {
            exchange(pair, &bulk)
        });
        let pressed = pair.now;
        assert_eq!(pair.sides[SERVER].mux.write(near, b"k"), Ok(1));
        while read_all_there_is(&mut pair, far) == 0 {
            assert!(
                pair.step(pressed + Duration::from_secs(60)),
                "it never came"
            );
            exchange(&mut pair, &bulk);
        }
        worst = worst.max(pair.now.since(pressed));
    }
    worst
}

fn exchange(pair: &mut Pair, streams: &[(StreamId, StreamId)]) {
    for (near, far) in streams {
        write_all_it_takes(pair, *near);
        read_all_there_is(pair, *far);
    }
}

#[test]
fn a_keystroke_beside_a_download_waits_a_bounded_time_at_64_kbit() {
    let worst = keystroke_beside_bulk(Path::new(50, 8_000), 1);
    // What is unsent, 8 KiB, takes a second.
    assert!(worst <= Duration::from_millis(1200), "{worst:?}");
}

#[test]
fn a_keystroke_beside_eight_downloads_waits_no_longer() {
    let worst = keystroke_beside_bulk(Path::new(50, 8_000), 8);
    assert!(worst <= Duration::from_millis(1200), "{worst:?}");
}

#[test]
fn a_keystroke_beside_downloads_is_not_noticed_at_10_mbit() {
    let worst = keystroke_beside_bulk(Path::new(20, 1_250_000), 8);
    assert!(worst <= Duration::from_millis(60), "{worst:?}");
}

#[test]
fn downloads_share_a_path_evenly() {
    let mut pair = Pair::new(Path::new(10, 1_000_000));
    let streams: Vec<_> = (0..5).map(|_| pair.stream(SERVER)).collect();
    let mut read = [0; 5];
    pair.run_with(Duration::from_secs(20), |pair| {
        for (n, (near, far)) in streams.iter().enumerate() {
            write_all_it_takes(pair, *near);
            read[n] += read_all_there_is(pair, *far);
        }
    });
    let (least, most) = (
        read.iter().min().expect("five"),
        read.iter().max().expect("five"),
    );
    assert!(most - least <= most / 20, "{read:?}");
}

#[test]
fn s36_a_stalled_reader_does_not_stall_its_sibling() {
    let mut pair = Pair::new(Path::new(5, 10_000_000));
    let (stalled, unread) = pair.stream(SERVER);
    let (near, far) = pair.stream(SERVER);
    let mut read = 0;
    pair.run_with(Duration::from_secs(5), |pair| {
        write_all_it_takes(pair, stalled);
        write_all_it_takes(pair, near);
        read += read_all_there_is(pair, far);
    });
    assert!(read >= 45_000_000, "{read}");
    assert_eq!(read_all_there_is(&mut pair, unread), 256 << 10);
}

#[test]
fn s36_windows_stop_growing_where_the_budget_says_so() {
    let mut pair = Pair::with(Path::new(25, 200_000_000), Windows::default(), 4 << 20);
    let (near, far) = pair.stream(SERVER);
    pair.run_with(Duration::from_secs(5), |pair| {
        write_all_it_takes(pair, near);
        read_all_there_is(pair, far);
        assert!(pair.sides[AGENT].mux.budget_used_bytes() <= 2 << 20);
    });
}
