//! A long way between two ends: a relay that hands on every byte a while after it came.
//!
//! netem would delay packets and show TCP's windows too, but not every kernel has it. What shows
//! here is who waits for answers: handshakes, and the windows of a multiplexer.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::child;

const READ_BYTES: usize = 64 * 1024;
/// What one way of a connection holds at most, in reads: more than any window of a sender.
const HELD_READS: usize = 4096;

/// Arguments of the relay's process.
#[derive(clap::Args)]
pub(crate) struct Role {
    /// Of each way.
    #[arg(long)]
    delay_ms: u64,
    /// Where to listen for the first; any port when absent.
    #[arg(long, default_value_t = 0)]
    listen: u16,
    /// The ports it leads to; one listener each.
    #[arg(required = true)]
    to: Vec<u16>,
}

/// Listens and reports; runs until killed.
pub(crate) fn run(role: &Role) -> anyhow::Result<()> {
    let delay = Duration::from_millis(role.delay_ms);
    let mut ports = Vec::new();
    for (index, to) in role.to.iter().copied().enumerate() {
        let port = if index == 0 { role.listen } else { 0 };
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        ports.push(listener.local_addr()?.port());
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // A peer that went away is the normal end of a measured connection.
                let _ = carry(near, to, delay);
            }
        });
    }
    child::report(&ports)?;
    loop {
        thread::park();
    }
}

fn carry(near: TcpStream, to: u16, delay: Duration) -> io::Result<()> {
    let far = TcpStream::connect(("127.0.0.1", to))?;
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        to.set_nodelay(true)?;
        let (sender, receiver) = sync_channel(HELD_READS);
        thread::spawn(move || take(from, &sender, delay));
        thread::spawn(move || hand_on(to, &receiver));
    }
    Ok(())
}

/// Bytes, and when they are due.
type Held = (Instant, Vec<u8>);

fn take(mut from: TcpStream, held: &SyncSender<Held>, delay: Duration) {
    let mut buffer = vec![0; READ_BYTES];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = buffer.get(..read).unwrap_or_default().to_vec();
        if held.send((Instant::now() + delay, bytes)).is_err() {
            return;
        }
    }
}

fn hand_on(mut to: TcpStream, held: &Receiver<Held>) {
    while let Ok((due, bytes)) = held.recv() {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if to.write_all(&bytes).is_err() {
            return;
        }
    }
    // It may be gone already.
    let _ = to.shutdown(Shutdown::Write);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_later_and_whole() {
        let delay = Duration::from_millis(30);
        let origin = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = origin.local_addr().unwrap().port();
        let line = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut user = TcpStream::connect(line.local_addr().unwrap()).unwrap();
        carry(line.accept().unwrap().0, to, delay).unwrap();
        let (mut far, _) = origin.accept().unwrap();

        let start = Instant::now();
        user.write_all(b"there").unwrap();
        user.shutdown(Shutdown::Write).unwrap();
        let mut came = Vec::new();
        far.read_to_end(&mut came).unwrap();
        assert_eq!(came, b"there");
        assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
        far.write_all(b"back").unwrap();
        drop(far);
        came.clear();
        user.read_to_end(&mut came).unwrap();
        assert_eq!(came, b"back");
        assert!(start.elapsed() >= 2 * delay, "{:?}", start.elapsed());
    }
}
