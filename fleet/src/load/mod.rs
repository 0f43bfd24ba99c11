//! A process with a part of the devices. Orders come as lines on its standard input, what happens
//! goes as lines to its output; it ends with its input.

mod cut;
mod devices;
mod observe;
mod origin;

use std::path::PathBuf;

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::io::{AsyncBufReadExt, BufReader};

use self::devices::Devices;

pub(crate) use self::devices::SERVICE;
pub(crate) use self::observe::{Event, Told, now_us};
pub(crate) use self::origin::{ANSWER_BYTES, ASKED_BYTES};

/// Arguments of the process.
#[derive(clap::Args)]
pub(crate) struct LoadRole {
    /// The server's port on loopback.
    #[arg(long)]
    pub(crate) port: u16,
    /// With `server.pem` and `install-key`.
    #[arg(long)]
    pub(crate) folder: PathBuf,
    /// The number of the first device.
    #[arg(long)]
    pub(crate) first: usize,
    #[arg(long)]
    pub(crate) devices: usize,
    #[arg(long)]
    pub(crate) seed: u64,
}

/// What a load process can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Make devices of all keys.
    Enrol,
    /// Start the next so many agents, spread over so long.
    Start { count: usize, spread_ms: u64 },
    /// So many connections, taken at random, end as if the line was cut.
    Cut { count: usize },
    /// So many agents, taken at random, stop and are started again.
    Restart { count: usize },
}

impl Order {
    /// As a line.
    pub(crate) fn line(self) -> String {
        match self {
            Self::Enrol => "enrol".to_owned(),
            Self::Start { count, spread_ms } => format!("start {count} {spread_ms}"),
            Self::Cut { count } => format!("cut {count}"),
            Self::Restart { count } => format!("restart {count}"),
        }
    }

    fn of(line: &str) -> anyhow::Result<Self> {
        let words: Vec<&str> = line.split_whitespace().collect();
        Ok(match *words.as_slice() {
            ["enrol"] => Self::Enrol,
            ["start", count, spread_ms] => Self::Start {
                count: count.parse()?,
                spread_ms: spread_ms.parse()?,
            },
            ["cut", count] => Self::Cut {
                count: count.parse()?,
            },
            ["restart", count] => Self::Restart {
                count: count.parse()?,
            },
            _ => bail!("no order: {line}"),
        })
    }
}

/// Runs until the end of the input.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(role: &LoadRole) -> anyhow::Result<()> {
    let events = observe::begin()?;
    let origin = origin::start().await?;
    let mut devices = Devices::new(role, origin, events)?;
    let seed = role.seed.wrapping_add(role.first as u64);
    let mut random = StdRng::seed_from_u64(seed);
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = orders.next_line().await.context("orders")? {
        match Order::of(&line)? {
            Order::Enrol => devices.enrol().await?,
            Order::Start { count, spread_ms } => devices.start(count, spread_ms)?,
            Order::Cut { count } => cut::some(role.port, count, &mut random)?,
            Order::Restart { count } => devices.restart(count, &mut random)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_read_as_they_were_written() {
        for order in [
            Order::Enrol,
            Order::Start {
                count: 7,
                spread_ms: 1500,
            },
            Order::Cut { count: 3 },
            Order::Restart { count: 1 },
        ] {
            assert_eq!(Order::of(&order.line()).unwrap(), order);
        }
        assert!(Order::of("start 7").is_err());
    }
}
