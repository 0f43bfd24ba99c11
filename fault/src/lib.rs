//! A TCP proxy that behaves as bad networks do: late, thin, dark, cut. For tests and the stage.
//!
//! [`FaultProxy::bind`] takes connections and carries them to one place; [`FaultProxy::apply`]
//! changes the weather for all of them. What it holds is bounded: it holds back by not reading.
//! Jitter comes from the seed and the number of the connection, so that a run can be repeated.

mod command;
mod connection;
mod pump;
mod weather;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use command::{Command, CommandError};
pub use weather::Direction;

use connection::Connection;
use weather::{Totals, Weather};

/// More at a time than any test has.
const CONNECTION_LIMIT: usize = 1024;

const BACKLOG: u32 = 1024;

/// What a proxy is from its beginning.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Of jitter.
    pub seed: u64,
    /// What the kernel holds for each socket of the proxy. A thin line wants it small: what waits
    /// there is out of the sender's reach. None: the kernel finds out, which is up to megabytes.
    pub receive_buffer_bytes: Option<u32>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            receive_buffer_bytes: None,
        }
    }
}

impl Settings {
    /// A socket for this address, neither bound nor connected.
    fn socket(self, address: SocketAddr) -> io::Result<TcpSocket> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(bytes) = self.receive_buffer_bytes {
            socket.set_recv_buffer_size(bytes)?;
        }
        Ok(socket)
    }

    async fn connect(self, to: &str) -> io::Result<TcpStream> {
        let mut failure = io::Error::from(io::ErrorKind::NotFound);
        for address in tokio::net::lookup_host(to).await? {
            match self.socket(address)?.connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }
}

/// What it did since it was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were taken, also those refused at once.
    pub accepted: u64,
    /// Connections that are carried now.
    pub live: u64,
    /// Connections that it ended by RST.
    pub cut: u64,
    /// Bytes that went to the server.
    pub up_bytes: u64,
    /// Bytes that came from the server.
    pub down_bytes: u64,
}

/// A proxy at work; it ends, and all it carries is reset, when it is dropped.
pub struct FaultProxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    totals: Arc<Totals>,
    _task: JoinSet<()>,
}

impl FaultProxy {
    /// Listens at `listen` and carries each connection to `to` (`host:port`, resolved each time).
    ///
    /// # Errors
    /// The address cannot be had.
    pub fn bind(listen: SocketAddr, to: impl Into<String>, settings: Settings) -> io::Result<Self> {
        let listener = settings.socket(listen)?;
        listener.set_reuseaddr(true)?;
        listener.bind(listen)?;
        let listener = listener.listen(BACKLOG)?;
        let address = listener.local_addr()?;
        let (weather, watched) = watch::channel(Weather::default());
        let totals = Arc::new(Totals::default());
        let mut task = JoinSet::new();
        task.spawn(accept(
            listener,
            to.into(),
            settings,
            watched,
            Arc::clone(&totals),
        ));
        Ok(Self {
            address,
            weather,
            totals,
            _task: task,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the weather for all connections, those to come too.
    pub fn apply(&self, command: Command) {
        self.weather.send_modify(|weather| weather.apply(command));
    }

    /// What it did until now.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.totals.counts()
    }
}

async fn accept(
    listener: TcpListener,
    to: String,
    settings: Settings,
    weather: watch::Receiver<Weather>,
    totals: Arc<Totals>,
) {
    let mut connections = JoinSet::new();
    loop {
        let near = tokio::select! {
            accepted = listener.accept(), if connections.len() < CONNECTION_LIMIT => accepted,
            Some(_) = connections.join_next() => continue,
        };
        let Ok((near, _)) = near else {
            // Out of descriptors, or gone before it was taken: the next try may be luckier.
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            continue;
        };
        let number = totals.accepted.fetch_add(1, Ordering::Relaxed);
        if weather.borrow().refuses {
            reset(&near);
            totals.cut.fetch_add(1, Ordering::Relaxed);
            continue;
        }
        let connection = Connection {
            weather: weather.clone(),
            totals: Arc::clone(&totals),
            settings: Settings {
                seed: settings.seed.wrapping_add(number),
                ..settings
            },
        };
        connections.spawn(connection.carry(near, to.clone()));
    }
}

/// The next close of it is an RST.
fn reset(stream: &TcpStream) {
    // A socket that cannot be told has ended already.
    let _ = stream.set_zero_linger();
}
