//! A server and three demo devices in one command.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it talks to the terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Parser;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

mod access;
mod announce;
mod control;
mod desktop;
mod device;
mod layout;
mod panel;
mod program;
mod rest;
mod server;
mod ssh;
mod stage;

use control::Control;
use layout::Layout;
use stage::Stage;

/// A server at `http://adit.localhost:8080` and demo devices that are enrolled at it. Everything is
/// kept in a temporary folder and gone when this ends.
#[derive(Parser)]
#[command(name = "adit-demo", version)]
struct Options {
    /// The server's port on loopback; 0 takes a free one.
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// How many devices.
    #[arg(long, default_value_t = 3)]
    devices: usize,
    /// Names and TLS. The `.test` names of the TLS ones are for browsers that were told to map
    /// them to loopback.
    #[arg(long, value_enum, default_value_t)]
    layout: Layout,
    /// Prints one line of JSON when all is ready, for scripts.
    #[arg(long)]
    json: bool,
    /// For tests: a loopback URL that stops and starts devices and the server. Ends when standard
    /// input does.
    #[arg(long)]
    control: bool,
    /// Keeps the logs of the server and the agents here.
    #[arg(long, value_name = "FOLDER")]
    logs: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    // It can only be there already if this ran twice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = tokio::runtime::Runtime::new()
        .context("no runtime")
        .and_then(|runtime| {
            let outcome = runtime.block_on(run(options));
            // A read of standard input cannot be cancelled, and must not be waited for.
            runtime.shutdown_background();
            outcome
        });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Result<()> {
    // Before anything is started: a signal from now on ends it in order.
    let mut interrupt = signal(SignalKind::interrupt()).context("no signal handler")?;
    let mut terminate = signal(SignalKind::terminate()).context("no signal handler")?;
    let mut hangup = signal(SignalKind::hangup()).context("no signal handler")?;
    let folder = TempDir::with_prefix("adit-demo-").context("no temporary folder")?;
    let outcome = tokio::select! {
        ended = show(&options, folder.path()) => ended,
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
        _ = hangup.recv() => Ok(()),
        () = input_ends(), if options.control => Ok(()),
    };
    remove(folder).await;
    outcome
}

/// Sets all up, says so, and goes on until something ends by itself. Dropped, all of it ends.
async fn show(options: &Options, folder: &Path) -> Result<()> {
    let stage = Stage::set_up(options, folder).await?;
    if !options.control {
        announce::ready(&stage, None, options.json).await?;
        return stage.watch().await;
    }
    let control = Control::bind().await?;
    announce::ready(&stage, Some(control.url()?), options.json).await?;
    control.serve(&stage).await
}

/// The programs have just been told to end: one may still write its last file.
async fn remove(folder: TempDir) {
    for _ in 0..40 {
        if std::fs::remove_dir_all(folder.path()).is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Whoever started this for a test is gone when standard input is closed.
async fn input_ends() {
    let mut input = tokio::io::stdin();
    let mut bytes = [0; 64];
    while input.read(&mut bytes).await.is_ok_and(|count| count > 0) {}
}
