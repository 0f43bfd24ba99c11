//! Bulk: N bytes over M connections at once.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

const BUFFER: usize = 256 * 1024;

/// Seen from the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Down,
    Up,
}

/// Moves `bytes` in all over `streams` connections; the time until the last has ended.
pub(crate) fn bulk(
    port: u16,
    direction: Direction,
    streams: u64,
    bytes: u64,
) -> anyhow::Result<Duration> {
    let start = Instant::now();
    let workers: Vec<_> = (0..streams)
        .map(|_| thread::spawn(move || transfer(port, direction, bytes / streams)))
        .collect();
    for worker in workers {
        worker
            .join()
            .map_err(|_| anyhow::anyhow!("a bulk worker panicked"))??;
    }
    Ok(start.elapsed())
}

fn transfer(port: u16, direction: Direction, bytes: u64) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    let mut request = vec![if direction == Direction::Down {
        b'D'
    } else {
        b'U'
    }];
    request.extend_from_slice(&bytes.to_be_bytes());
    stream.write_all(&request)?;
    let mut buffer = vec![b'x'; BUFFER];
    match direction {
        Direction::Down => {
            let mut received = 0;
            loop {
                let read = stream.read(&mut buffer)?;
                if read == 0 {
                    break;
                }
                received += read as u64;
            }
            ensure!(received == bytes, "{received} of {bytes} bytes came");
        }
        Direction::Up => {
            let mut left = bytes;
            while left > 0 {
                let size = left.min(BUFFER as u64) as usize;
                stream.write_all(&buffer[..size])?;
                left -= size as u64;
            }
            let mut acknowledgement = [0; 1];
            stream.read_exact(&mut acknowledgement)?;
        }
    }
    Ok(())
}
