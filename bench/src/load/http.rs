//! HTTP: 1 KiB answers over keep-alive connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::quantile;

/// What one HTTP load gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpResult {
    pub(crate) p50: Duration,
    pub(crate) requests_per_s: f64,
}

/// Asks over `connections` keep-alive connections for `seconds`.
pub(crate) fn http(port: u16, connections: usize, seconds: f64) -> anyhow::Result<HttpResult> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let workers: Vec<_> =
        (0..connections).map(|_| thread::spawn(move || ask_until(port, end))).collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(worker.join().map_err(|_| anyhow::anyhow!("an HTTP worker panicked"))??);
    }
    let elapsed = start.elapsed();
    ensure!(!times.is_empty(), "no request was answered");
    times.sort_unstable();
    Ok(HttpResult {
        p50: quantile(&times, 0.5),
        requests_per_s: times.len() as f64 / elapsed.as_secs_f64(),
    })
}

fn ask_until(port: u16, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; 4096];
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok(times);
        }
        stream.write_all(b"GET /1k HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        read_answer(&mut stream, &mut buffer)?;
        times.push(start.elapsed());
    }
}

/// The head's end, then 1,024 bytes.
fn read_answer(stream: &mut TcpStream, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        ensure!(read > 0, "the connection ended in an answer");
        filled += read;
        let head = buffer[..filled].windows(4).position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|end| filled >= end + 4 + 1024) {
            return Ok(());
        }
    }
}
