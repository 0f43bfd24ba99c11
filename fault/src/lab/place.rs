//! One server and one agent of a case, as processes in their namespaces.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustls::RootCertStore;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use crate::client::{Client, Open};
use crate::namespace::{self, SERVER_NAME, command_inside, hosts_folder, inside, words};
use crate::processes::{Running, ask, own};

const PORT: u16 = 8443;
/// What all tunnels of a server may hold together, whatever the machine has: the least it takes.
const TUNNEL_MEMORY_BYTES: u64 = 64 << 20;
/// The name of the device that each case has.
pub(crate) const FIRST_DEVICE: &str = "fault";
pub(crate) const START_TIMEOUT: Duration = Duration::from_secs(60);

const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// The parts of a case. They end with it.
pub(crate) struct Place {
    /// The namespace of the device.
    device: String,
    /// The namespace of the server, in which this process is.
    server_side: String,
    folder: TempDir,
    agent_config: PathBuf,
    ports: Vec<String>,
    install_key: String,
    /// Beside the agent, and in its namespace.
    _services: Child,
    pub(crate) server: Running,
    pub(crate) agent: Running,
    pub(crate) client: Client,
    environment: Vec<(String, String)>,
}

impl Place {
    /// Starts all of it, and waits until bytes go to the device and back.
    ///
    /// # Errors
    /// Something does not start.
    pub(crate) async fn start(id: &str) -> Result<Self> {
        Self::start_with(id, Vec::new()).await
    }

    /// The same with this in the environment of server and agent.
    ///
    /// # Errors
    /// Something does not start.
    pub(crate) async fn start_with(id: &str, environment: Vec<(String, String)>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (device, server_side) = (namespace::name(id, 'd'), namespace::name(id, 's'));
        let tls = make_certificate(folder.path())?;
        let config = write_server_config(folder.path())?;
        let (services, ports) = start_services(&device).await?;

        let server_command = || -> Result<Command> { Ok(Command::new(own("adit-server")?)) };
        let make = async |words_of: &str, input: &str| {
            let mut command = server_command()?;
            command.args(words(words_of)).arg("--config").arg(&config);
            ask(command, input).await
        };
        make(
            "admin create --username ada --password-stdin",
            "correct horse battery staple",
        )
        .await?;
        let token = make("token create --username ada --name fault", "").await?;
        let install_key = make("install-key create --name fault", "").await?;
        let mut command = server_command()?;
        command.arg("serve").arg("--config").arg(&config);
        command.envs(environment.iter().cloned());
        let server = Running::start(command, &log(folder.path(), id, "server")?)?;
        let client = Client {
            port: PORT,
            token,
            tls,
        };
        wait_for_server(&client).await?;
        let config = write_agent_config(folder.path(), &ports)?;
        enrol(&device, folder.path(), FIRST_DEVICE, &config, &install_key).await?;
        let agent = start_agent(&device, folder.path(), &config, &environment)?;
        let place = Self {
            device,
            server_side,
            folder,
            agent_config: config,
            ports,
            install_key,
            _services: services,
            server,
            agent,
            client,
            environment,
        };
        place.open("echo").await?.key(START_TIMEOUT).await?;
        // A cable that has just come is a change too, which the agent looks into.
        sleep(SETTLED_AFTER).await;
        Ok(place)
    }

    /// Opens a stream, as soon as the device is there.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) async fn open(&self, service: &str) -> Result<Open> {
        self.client.open_within(service, START_TIMEOUT).await
    }

    /// Ends the agent's process, and does something before the next one starts.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) async fn restart_agent(&mut self) -> Result<()> {
        self.agent.kill().await?;
        self.agent = start_agent(
            &self.device,
            self.folder.path(),
            &self.agent_config,
            &self.environment,
        )?;
        Ok(())
    }

    /// Another device of this name with the same services, in the same namespace; its agent.
    ///
    /// # Errors
    /// It does not come.
    pub(crate) async fn add_device(&self, name: &str) -> Result<Running> {
        let folder = self.folder.path().join(name);
        fs::create_dir(&folder)?;
        fs::copy(
            self.folder.path().join("server.pem"),
            folder.join("server.pem"),
        )?;
        let config = write_agent_config(&folder, &self.ports)?;
        enrol(&self.device, &folder, name, &config, &self.install_key).await?;
        let agent = start_agent(&self.device, &folder, &config, &self.environment)?;
        let give_up_at = Instant::now() + START_TIMEOUT;
        while self.client.open_at(name, "echo").await.is_err() {
            if Instant::now() > give_up_at {
                bail!("the device {name} did not come");
            }
            sleep(Duration::from_millis(100)).await;
        }
        Ok(agent)
    }

    /// A command such as `ip` inside of the device's namespace.
    ///
    /// # Errors
    /// It fails.
    pub(crate) async fn at_device(&self, command: &str) -> Result<String> {
        let mut all = words(command);
        let program = all.remove(0);
        inside(&self.device, program, &all).await
    }

    /// The same at the server's end of the cable.
    ///
    /// # Errors
    /// It fails.
    pub(crate) async fn at_server(&self, command: &str) -> Result<String> {
        let mut all = words(command);
        let program = all.remove(0);
        inside(&self.server_side, program, &all).await
    }

    /// At both ends.
    ///
    /// # Errors
    /// It fails.
    pub(crate) async fn at_both(&self, command: &str) -> Result<()> {
        self.at_device(command).await?;
        self.at_server(command).await.map(drop)
    }

    /// What happens to packets that come over the cable, at both ends.
    ///
    /// # Errors
    /// nft does not take it.
    pub(crate) async fn rule(&self, rule: &str) -> Result<()> {
        self.at_both(&format!("nft add rule inet fault in iifname wire {rule}"))
            .await
    }

    /// Nothing happens to packets any more.
    ///
    /// # Errors
    /// nft does not take it.
    pub(crate) async fn clear_rules(&self) -> Result<()> {
        self.at_both("nft flush chain inet fault in").await
    }

    /// Which names the device finds, as lines of a hosts file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn names(&self, addresses: &[&str]) -> Result<()> {
        let mut text = "127.0.0.1 localhost\n".to_owned();
        for address in addresses {
            text += &format!("{address} {SERVER_NAME}\n");
        }
        // The file itself stays: it is what those inside see.
        Ok(fs::write(hosts_folder(&self.device).join("hosts"), text)?)
    }
}

