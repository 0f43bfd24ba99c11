//! Finds addresses and connects to the first that answers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use crate::host::Host;

/// Until the next address is tried beside those that have not answered (RFC 8305).
const STAGGER: Duration = Duration::from_millis(250);
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(10);
/// A name with more addresses than this is an accident, or somebody's joke on our sockets.
const MAX_ADDRESSES: usize = 32;

/// The addresses of a host, asked for anew each time: a device outlives many DNS changes. In the
/// resolver's order, which knows what can be reached (RFC 6724: IPv6 first where there is any),
/// with the families taking turns.
pub(crate) async fn resolve(host: &Host, port: u16) -> io::Result<Vec<SocketAddr>> {
    let addresses: Vec<SocketAddr> = match host {
        Host::Address(address) => vec![SocketAddr::new(*address, port)],
        _ if host.is_localhost() => Host::LOOPBACK
            .iter()
            .map(|address| SocketAddr::new(*address, port))
            .collect(),
        Host::Name(name) => timeout(
            RESOLVE_TIMEOUT,
            tokio::net::lookup_host((name.as_str(), port)),
        )
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??
        .collect(),
    };
    if addresses.is_empty() {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "the name has no address",
        ));
    }
    let mut addresses = interleave(addresses);
    addresses.truncate(MAX_ADDRESSES);
    Ok(addresses)
}

/// The first connection that stands; the others are given up. Fails with the last error, when
/// every address has failed. Has no timeout of its own. Cancel-safe.
pub(crate) async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut waiting = addresses.iter().copied();
    let mut attempts = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.next() {
            Some(address) => attempts.push(TcpStream::connect(address)),
            None if attempts.is_empty() => return Err(last_error),
            None => {}
        }
        tokio::select! {
            Some(attempt) = attempts.next() => match attempt {
                Ok(connection) => {
                    connection.set_nodelay(true)?;
                    return Ok(connection);
                }
                Err(error) => last_error = error,
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}

/// Families in turn, so that a broken one costs one stagger and not one for each address.
fn interleave(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let first_is_v6 = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (preferred, other): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut mixed = Vec::with_capacity(preferred.len() + other.len());
    let (mut preferred, mut other) = (preferred.into_iter(), other.into_iter());
    loop {
        let pair = [preferred.next(), other.next()];
        if pair == [None, None] {
            return mixed;
        }
        mixed.extend(pair.into_iter().flatten());
    }
}

#[cfg(test)]
mod tests {
    use socket2::{Domain, Socket, Type};
    use tokio::time::Instant;

    use super::*;

    #[test]
    fn families_take_turns() {
        let [a, b, c, d]: [SocketAddr; 4] =
            ["[::1]:1", "[::2]:1", "[::3]:1", "1.1.1.1:1"].map(|text| text.parse().unwrap());
        assert_eq!(interleave(vec![a, b, c, d]), [a, d, b, c]);
        assert_eq!(interleave(vec![d, a]), [d, a]);
    }

    #[tokio::test]
    async fn localhost_needs_no_resolver() {
        let host = "any.thing.localhost".parse().unwrap();
        let addresses = resolve(&host, 7).await.unwrap();
        assert!(addresses.iter().all(|address| address.ip().is_loopback()));
        assert_eq!(addresses.len(), 2);
    }

    #[tokio::test]
    async fn a_dead_address_does_not_hide_a_living_one() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let living = listener.local_addr().unwrap();
        let dead = {
            let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            gone.local_addr().unwrap()
        };
        let connection = connect(&[dead, living]).await.unwrap();
        assert_eq!(connection.peer_addr().unwrap(), living);
        assert!(connection.nodelay().unwrap());
        let error = connect(&[dead]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(connect(&[]).await.is_err());
    }

    /// A listener whose queue is full: the kernel drops every further SYN, as a black hole does.
    async fn black_hole(address: SocketAddr) -> (Socket, SocketAddr, Vec<TcpStream>) {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&address.into()).unwrap();
        socket.listen(0).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        let mut queued = Vec::new();
        let patience = Duration::from_millis(300);
        while let Ok(connection) = timeout(patience, TcpStream::connect(address)).await {
            queued.push(connection.unwrap());
            assert!(queued.len() < 16, "the queue is never full");
        }
        (socket, address, queued)
    }

    #[tokio::test]
    async fn a_silent_address_costs_one_stagger() {
        for (silent, living) in [("[::1]:0", "127.0.0.1:0"), ("127.0.0.1:0", "[::1]:0")] {
            let (_hole, silent, _queued) = black_hole(silent.parse().unwrap()).await;
            let listener = tokio::net::TcpListener::bind(living).await.unwrap();
            let living = listener.local_addr().unwrap();
            let before = Instant::now();
            let connection = timeout(Duration::from_secs(5), connect(&[silent, living]))
                .await
                .unwrap();
            assert_eq!(connection.unwrap().peer_addr().unwrap(), living);
            assert!(before.elapsed() >= STAGGER, "{:?}", before.elapsed());
        }
    }
}
