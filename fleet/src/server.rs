//! The real `adit-server`, as a process with a scratch folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::sleep;

use crate::Options;
use crate::metrics::Metrics;
use crate::process::Pid;

const READY_WITHIN: Duration = Duration::from_secs(30);
const HOST: &str = "adit.localhost";
const USER: &str = "fleet";

pub(crate) struct Server {
    program: PathBuf,
    folder: PathBuf,
    pub(crate) port: u16,
    metrics_port: u16,
    /// Of a user with all rights.
    pub(crate) token: String,
    process: Option<Child>,
}

impl Server {
    /// Its folder with certificate, configuration and first records; nothing runs yet.
    pub(crate) async fn prepare(folder: &Path, options: &Options) -> anyhow::Result<Self> {
        let own = std::env::current_exe()?;
        let program = own.with_file_name("adit-server");
        ensure!(program.exists(), "{} is not built", program.display());
        let (port, metrics_port) = (free_port().await?, free_port().await?);
        let names = [HOST, "*.devices.localhost", "127.0.0.1"].map(str::to_owned);
        let made = rcgen::generate_simple_self_signed(names)?;
        fs::write(folder.join("server.pem"), made.cert.pem())?;
        fs::write(folder.join("server.key"), made.signing_key.serialize_pem())?;
        fs::write(
            folder.join("adit.toml"),
            configuration(folder, port, metrics_port, options),
        )?;
        let mut server = Self {
            program,
            folder: folder.to_owned(),
            port,
            metrics_port,
            token: String::new(),
            process: None,
        };
        let create = ["admin", "create", "--username", USER, "--password-stdin"];
        server.ask(&create).await?;
        let token = ["token", "create", "--username", USER, "--name", "fleet"];
        server.token = server.ask(&token).await?;
        let key = server.ask(&["install-key", "create", "--name", "fleet"]);
        fs::write(folder.join("install-key"), key.await?)?;
        Ok(server)
    }

    /// Runs one of its commands; its output.
    async fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.program);
        command.args(words).arg("--config");
        command
            .arg(self.folder.join("adit.toml"))
            .env("ADIT_SERVER_LOG__FILTER", "warn")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut process = command.spawn()?;
        if let Some(mut input) = process.stdin.take() {
            input.write_all(b"a fleet of many devices").await?;
        }
        let output = process.wait_with_output().await?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "adit-server {words:?}: {told}");
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts it and waits until it accepts connections.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .append(true)
            .create(true)
            .open(self.folder.join("server.log"))?;
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--config"])
            .arg(self.folder.join("adit.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
        let process = self.process.insert(command.spawn()?);
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            if let Some(status) = process.try_wait()? {
                let log = fs::read_to_string(self.folder.join("server.log"))?;
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                bail!("the server ended with {status}: {last:?}");
            }
            ensure!(began.elapsed() < READY_WITHIN, "the server is not ready");
            sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Ends it without warning, as a power cut would.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().await?;
        }
        Ok(())
    }

    pub(crate) fn pid(&self) -> anyhow::Result<Pid> {
        let id = self.process.as_ref().and_then(Child::id);
        Ok(Pid(id.context("the server does not run")?))
    }

    pub(crate) async fn metrics(&self) -> anyhow::Result<Metrics> {
        Metrics::read(self.metrics_port).await
    }

    /// What to trust.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.join("server.pem")
    }

    /// What a request for the manager names.
    pub(crate) fn authority(&self) -> String {
        format!("{HOST}:{}", self.port)
    }
}

/// All load comes from one address, which a fleet does not; the other limits are the defaults,
/// but for what was asked.
fn configuration(folder: &Path, port: u16, metrics_port: u16, options: &Options) -> String {
    let mut text = format!(
        "public_url = \"https://{HOST}:{port}\"\n\
         agent_origins = [\"https://127.0.0.1:{port}\"]\n\
         device_domain = \"devices.localhost\"\n\
         data_dir = {folder:?}\n\n\
         [listen]\naddress = \"127.0.0.1:{port}\"\n\
         tls = {{ certificate = \"server.pem\", key = \"server.key\" }}\n\n\
         [metrics]\nlisten = \"127.0.0.1:{metrics_port}\"\n\n\
         [limits]\nconnections_per_address = 8192\n"
    );
    if let Some(rate) = options.handshakes_per_s {
        text += &format!("tunnel_handshakes_per_s = {rate}\n");
    }
    text
}

/// Nobody listens there; the server is told it by its configuration, which names its port.
async fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?.port())
}