fn make_certificate(folder: &Path) -> Result<Arc<rustls::ClientConfig>> {
    let made = rcgen::generate_simple_self_signed([SERVER_NAME.to_owned()])?;
    fs::write(folder.join("server.pem"), made.cert.pem())?;
    fs::write(folder.join("server.key"), made.signing_key.serialize_pem())?;
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let tls = rustls::ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(tls))
}

fn write_server_config(folder: &Path) -> Result<PathBuf> {
    let path = folder.join("adit-server.toml");
    let text = format!(
        "public_url = \"https://{SERVER_NAME}:{PORT}\"\n\
         device_domain = \"adit-devices.test\"\n\
         data_dir = {folder:?}\n\n\
         [limits]\ntunnel_memory_bytes = {TUNNEL_MEMORY_BYTES}\n\n[listen]\naddress = \"[::]:{PORT}\"\n\
         tls = {{ certificate = \"server.pem\", key = \"server.key\" }}\n"
    );
    fs::write(&path, text)?;
    Ok(path)
}

async fn start_services(device: &str) -> Result<(Child, Vec<String>)> {
    let own = std::env::current_exe()?;
    let mut services = command_inside(device, &own.to_string_lossy())
        .arg("device")
        .stdout(std::process::Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = services.stdout.take().context("no output")?;
    let line = BufReader::new(stdout).lines().next_line().await?;
    let line = line.context("the device's services did not start")?;
    Ok((
        services,
        words(&line).into_iter().map(str::to_owned).collect(),
    ))
}

async fn wait_for_server(client: &Client) -> Result<()> {
    let give_up_at = Instant::now() + START_TIMEOUT;
    while client.connect().await.is_err() {
        if Instant::now() > give_up_at {
            bail!("the server did not start");
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

fn write_agent_config(folder: &Path, ports: &[String]) -> Result<PathBuf> {
    let mut text = format!("server = \"https://{SERVER_NAME}:{PORT}\"\n");
    for (name, port) in ["echo", "flood"].iter().zip(ports) {
        text += &format!(
            "\n[[service]]\nname = \"{name}\"\nkind = \"tcp\"\nhost = \"127.0.0.1\"\nport = {port}\n"
        );
    }
    let config = folder.join("agent.toml");
    fs::write(&config, text)?;
    Ok(config)
}

async fn enrol(device: &str, folder: &Path, name: &str, config: &Path, key: &str) -> Result<()> {
    let mut command = command_inside(device, &own("adit-agent")?);
    command
        .args(words("enroll --key - --name"))
        .arg(name)
        .arg("--server")
        .arg(format!("https://{SERVER_NAME}:{PORT}"))
        .arg("--config")
        .arg(config)
        .arg("--ca-file")
        .arg(folder.join("server.pem"));
    ask(command, key).await.map(drop)
}

fn start_agent(
    device: &str,
    folder: &Path,
    config: &Path,
    environment: &[(String, String)],
) -> Result<Running> {
    let mut command = command_inside(device, &own("adit-agent")?);
    command.arg("run").arg("--config").arg(config);
    command.envs(environment.iter().cloned());
    Running::start(command, &log(folder, device, "agent")?)
}

/// Beside all else that is gone with the case, or where somebody wants to read it afterwards.
fn log(folder: &Path, id: &str, name: &str) -> Result<PathBuf> {
    let Some(kept) = std::env::var_os("ADIT_FAULT_LOGS") else {
        return Ok(folder.join(format!("{name}.log")));
    };
    fs::create_dir_all(&kept)?;
    Ok(PathBuf::from(kept).join(format!("{id}-{name}.log")))
}
