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
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use server::access::{Principal, Scope, Subject};
use server::clock::Clock;
use server::config::{Config, Tls};
use server::{AppState, Server};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tunnel::driver::{Plain, splice};
use tunnel::wire::Target;

use crate::child::{self, Child};
use crate::load::{self, Page};
use crate::report::{Better, Row};
use crate::rounds::Path;
use crate::{Options, reference, visitor};

const SERVICES: [(&str, ServiceKind); 2] = [("raw", ServiceKind::Tcp), ("http", ServiceKind::Web)];
/// The file with the fields of a visitor's request.
const VISIT: &str = "visit";
const READY_TIMEOUT: Duration = Duration::from_secs(20);

/// Arguments of the server's process.
#[derive(clap::Args)]
pub(crate) struct ServerRole {
    /// Where certificate, database and install key are.
    #[arg(long)]
    folder: PathBuf,
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
    let folder = folder.join("adit");
    let near = start_server(&folder)?;
    let server = near.ports[0].to_string();
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
            raw_port,
            http_port,
        },
        folder,
    })
}

/// Makes the server's folder and starts it. Its ports: the server's own, then the ingresses'.
pub(crate) fn start_server(folder: &FsPath) -> anyhow::Result<Child> {
    fs::create_dir_all(folder)?;
    Child::start(&[
        "adit-server",
        "--folder",
        folder.to_str().context("a path in UTF-8")?,
    ])
}

impl Adit {
    /// HTTP through the front, as a browser takes it: TLS, device cookie, header policy.
    pub(crate) fn https_row(&self, options: &Options) -> anyhow::Result<Row> {
        let fields = fs::read_to_string(self.folder.join(VISIT))?;
        let host = fields.lines().find_map(|line| line.strip_prefix("Host: "));
        let name = host
            .and_then(|host| host.split(':').next())
            .context("a Host with a port")?;
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(
            self.folder.join("server.pem"),
        )?)?;
        let tls = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let page = Page {
            port: self.path.near.ports[0],
            name: ServerName::try_from(name.to_owned())?,
            tls: Arc::new(tls),
            fields,
        };
        let result = load::http(&page, 64, options.http_s).context("HTTP through the front")?;
        Ok(Row {
            name: "https_proxy_1k_rps_64".into(),
            value: result.requests_per_s,
            unit: "requests/s",
            better: Better::Higher,
            must: None,
            aim: None,
            sides: None,
        })
    }
}

/// Runs a server; its ingress reaches the first device that enrols.
#[tokio::main]
pub(crate) async fn run_server(role: &ServerRole) -> anyhow::Result<()> {
    let (certificate, key) = reference::certificate(&["localhost", "*.devices.localhost"])?;
    let (certificate_file, key_file) = (
        role.folder.join("server.pem"),
        role.folder.join("server.key"),
    );
    fs::write(&certificate_file, pem("CERTIFICATE", &certificate))?;
    fs::write(&key_file, pem("PRIVATE KEY", &key))?;

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    let mut config = Config::new(&format!("https://localhost:{port}"), "devices.localhost")?;
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
            let Ok(device) = device_of(&folder) else {
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
        if let Ok(device) = device_of(&folder)
            && let Ok(fields) = visitor::visit(&state, &visitor, device, page).await
        {
            fs::write(folder.join(VISIT), fields)?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn device_of(folder: &FsPath) -> anyhow::Result<DeviceId> {
    Ok(fs::read_to_string(folder.join("device-id"))?.parse()?)
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
    let device = enrol(&config, &role.folder, Arc::clone(&key)).await?;
    fs::write(role.folder.join("device-id"), device.to_string())?;
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
        server: format!("https://localhost:{server}").parse()?,
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
) -> anyhow::Result<DeviceId> {
    let install_key = fs::read_to_string(folder.join("install-key"))?;
    let request = Enrol {
        install_key,
        name: "bench".into(),
    };
    Ok(agent::enroll(config, key, &request).await?.device_id)
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap_or_default())
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
