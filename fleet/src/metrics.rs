//! The server's own figures, from its `/metrics`.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// Figures by name with labels, as they are written there.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Asks the listener at `port`.
    pub(crate) async fn read(port: u16) -> anyhow::Result<Self> {
        let exchange = async {
            let mut connection = TcpStream::connect(("127.0.0.1", port)).await?;
            let request = format!("GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
            connection.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await?;
            anyhow::Ok(answer)
        };
        let answer = timeout(PATIENCE, exchange).await.context("no /metrics")??;
        ensure!(answer.starts_with("HTTP/1.1 200"), "/metrics: {answer}");
        Ok(Self::of(&answer))
    }

    fn of(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(pairs.collect())
    }

    /// The figure of this whole name, labels included; 0 where it is not there.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// Each label text of this name, and its figure.
    pub(crate) fn labelled(&self, name: &str) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter_map(move |(key, value)| {
            let labels = key.strip_prefix(name)?.strip_prefix('{')?;
            Some((labels.strip_suffix('}')?, *value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_found_by_name_and_label() {
        let metrics = Metrics::of(
            "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n# HELP adit_tunnels Tunnels\n\
             adit_tunnels{state=\"connected\"} 12\nadit_tunnels{state=\"suspended\"} 1\n\
             adit_tunnels_limit 16384\n# EOF\n",
        );
        assert_eq!(metrics.figure("adit_tunnels{state=\"connected\"}"), 12.0);
        assert_eq!(metrics.figure("adit_none"), 0.0);
        let by_state: Vec<_> = metrics.labelled("adit_tunnels").collect();
        assert_eq!(
            by_state,
            [("state=\"connected\"", 12.0), ("state=\"suspended\"", 1.0)]
        );
    }
}
