//! Adit as it is measured: the server's library with plain TCP listeners spliced to
//! `relay::open`, and agents in processes of their own.
//!
//! Two processes and one TLS hop, like the reference. The path through the HTTPS front, as a
//! browser takes it, is a row of its own: it has one TLS hop more.

use std::fs;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agent::{Agent, DeviceKey};
use anyhow::Context;
use api::{CreateInstallKey, DeviceId, Enrol, ServiceKind};
use server::access::{Principal, Scope, Subject};
use server::clock::Clock;
use server::config::{Config, Tls};
use server::{AppState, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Plain, splice};
use tunnel::wire::Target;

use crate::child::{self, Child};
use crate::far::{Line, free_port};
use crate::rounds::Path;
use crate::{load, reference, visitor};

/// What a device offers: the raw port of the origin and its HTTP port.
pub(crate) const SERVICES: [(&str, ServiceKind); 2] =
    [("raw", ServiceKind::Tcp), ("http", ServiceKind::Web)];
/// The file with the fields of a visitor's request.
const VISIT: &str = "visit";
/// The file with the label of the device that the ingresses reach.
pub(crate) const LABEL: &str = "device-label";
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// Arguments of the server's process.
#[derive(clap::Args)]
pub(crate) struct ServerRole {
    /// Where certificate, database and install key are.
    #[arg(long)]
    folder: PathBuf,
    /// Of the relay that agents come through, if any.
    #[arg(long)]
    line: Option<u16>,
}

/// Arguments of the agent's process.
#[derive(clap::Args)]
pub(crate) struct AgentRole {
    #[arg(long)]
    folder: PathBuf,
    /// The server's port.
    #[arg(long)]
    server: u16,
    /// The origin's ports.
    #[arg(required = true)]
    origin: Vec<u16>,
}

/// Arguments of the process of many idle agents.
#[derive(clap::Args)]
pub(crate) struct HerdRole {
    #[arg(long)]
    folder: PathBuf,
    #[arg(long)]
    server: u16,
    #[arg(long)]
    devices: usize,
}

/// Server and agent of a run.
pub(crate) struct Adit {
    pub(crate) path: Path,
    folder: PathBuf,
}

/// Starts both and waits until the first byte is echoed.
pub(crate) fn start(folder: &FsPath, origin: &Child) -> anyhow::Result<Adit> {
    start_behind(folder, origin, None)
}

