//! Cuts connections below the agents' feet: their descriptors are found where the system lists
//! them, and shut down both ways. The agent sees its line end; the server too.

use std::os::fd::RawFd;

use nix::sys::socket::{Shutdown, SockaddrIn, getpeername, shutdown};
use rand::RngExt;
use rand::rngs::StdRng;

/// Cuts `count` connections to the server at `port`, taken at random.
pub(super) fn some(port: u16, count: usize, random: &mut StdRng) -> anyhow::Result<()> {
    let mut connections = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let Some(descriptor) = name.to_str().and_then(|name| name.parse::<RawFd>().ok()) else {
            continue;
        };
        // Not a socket, or not connected: not one of them.
        let peer = getpeername::<SockaddrIn>(descriptor);
        if peer.is_ok_and(|peer| peer.port() == port) {
            connections.push(descriptor);
        }
    }
    for _ in 0..count.min(connections.len()) {
        let chosen = connections.swap_remove(random.random_range(0..connections.len()));
        // It may have ended by itself meanwhile.
        let _ = shutdown(chosen, Shutdown::Both);
    }
    Ok(())
}
