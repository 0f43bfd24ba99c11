//! adit-agent: the command.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use agent::{Agent, Config, DeviceKey, Draft, ServerUrl};
use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use zeroize::{Zeroize, Zeroizing};

/// Connects this device to an Adit server, so that people who may can reach its services.
#[derive(Parser)]
#[command(name = "adit-agent", version)]
struct Command {
    /// The configuration file.
    #[arg(long, global = true, env = "ADIT_AGENT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make this device known to a server.
    Enroll(Enroll),
    /// Connect and stay connected.
    Run,
}

#[derive(Args)]
struct Enroll {
    /// The server's address, like `https://adit.example`
    #[arg(long)]
    server: ServerUrl,
    /// The install key; `-` reads it from standard input. Given as an argument, other users of
    /// this machine can see it for a moment, and the shell remembers it.
    #[arg(long, env = "ADIT_INSTALL_KEY", hide_env_values = true)]
    key: String,
    /// What the device shall be called; its host name when absent.
    #[arg(long)]
    name: Option<String>,
    /// Certificates (PEM) to trust instead of the system's, for a server with a private CA.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(lines)
        .with(log_filter())
        .init();
    match start(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `ADIT_LOG`, like `info` or `warn,agent=debug`. Levels by module are all there is: filters on
/// fields would bring a regex engine, a tenth of this program's size.
fn log_filter() -> Targets {
    let told = std::env::var("ADIT_LOG").ok();
    told.and_then(|text| text.parse().ok())
        .unwrap_or_else(|| Targets::new().with_default(tracing::Level::INFO))
}

fn start(command: Command) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Only names are resolved on threads; few at a time.
        .max_blocking_threads(4)
        .build()
        .context("the runtime did not start")?;
    let path = command.config.unwrap_or_else(agent::default_path);
    runtime.block_on(async {
        match command.action {
            Action::Enroll(enroll) => enroll_device(&path, enroll).await,
            Action::Run => run(&path).await,
        }
    })
}

async fn run(path: &Path) -> Result<()> {
    let config = Config::load(path)?;
    let key = Arc::new(DeviceKey::load_or_create(&config.key_file)?);
    let stop = CancellationToken::new();
    let agent = Agent::new(config, key)?;
    let mut terminate = signal(SignalKind::terminate()).context("no signal handler")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("no signal handler")?;
    let run = agent.run(stop.clone());
    tokio::pin!(run);
    tokio::select! {
        () = &mut run => return Ok(()),
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
    run.await;
    Ok(())
}

async fn enroll_device(path: &Path, arguments: Enroll) -> Result<()> {
    let Enroll {
        server,
        key,
        name,
        ca_file,
    } = arguments;
    let install_key = if key == "-" { read_key()? } else { key };
    let ca_file = ca_file
        .map(std::path::absolute)
        .transpose()
        .context("ca_file")?;
    let draft = Draft::pointing_at(path, &server, ca_file.as_deref())?;
    let device_key = Arc::new(DeviceKey::load_or_create(&draft.config().key_file)?);
    let name = name.unwrap_or_else(agent::host_name);
    let mut request = api::Enrol { install_key, name };
    let enrolled = agent::enroll(draft.config(), device_key, &request).await;
    request.install_key.zeroize();
    let enrolled = enrolled.with_context(|| format!("{server} did not enrol this device"))?;
    draft.save()?;
    tracing::info!(name = enrolled.name, label = enrolled.label, %server, "enrolled");
    Ok(())
}

fn read_key() -> Result<String> {
    let mut text = Zeroizing::new(String::new());
    std::io::stdin()
        .take(1024)
        .read_to_string(&mut text)
        .context("standard input")?;
    Ok(text.trim().to_owned())
}
