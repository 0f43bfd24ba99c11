//! What can be told to the program on its command line.

use std::fs::File;
use std::io::{self, Read, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use api::{CreateApiToken, CreateInstallKey, OrganizationId, TokenScope};
use clap::{Args, Parser, Subcommand};
use server::access::{Scope, Secret};
use server::clock::Clock;
use server::config::{Config, Layer, REFERENCE, check, load};
use server::import::Fleet;
use server::lifecycle::Outcome;
use server::webtunnel::{AgentMade, NewAgent, agent_lines};
use server::{Handle, Server, log, machine};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Secure remote access to devices: the server.
#[derive(Parser)]
#[command(name = "adit-server", version)]
pub(crate) struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until a signal.
    Serve {
        #[command(flatten)]
        source: Source,
        #[command(flatten)]
        flags: Flags,
    },
    /// Look at the configuration.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Administrators.
    #[command(subcommand)]
    Admin(AdminCommand),
    /// API tokens.
    #[command(subcommand)]
    Token(TokenCommand),
    /// Install keys, by which devices enrol.
    #[command(subcommand)]
    InstallKey(InstallKeyCommand),
    /// Bring along what another product has.
    #[command(subcommand)]
    Import(ImportCommand),
    /// Agents of others, which speak WebTunnel.
    #[command(subcommand, name = "webtunnel")]
    WebTunnel(WebTunnelCommand),
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Check it and say what is wrong or doubtful.
    Check {
        #[command(flatten)]
        source: Source,
    },
    /// Print every key with its meaning and its default.
    Print,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Create a user who may do everything.
    Create {
        #[command(flatten)]
        source: Source,
        #[arg(long)]
        username: String,
        /// The organization; the first one if not given.
        #[arg(long, value_name = "UUID")]
        organization: Option<uuid::Uuid>,
        /// Read the password from standard input; the only way to give one.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
    /// Give a user another password, and end its sign-ins.
    Password {
        #[command(flatten)]
        source: Source,
        #[arg(long)]
        username: String,
        /// Read the password from standard input; the only way to give one.
        #[arg(long, required = true)]
        password_stdin: bool,
    },
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Create a token with all its user's rights and print its secret.
    Create {
        #[command(flatten)]
        source: Source,
        #[arg(long)]
        username: String,
        #[arg(long)]
        name: String,
        /// Seconds until it expires; never if not given.
        #[arg(long)]
        expires_in_s: Option<u64>,
    },
}

#[derive(Subcommand)]
enum InstallKeyCommand {
    /// Create an install key and print its secret.
    Create {
        #[command(flatten)]
        source: Source,
        #[arg(long)]
        name: String,
        /// How many devices it may enrol; any number if not given.
        #[arg(long)]
        uses: Option<u32>,
        /// Seconds until it expires; never if not given.
        #[arg(long)]
        expires_in_s: Option<u64>,
    },
}

#[derive(Subcommand)]
enum ImportCommand {
    /// Organizations, devices and users of a WebTunnel server, from a dump of its MySQL database.
    #[command(name = "webtunnel")]
    WebTunnel {
        #[command(flatten)]
        source: Source,
        /// What mysqldump has written; - is standard input.
        #[arg(value_name = "FILE")]
        dump: PathBuf,
        /// Say what would be done, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Print the report as JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Subcommand)]
enum WebTunnelCommand {
    /// Their devices.
    #[command(subcommand)]
    Device(AgentCommand),
}

#[derive(Subcommand)]
enum AgentCommand {
    /// Create a device and print what its agent's configuration needs.
    Create {
        #[command(flatten)]
        source: Source,
        /// The device id in the agent's configuration (`webtunnel.deviceId`).
        #[arg(long)]
        id: String,
        /// The domain that the fleet has already (`webtunnel.domain`); the organization's own if
        /// not given.
        #[arg(long, value_name = "UUID")]
        domain: Option<uuid::Uuid>,
        /// What it is called until the agent says so itself; the id if not given.
        #[arg(long)]
        name: Option<String>,
        /// Read the password that the agent has already from standard input; one is made if not
        /// given.
        #[arg(long)]
        password_stdin: bool,
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Where the configuration is.
#[derive(Args)]
struct Source {
    /// The configuration file (TOML).
    #[arg(long = "config", env = "ADIT_SERVER_CONFIG", value_name = "FILE")]
    file: Option<PathBuf>,
}

/// Keys that have a flag.
#[derive(Args)]
struct Flags {
    /// Instead of `listen.address`.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Instead of `public_url`.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Instead of `device_domain`.
    #[arg(long, value_name = "DOMAIN")]
    device_domain: Option<String>,
    /// Instead of `data_dir`.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
}

impl Flags {
    fn layers(&self) -> impl Iterator<Item = Layer> {
        [
            ("--listen", "listen.address", &self.listen),
            ("--public-url", "public_url", &self.public_url),
            ("--device-domain", "device_domain", &self.device_domain),
            ("--data-dir", "data_dir", &self.data_dir),
        ]
        .into_iter()
        .filter_map(|(flag, key, value)| Some(Layer::flag(flag, key, value.as_deref()?)))
    }
}

impl Source {
    fn load(&self, flags: impl IntoIterator<Item = Layer>) -> anyhow::Result<Config> {
        let file = self.file.as_deref().map(Layer::file).transpose()?;
        // Variables that are no text cannot be ours: all our values are.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(load(
            file.into_iter()
                .chain(Layer::environment(variables))
                .chain(flags),
        )?)
    }

    /// The parts of a server that does not serve, for commands that change records.
    async fn open(&self) -> anyhow::Result<Handle> {
        let config = self.load([])?;
        Ok(Server::build(config, Clock::system()).await?.handle())
    }
}

impl CommandLine {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.command {
            Command::Serve { source, flags } => return serve(source.load(flags.layers())?).await,
            Command::Config(ConfigCommand::Print) => print(REFERENCE.trim_end())?,
            Command::Config(ConfigCommand::Check { source }) => {
                let config = source.load([])?;
                for warning in check(&config).unwrap_or_default() {
                    print(&format!("warning: {warning}"))?;
                }
                print("The configuration is good.")?;
            }
            Command::Admin(AdminCommand::Create {
                source,
                username,
                organization,
                password_stdin: _,
            }) => {
                let password = password_from_stdin()?;
                let accounts = source.open().await?.accounts.clone();
                match organization.map(OrganizationId) {
                    Some(id) => accounts.create_member(id, &username, password).await?,
                    None => accounts.create_admin(&username, password).await?,
                };
            }
            Command::Admin(AdminCommand::Password {
                source,
                username,
                password_stdin: _,
            }) => {
                let password = password_from_stdin()?;
                let server = source.open().await?;
                server.accounts.set_password(&username, password).await?;
            }
            Command::Token(TokenCommand::Create {
                source,
                username,
                name,
                expires_in_s,
            }) => {
                let server = source.open().await?;
                let input = CreateApiToken {
                    name,
                    scope: TokenScope::Full,
                    expires_in_s,
                };
                let created = server.accounts.create_api_token_for(&username, input).await;
                print(&created?.secret)?;
            }
            Command::InstallKey(InstallKeyCommand::Create {
                source,
                name,
                uses,
                expires_in_s,
            }) => {
                let server = source.open().await?;
                let organization = server.accounts.default_organization().await?;
                let input = CreateInstallKey {
                    name,
                    use_limit: uses,
                    expires_in_s,
                };
                let scope = Scope::of(organization);
                let created = server.devices.create_install_key(scope, input).await;
                print(&created?.secret)?;
            }
            Command::Import(ImportCommand::WebTunnel {
                source,
                dump,
                dry_run,
                json,
            }) => {
                // Before the database is opened: a dump that is not good leaves no trace.
                let fleet = tokio::task::spawn_blocking(move || read_fleet(&dump)).await??;
                let server = source.open().await?;
                let report = fleet.import(&server, dry_run).await?;
                let text = if json {
                    serde_json::to_string_pretty(&report)?
                } else {
                    report.to_string()
                };
                print(text.trim_end())?;
            }
            Command::WebTunnel(WebTunnelCommand::Device(AgentCommand::Create {
                source,
                id,
                domain,
                name,
                password_stdin,
                json,
            })) => {
                let password = password_stdin.then(password_from_stdin).transpose()?;
                let server = source.open().await?;
                let organization = server.accounts.default_organization().await?;
                let input = NewAgent {
                    agent_id: id,
                    domain,
                    name,
                    password,
                };
                let scope = Scope::of(organization);
                let made = server.webtunnel.create_agent(scope, input).await?;
                print(&agent_settings(&made, &server.config, json))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn serve(mut config: Config) -> anyhow::Result<ExitCode> {
    log::init(&config.log)?;
    match machine::raise_open_files() {
        Ok(open_files) => {
            if machine::fit_to_open_files(&mut config.limits, open_files) {
                let limits = &config.limits;
                tracing::warn!(
                    open_files,
                    connections = limits.connections,
                    upgraded_connections = limits.upgraded_connections,
                    "fewer connections than configured: the system allows no more open files"
                );
            }
        }
        Err(error) => tracing::warn!(%error, "the limit of open files cannot be raised"),
    }
    let signals = Signals::hook()?;
    let address = config.listen.address;
    let metrics_address = config.metrics.listen;
    let public_url = config.public_url.clone();
    let server = Server::build(config, Clock::system()).await?;
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen at {address}"))?;
    let server = match metrics_address {
        Some(address) => {
            let listener = TcpListener::bind(address)
                .await
                .with_context(|| format!("cannot listen at {address} for metrics"))?;
            tracing::info!(address = %listener.local_addr()?, "metrics");
            server.with_metrics(listener)?
        }
        None => server,
    };
    let local = listener.local_addr()?;
    tracing::info!(address = %local, %public_url, "serving");
    let handle = server.handle();
    let outcome = tokio::select! {
        outcome = server.serve(listener) => outcome,
        never = signals.heed(handle) => match never {},
    };
    match outcome {
        Outcome::Stopped { clean } => {
            tracing::info!(clean, "stopped");
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Crashed { task } => Err(anyhow!("the task `{task}` has crashed")),
    }
}

/// What the operating system tells the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From here on signals do not end the process by themselves.
    fn hook() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// SIGTERM and SIGINT stop: softly the first time, at once the second. SIGHUP reads the
    /// certificate again.
    async fn heed(mut self, server: Handle) -> std::convert::Infallible {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => server.shutdown(),
                _ = self.interrupt.recv() => server.shutdown(),
                _ = self.hang_up.recv() => match server.reload_certificate() {
                    Ok(()) => tracing::info!("certificate read again"),
                    Err(error) => tracing::error!(%error, "the certificate in use stays"),
                },
            }
        }
    }
}

/// What an agent's configuration needs, as a part of its file or as JSON. The password is in it
/// where it was made just now.
fn agent_settings(made: &AgentMade, config: &Config, json: bool) -> String {
    if !json {
        return agent_lines(made, config).trim_end().to_owned();
    }
    let settings = serde_json::json!({
        "device_id": made.device,
        "label": made.label,
        "webtunnel.reflectorURI": config.webtunnel_url(),
        "webtunnel.domain": made.domain,
        "webtunnel.deviceId": made.agent_id,
        "webtunnel.username": format!("{}@{}", made.agent_id, made.domain),
        "webtunnel.password": made.secret.as_ref().map(Secret::reveal),
    });
    settings.to_string()
}

fn read_fleet(path: &Path) -> anyhow::Result<Fleet> {
    let name = path.display();
    if path == Path::new("-") {
        return Fleet::of_webtunnel(stdin().lock()).context("standard input");
    }
    let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
    Fleet::of_webtunnel(file).with_context(|| name.to_string())
}

fn password_from_stdin() -> anyhow::Result<zeroize::Zeroizing<String>> {
    let mut password = zeroize::Zeroizing::new(String::new());
    stdin()
        .read_to_string(&mut password)
        .context("cannot read the password")?;
    // One line end is how people and `echo` end a line; everything else is the password's.
    let length = password.trim_end_matches(['\r', '\n']).len();
    password.truncate(length);
    if password.is_empty() {
        bail!("the password on standard input is empty");
    }
    Ok(password)
}

/// Not `println!`, which panics when nobody reads.
fn print(line: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{line}")
}
