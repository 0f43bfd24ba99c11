//! Echo: one byte there and back, as a keystroke goes.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const WARM_UP: usize = 20;
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(1);
const PAUSE: Duration = Duration::from_micros(500);

/// The times of `count` echoes, sorted.
pub(crate) fn echo(port: u16, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.write_all(b"E")?;
    let mut byte = [0; 1];
    let mut times = Vec::with_capacity(count);
    for turn in 0..count + WARM_UP {
        let start = Instant::now();
        stream.write_all(b"x")?;
        stream.read_exact(&mut byte)?;
        if turn >= WARM_UP {
            times.push(start.elapsed());
        }
        thread::sleep(PAUSE);
    }
    times.sort_unstable();
    Ok(times)
}

/// Opens a stream and waits for its first echo.
pub(crate) fn first_byte(port: u16) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(FIRST_BYTE_TIMEOUT))?;
    stream.write_all(b"Ex")?;
    let mut byte = [0; 1];
    stream.read_exact(&mut byte)?;
    anyhow::ensure!(byte == *b"x", "another byte came back");
    Ok(())
}

/// The times of `count` echoes, sorted, while one endless download fills the same path.
pub(crate) fn echo_under_bulk(port: u16, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut bulk = TcpStream::connect(("127.0.0.1", port))?;
    let mut request = vec![b'D'];
    request.extend_from_slice(&u64::MAX.to_be_bytes());
    bulk.write_all(&request)?;
    let mut reader = bulk.try_clone()?;
    let drain = thread::spawn(move || {
        let mut buffer = vec![0; 256 * 1024];
        // Ends when the other handle is shut down.
        while reader.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    let times = echo(port, count);
    bulk.shutdown(Shutdown::Both)?;
    drain
        .join()
        .map_err(|_| anyhow::anyhow!("the bulk reader panicked"))?;
    times
}
