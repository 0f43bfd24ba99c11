//! Addresses, default routes and links that come and go, told by the kernel over rtnetlink.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send,
    socket,
};
use tokio::io::unix::AsyncFd;

use super::message::{ASK_ADDRESSES, ASK_LINKS, Known, question};
use super::{Change, Source, readable};

/// `RTMGRP_LINK`, `_IPV4_IFADDR`, `_IPV4_ROUTE`, `_IPV6_IFADDR`, `_IPV6_ROUTE`.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x100 | 0x400;
/// The kernel fits its datagrams into this.
const DATAGRAM_BYTES: usize = 16 * 1024;

pub(super) struct Network {
    socket: AsyncFd<OwnedFd>,
    known: Known,
    /// To be asked next: one question at a time.
    questions: &'static [u16],
}

impl Network {
    pub(super) fn watch() -> io::Result<Self> {
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Datagram,
            SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, GROUPS))?;
        let mut network = Self {
            socket: readable(socket)?,
            known: Known::default(),
            questions: &[ASK_LINKS, ASK_ADDRESSES],
        };
        network.ask()?;
        Ok(network)
    }

    /// What is there already is no news when it is told again.
    fn ask(&mut self) -> io::Result<()> {
        if let Some((kind, rest)) = self.questions.split_first() {
            self.questions = rest;
            let socket = self.socket.as_raw_fd();
            send(socket, &question(*kind), MsgFlags::empty())?;
        }
        Ok(())
    }
}

impl Source for Network {
    async fn changed(&mut self) -> io::Result<Change> {
        loop {
            let known = &mut self.known;
            let mut ready = self.socket.readable().await?;
            let news = match ready.try_io(|socket| read(socket, known)) {
                Err(_would_block) => continue,
                // Some news was lost: something has changed, and much of it.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::ENOBUFS as i32) => {
                    return Ok(Change::Network);
                }
                Ok(news) => news?,
            };
            drop(ready);
            if news.done {
                self.ask()?;
            }
            if news.changed {
                return Ok(Change::Network);
            }
        }
    }
}

/// On the stack, and only while it is read: an idle agent keeps no buffer for this.
fn read(socket: &AsyncFd<OwnedFd>, known: &mut Known) -> io::Result<super::message::News> {
    let mut datagram = [0; DATAGRAM_BYTES];
    let length = recv(socket.as_raw_fd(), &mut datagram, MsgFlags::empty())?;
    Ok(known.read(&datagram[..length]))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use nix::sched::{CloneFlags, unshare};
    use tokio::time::timeout;

    use super::*;

    /// As root: on a thread with a network of its own, where nothing happens by itself.
    fn alone<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send) {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                unshare(CloneFlags::CLONE_NEWNET).unwrap();
                tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap()
                    .block_on(test());
            });
            thread.join().unwrap();
        });
    }

    /// `ip` in that network: a child has its parent thread's.
    fn ip(arguments: &str) {
        let status = Command::new("ip").args(arguments.split(' ')).status();
        assert!(status.unwrap().success(), "ip {arguments}");
    }

    async fn assert_told(network: &mut Network, what: &str) {
        let told = timeout(Duration::from_secs(10), network.changed()).await;
        assert!(told.is_ok(), "{what}");
        told.unwrap().unwrap();
    }

    /// One change is several messages, and the kernel reports carriers a second apart.
    async fn quiet(network: &mut Network) {
        while silent(network, Duration::from_millis(1200)).await.is_err() {}
    }

    async fn silent(network: &mut Network, patience: Duration) -> Result<(), Change> {
        match timeout(patience, network.changed()).await {
            Ok(change) => Err(change.unwrap()),
            Err(_) => Ok(()),
        }
    }

    async fn assert_silent(network: &mut Network, what: &str) {
        let silence = silent(network, Duration::from_millis(200)).await;
        assert_eq!(silence, Ok(()), "{what}");
    }

    #[test]
    fn what_the_kernel_tells_is_understood() {
        alone(|| async {
            ip("link add here type veth peer name there");
            ip("link set here up");
            let mut network = Network::watch().unwrap();
            assert_silent(&mut network, "what was there is no news").await;
            // The carrier comes.
            ip("link set there up");
            assert_told(&mut network, "a carrier").await;
            quiet(&mut network).await;
            for change in [
                "addr add 10.9.0.2/24 dev here",
                "route add default via 10.9.0.1",
                "route del default",
                "addr add 2001:db8::2/64 dev here nodad",
                "addr del 10.9.0.2/24 dev here",
            ] {
                ip(change);
                assert_told(&mut network, change).await;
                assert_silent(&mut network, change).await;
            }
            ip("link set there down");
            assert_told(&mut network, "no carrier").await;
            quiet(&mut network).await;
            for no_change in [
                "link add other type veth peer name another",
                "addr change 2001:db8::2/64 dev here nodad",
                "link set here alias printer",
                "route add 10.77.0.0/16 dev here",
            ] {
                ip(no_change);
                assert_silent(&mut network, no_change).await;
            }
        });
    }

    #[test]
    fn what_was_there_at_the_start_is_known_when_it_goes() {
        alone(|| async {
            ip("link add here type veth peer name there");
            ip("link set here up");
            ip("addr add 10.9.0.2/24 dev here");
            let mut network = Network::watch().unwrap();
            assert_silent(&mut network, "what was there is no news").await;
            ip("addr change 10.9.0.2/24 dev here");
            assert_silent(&mut network, "it is the same").await;
            ip("addr del 10.9.0.2/24 dev here");
            assert_told(&mut network, "it is gone").await;
        });
    }

    #[test]
    fn lost_news_is_news_and_not_the_end() {
        alone(|| async {
            ip("link add here type veth peer name there");
            ip("link set here up");
            let mut network = Network::watch().unwrap();
            assert_silent(&mut network, "what was there is no news").await;
            let folder = tempfile::tempdir().unwrap();
            let batch = folder.path().join("batch");
            // Nothing that matters; told twice, more than a socket's buffer holds.
            let flood = "link set here alias a\nlink set here alias b\n".repeat(1000);
            std::fs::write(&batch, flood).unwrap();
            ip(&format!("-batch {}", batch.display()));
            assert_told(&mut network, "the socket has overflowed").await;
            quiet(&mut network).await;
            ip("addr add 10.9.0.2/24 dev here");
            assert_told(&mut network, "it still listens").await;
        });
    }
}
