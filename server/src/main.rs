//! The adit-server program.

mod command;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Parser;

fn main() -> ExitCode {
    let command = command::CommandLine::parse();
    match start(command) {
        Ok(code) => code,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "there may be no log yet")]
            {
                eprintln!("adit-server: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn start(command: command::CommandLine) -> anyhow::Result<ExitCode> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("another TLS provider is installed"))?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(command.run())
}
