//! The adit-fault-proxy program: prints its port, then takes a command a line until its input ends.

#![expect(
    clippy::print_stdout,
    reason = "the port and the answers are for its caller"
)]

use std::net::SocketAddr;

use anyhow::Context;
use clap::Parser;
use fault::{Command, FaultProxy, Settings};
use tokio::io::{AsyncBufReadExt, BufReader};

/// A TCP proxy that behaves as bad networks do.
///
/// It prints its port on the first line. Then it reads commands from standard input and answers
/// each with `ok`, the counts or `error: …`: delay MS, jitter MS, rate BYTES_PER_S, buffer MS,
/// stall, lose, cut, half-close [up|down], cut-after BYTES, fin-after BYTES, refuse, normal,
/// counts. It ends when its input does.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Of jitter.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What the kernel holds for each of its sockets; small for a thin line.
    #[arg(long, value_name = "BYTES")]
    receive_buffer: Option<u32>,
    /// Where it carries connections to, as `host:port`.
    to: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let settings = Settings {
        seed: arguments.seed,
        receive_buffer_bytes: arguments.receive_buffer,
    };
    let proxy =
        FaultProxy::bind(arguments.listen, arguments.to, settings).context("cannot listen")?;
    println!("{}", proxy.address().port());
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        if line.trim() == "counts" {
            let counts = proxy.counts();
            println!(
                "accepted={} live={} cut={} up_bytes={} down_bytes={}",
                counts.accepted, counts.live, counts.cut, counts.up_bytes, counts.down_bytes
            );
            continue;
        }
        match line.parse::<Command>() {
            Ok(command) => {
                proxy.apply(command);
                println!("ok");
            }
            Err(error) => println!("error: {error}"),
        }
    }
    Ok(())
}