/// The same with an agent that is far from the server.
pub(crate) fn start_behind(
    folder: &FsPath,
    origin: &Child,
    line: Option<&Line>,
) -> anyhow::Result<Adit> {
    let folder = folder.join("adit");
    fs::create_dir_all(&folder)?;
    // The server is told the relay's port, and the relay the server's.
    let line_port = line.map(|_| free_port()).transpose()?;
    let words = line_port.map(|port| ["--line".to_owned(), port.to_string()]);
    let mut role = server_role(&folder)?;
    role.extend(words.iter().flatten().map(String::as_str));
    let near = Child::start(&role)?;
    let line = line.zip(line_port);
    let line = line
        .map(|(line, port)| line.start(port, &near.ports[..1]))
        .transpose()?;
    let server = line_port.unwrap_or(near.ports[0]).to_string();
    let origin: Vec<String> = origin.ports.iter().map(u16::to_string).collect();
    let path = folder.to_str().context("a path in UTF-8")?;
    let mut role = vec!["adit-agent", "--folder", path, "--server", &server];
    role.extend(origin.iter().map(String::as_str));
    let far = Child::start(&role)?;
    let (raw_port, http_port) = (near.ports[1], near.ports[2]);

    let start = Instant::now();
    while let Err(error) = load::echo(raw_port, 1) {
        if start.elapsed() > READY_TIMEOUT {
            return Err(error.context("the agent did not connect"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(Adit {
        path: Path {
            near,
            far,
            _line: line,
            raw_port,
            http_port,
        },
        folder,
    })
}

/// Makes the server's folder and starts it. Its ports: the server's own, then the ingresses'.
pub(crate) fn start_server(folder: &FsPath) -> anyhow::Result<Child> {
    fs::create_dir_all(folder)?;
    Child::start(&server_role(folder)?)
}

fn server_role(folder: &FsPath) -> anyhow::Result<Vec<&str>> {
    let folder = folder.to_str().context("a path in UTF-8")?;
    Ok(vec!["adit-server", "--folder", folder])
}

impl Adit {
    /// The fields of a request as a browser makes it: a line each.
    pub(crate) fn visit(&self) -> anyhow::Result<String> {
        let path = self.folder.join(VISIT);
        let start = Instant::now();
        // Written down a moment after the device has enrolled.
        loop {
            match fs::read_to_string(&path) {
                Ok(fields) => return Ok(fields),
                Err(error) if start.elapsed() > READY_TIMEOUT => return Err(error.into()),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// What to trust.
    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.folder.join("server.pem")
    }
}

/// Runs a server; its ingress reaches the first device that enrols.
#[tokio::main]
pub(crate) async fn run_server(role: &ServerRole) -> anyhow::Result<()> {
    let (certificate, key) =
        reference::certificate(&["localhost", "*.devices.localhost", "127.0.0.1"])?;
    let (certificate_file, key_file) = (
        role.folder.join("server.pem"),
        role.folder.join("server.key"),
    );
    fs::write(
        &certificate_file,
        reference::pem("CERTIFICATE", &certificate),
    )?;
    fs::write(&key_file, reference::pem("PRIVATE KEY", &key))?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let mut config = Config::new(&format!("https://localhost:{port}"), "devices.localhost")?;
    for port in role.line.into_iter().chain([port]) {
        let origin = format!("https://127.0.0.1:{port}");
        config.agent_origins.push(origin.parse()?);
    }
    config.data_dir.clone_from(&role.folder);
    config.database.path = role.folder.join("adit.db");
    config.listen.address = listener.local_addr()?;
    config.listen.tls = Some(Tls {
        certificate: certificate_file,
        key: key_file,
    });
    // All load comes from one address here.
    config.limits.connections = 20_000;
    config.limits.connections_per_address = 20_000;
    config.limits.upgraded_connections = 20_000;

    let server = Server::build(config, Clock::system()).await?;
    let state = AppState::clone(&server.handle());
    let organization = state.accounts.default_organization().await?;
    let install_key = state
        .devices
        .create_install_key(
            Scope::of(organization),
            CreateInstallKey {
                name: "bench".into(),
                use_limit: None,
                expires_in_s: None,
            },
        )
        .await?;
    fs::write(role.folder.join("install-key"), install_key.secret)?;

    let visitor = visitor::sign_in(&state).await?;
    let mut ports = vec![port];
    for (service, _) in SERVICES {
        ports.push(ingress(state.clone(), role.folder.clone(), visitor.clone(), service).await?);
    }
    tokio::spawn(prepare_visit(state.clone(), role.folder.clone(), visitor));
    let serving = tokio::spawn(server.serve(listener));
    child::report(&ports)?;
    let outcome = serving.await?;
    anyhow::ensure!(
        matches!(outcome, server::lifecycle::Outcome::Stopped { .. }),
        "{outcome:?}"
    );
    Ok(())
}

/// A plain TCP listener, each connection spliced to a stream of the device.
async fn ingress(
    state: AppState,
    folder: PathBuf,
    visitor: Principal,
    service: &'static str,
) -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((user, _)) = listener.accept().await {
            let Ok(device) = device_of(&state, &folder) else {
                continue;
            };
            let lease = state.leases.issue(Subject::new(&visitor, Some(device)));
            let relay = state.relay.clone();
            tokio::spawn(async move {
                // A user that went away is the normal end of a measured connection.
                let _ = user.set_nodelay(true);
                let target = Target::Service(service.to_owned());
                if let Ok(mut stream) = relay.open(device, target, lease).await {
                    let _ = splice(&mut Plain::new(user), &mut stream).await;
                }
            });
        }
    });
    Ok(port)
}

/// Writes down how to visit the device's page, once it is there.
async fn prepare_visit(state: AppState, folder: PathBuf, visitor: Principal) -> anyhow::Result<()> {
    let (page, _) = SERVICES[1];
    loop {
        if let Ok(device) = device_of(&state, &folder)
            && let Ok(fields) = visitor::visit(&state, &visitor, device, page).await
        {
            // By renaming: who waits for it never reads half.
            let half = folder.join("visit.new");
            fs::write(&half, fields)?;
            fs::rename(half, folder.join(VISIT))?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn device_of(state: &AppState, folder: &FsPath) -> anyhow::Result<DeviceId> {
    let label = fs::read_to_string(folder.join(LABEL))?;
    // The device is asked for, whatever it has at a port.
    let at_port = state.devices.at_port(&label, 0);
    Ok(at_port.context("no device of this label")?.0.id)
}

/// Runs one agent with the origin's ports as its services.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run_agent(role: &AgentRole) -> anyhow::Result<()> {
    let services = SERVICES
        .iter()
        .zip(&role.origin)
        .map(|((name, kind), port)| agent::Service {
            name: (*name).to_owned(),
            kind: *kind,
            host: agent::Host::Address(std::net::Ipv4Addr::LOCALHOST.into()),
            port: *port,
            tls: false,
        })
        .collect();
    let config = agent_config(&role.folder, role.server, services)?;
    let key = Arc::new(DeviceKey::ephemeral()?);
    let label = enrol(&config, &role.folder, Arc::clone(&key)).await?;
    fs::write(role.folder.join(LABEL), label)?;
    child::report(&[])?;
    Agent::new(config, key)?.run(CancellationToken::new()).await;
    Ok(())
}

/// Runs many agents without services.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run_herd(role: &HerdRole) -> anyhow::Result<()> {
    let config = agent_config(&role.folder, role.server, Vec::new())?;
    for _ in 0..role.devices {
        let key = Arc::new(DeviceKey::ephemeral()?);
        enrol(&config, &role.folder, Arc::clone(&key)).await?;
        tokio::spawn(Agent::new(config.clone(), key)?.run(CancellationToken::new()));
    }
    child::report(&[])?;
    std::future::pending().await
}

fn agent_config(
    folder: &FsPath,
    server: u16,
    services: Vec<agent::Service>,
) -> anyhow::Result<agent::Config> {
    Ok(agent::Config {
        server: format!("https://127.0.0.1:{server}").parse()?,
        key_file: folder.join("unused.key"),
        ca_file: Some(folder.join("server.pem")),
        proxy: agent::Proxy::None,
        client_certificate: None,
        ssh_host_key_files: None,
        services,
    })
}

async fn enrol(
    config: &agent::Config,
    folder: &FsPath,
    key: Arc<DeviceKey>,
) -> anyhow::Result<String> {
    let install_key = fs::read_to_string(folder.join("install-key"))?;
    let request = Enrol {
        install_key,
        name: "bench".into(),
    };
    Ok(agent::enroll(config, key, &request).await?.label)
}
