//! The real `adit-server` with a scratch folder, asked over HTTPS.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use rustls::pki_types::ServerName;

use crate::far::free_port;
use crate::load::{Page, Site};
use crate::{https, reference};

const HOST: &str = "adit.localhost";
const USER: &str = "bench";
const READY_TIMEOUT: Duration = Duration::from_secs(30);
const PROBE_EVERY: Duration = Duration::from_millis(1);

/// A server that is not running, with a person who may read all.
pub(super) struct Program {
    program: PathBuf,
    folder: PathBuf,
    page: Page,
}

/// One that runs. Killed when dropped.
pub(super) struct Running(Child);

impl Program {
    pub(super) fn prepare(folder: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?.with_file_name("adit-server");
        ensure!(program.exists(), "{} is not built", program.display());
        let port = free_port()?;
        let (certificate, key) = reference::certificate(&[HOST])?;
        let certificate_file = folder.join("server.pem");
        fs::write(
            &certificate_file,
            reference::pem("CERTIFICATE", &certificate),
        )?;
        fs::write(
            folder.join("server.key"),
            reference::pem("PRIVATE KEY", &key),
        )?;
        let text = format!(
            "public_url = \"https://{HOST}:{port}\"\n\
             device_domain = \"devices.localhost\"\n\
             data_dir = {folder:?}\n\n\
             [listen]\naddress = \"127.0.0.1:{port}\"\n\
             tls = {{ certificate = \"server.pem\", key = \"server.key\" }}\n"
        );
        fs::write(folder.join("adit.toml"), text)?;
        let mut server = Self {
            program,
            folder: folder.to_owned(),
            page: Page {
                port,
                name: ServerName::try_from(HOST)?,
                tls: Arc::new(https::trusting(&certificate_file)?),
                fields: String::new(),
            },
        };
        server.ask(&["admin", "create", "--username", USER, "--password-stdin"])?;
        let token = server.ask(&["token", "create", "--username", USER, "--name", "bench"])?;
        server.page.fields = format!("Host: {HOST}:{port}\r\nAuthorization: Bearer {token}\r\n");
        Ok(server)
    }

    pub(super) fn database(&self) -> PathBuf {
        self.folder.join("adit.db")
    }

    pub(super) fn start(&self) -> anyhow::Result<Running> {
        let process = self
            .command(&["serve"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(self.folder.join("server.log"))?)
            .spawn()?;
        Ok(Running(process))
    }

    /// Asks for a path until it answers 200; the whole answer.
    pub(super) fn answer(&self, path: &str) -> anyhow::Result<String> {
        let start = Instant::now();
        loop {
            match self.exchange(path) {
                Ok(answer) if answer.starts_with("HTTP/1.1 200 ") => return Ok(answer),
                told if start.elapsed() > READY_TIMEOUT => {
                    let log = fs::read_to_string(self.folder.join("server.log"))?;
                    anyhow::bail!("{path}: {told:?}; {log}");
                }
                _ => std::thread::sleep(PROBE_EVERY),
            }
        }
    }

    fn exchange(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = self.page.connect()?;
        let fields = self.page.fields();
        let request = format!("GET {path} HTTP/1.1\r\nConnection: close\r\n{fields}\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    }

    fn ask(&self, words: &[&str]) -> anyhow::Result<String> {
        let mut process = self
            .command(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        if let Some(mut input) = process.stdin.take() {
            input.write_all(b"a bench of many records")?;
        }
        let output = process.wait_with_output()?;
        let told = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "adit-server {words:?}: {told}");
        let told = String::from_utf8(output.stdout).context("its answer")?;
        Ok(told.trim().to_owned())
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(words)
            .arg("--config")
            .arg(self.folder.join("adit.toml"));
        command
    }
}

impl Running {
    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
