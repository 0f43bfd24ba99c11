//! HTTP: 1 KiB answers over keep-alive connections.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::quantile;

/// What one HTTP load gave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpResult {
    pub(crate) p50: Duration,
    pub(crate) requests: usize,
    pub(crate) requests_per_s: f64,
}

/// Where to ask.
pub(crate) trait Site: Clone + Send + 'static {
    type Connection: Read + Write;

    fn connect(&self) -> anyhow::Result<Self::Connection>;

    /// `Host` and what else identifies the visitor, whole lines.
    fn fields(&self) -> &str;
}

/// A plain port.
#[derive(Clone, Copy)]
pub(crate) struct Plain(pub(crate) u16);

impl Site for Plain {
    type Connection = TcpStream;

    fn connect(&self) -> anyhow::Result<TcpStream> {
        let stream = TcpStream::connect(("127.0.0.1", self.0))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn fields(&self) -> &'static str {
        "Host: localhost\r\n"
    }
}

/// A device page behind the front, over TLS.
#[derive(Clone)]
pub(crate) struct Page {
    pub(crate) port: u16,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: Arc<ClientConfig>,
    pub(crate) fields: String,
}

impl Site for Page {
    type Connection = StreamOwned<ClientConnection, TcpStream>;

    fn connect(&self) -> anyhow::Result<Self::Connection> {
        let tls = ClientConnection::new(Arc::clone(&self.tls), self.name.clone())?;
        Ok(StreamOwned::new(tls, Plain(self.port).connect()?))
    }

    fn fields(&self) -> &str {
        &self.fields
    }
}

/// Asks over `connections` keep-alive connections for `seconds`.
pub(crate) fn http(
    site: &impl Site,
    connections: usize,
    seconds: f64,
) -> anyhow::Result<HttpResult> {
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(seconds);
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let site = site.clone();
            thread::spawn(move || ask_until(&site, end))
        })
        .collect();
    let mut times = Vec::new();
    for worker in workers {
        times.extend(
            worker
                .join()
                .map_err(|_| anyhow::anyhow!("an HTTP worker panicked"))??,
        );
    }
    let elapsed = start.elapsed();
    ensure!(!times.is_empty(), "no request was answered");
    times.sort_unstable();
    Ok(HttpResult {
        p50: quantile(&times, 0.5),
        requests: times.len(),
        requests_per_s: times.len() as f64 / elapsed.as_secs_f64(),
    })
}

fn ask_until(site: &impl Site, end: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut stream = site.connect()?;
    let request = format!("GET /1k HTTP/1.1\r\n{}\r\n", site.fields());
    let mut buffer = vec![0; 4096];
    let mut times = Vec::new();
    loop {
        let start = Instant::now();
        if start >= end {
            return Ok(times);
        }
        stream.write_all(request.as_bytes())?;
        read_answer(&mut stream, &mut buffer)?;
        times.push(start.elapsed());
    }
}

/// The head's end, then 1,024 bytes.
fn read_answer(stream: &mut impl Read, buffer: &mut [u8]) -> anyhow::Result<()> {
    let mut filled = 0;
    loop {
        let read = stream.read(&mut buffer[filled..])?;
        ensure!(
            read > 0,
            "the connection ended in an answer: {}",
            String::from_utf8_lossy(&buffer[..filled])
        );
        filled += read;
        let head = buffer[..filled]
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        if head.is_some_and(|end| filled >= end + 4 + 1024) {
            return Ok(());
        }
    }
}
