//! One demo device: a panel on loopback and an `adit-agent` that offers it.

use std::ffi::OsStr;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tokio::net::{TcpListener, TcpSocket};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::desktop::Desktop;
use crate::layout::Site;
use crate::panel::{self, Character};
use crate::program::Program;
use crate::ssh::{Impostor, SshServer};

/// A device; its panel serves until it is dropped, its agent can be ended and started again.
pub(crate) struct Device {
    pub(crate) name: String,
    program: Program,
    config: PathBuf,
    log: PathBuf,
    agent: Option<Child>,
    impostor: Impostor,
    _panel: JoinSet<()>,
    /// Bound and not listening: whoever connects is refused, and nobody else gets the port.
    _closed: TcpSocket,
}

impl Device {
    /// Starts the panel, writes the agent's configuration and enrols the device.
    ///
    /// # Errors
    /// A port could not be had, or the server did not enrol it.
    pub(crate) async fn enrol(
        number: usize,
        folder: &Path,
        logs: &Path,
        site: &Site,
        install_key: &str,
        access: &Access,
    ) -> Result<Self> {
        let character = Character::of(number);
        let name = character.name(number);
        let folder = folder.join(format!("device-{number}"));
        fs::create_dir(&folder)?;

        let web = TcpListener::bind(loopback()).await?;
        let echo = TcpListener::bind(loopback()).await?;
        let closed = TcpSocket::new_v4()?;
        closed.bind(loopback())?;
        let sshd_log = logs.join(format!("device-{number}-sshd.log"));
        let sshd = SshServer::prepare(&folder, &sshd_log, character.host_keys(), access).await?;
        let desktop_log = logs.join(format!("device-{number}-desktop.log"));
        let password = character
            .asks_for_a_desktop_password()
            .then_some(access.desktop_password.as_str());
        let desktop = Desktop::start(&folder, &desktop_log, &name, password).await?;
        let services = [
            service("web", "web", web.local_addr()?),
            service("ssh", "ssh", sshd.address()?),
            service("old-panel", "web", closed.local_addr()?),
            service("desktop", "vnc", desktop.address()?),
            service("echo", "tcp", echo.local_addr()?),
        ];
        let mut panel = JoinSet::new();
        let impostor = sshd.impostor();
        let host_keys = if character.reports_host_keys() {
            sshd.public_keys()
        } else {
            Vec::new()
        };
        panel.spawn(panel::serve(web, character, name.clone(), access.clone()));
        panel.spawn(sshd.serve());
        panel.spawn(desktop.serve());
        panel.spawn(panel::echo(echo));

        let config = folder.join("agent.toml");
        fs::write(
            &config,
            format!(
                "server = {:?}\nssh_host_key_files = {host_keys:?}\n{}",
                site.agent_url(),
                services.concat()
            ),
        )?;
        let device = Self {
            program: Program::find("adit-agent")?,
            log: logs.join(format!("device-{number}.log")),
            config,
            name,
            agent: None,
            impostor,
            _panel: panel,
            _closed: closed,
        };
        device.ask_to_enrol(site, install_key).await?;
        Ok(device)
    }

    /// Starts the agent; it connects by itself.
    ///
    /// # Errors
    /// It could not be started.
    pub(crate) fn start(&mut self) -> Result<()> {
        if self.agent.is_none() {
            let words = [
                OsStr::new("run"),
                OsStr::new("--config"),
                self.config.as_os_str(),
            ];
            self.agent = Some(self.program.start(&words, &self.log)?);
        }
        Ok(())
    }

    /// Ends the agent without warning, as a power cut would.
    ///
    /// # Errors
    /// It could not be ended.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some(mut agent) = self.agent.take() {
            agent.kill().await.context("ending the agent")?;
        }
        Ok(())
    }

    /// Gives its SSH server other host keys than the agent has reported: somebody is in between.
    ///
    /// # Errors
    /// They could not be made.
    pub(crate) async fn change_host_keys(&self) -> Result<()> {
        self.impostor.change_host_keys().await
    }

    async fn ask_to_enrol(&self, site: &Site, install_key: &str) -> Result<()> {
        let url = site.agent_url();
        let words = [
            "enroll", "--server", &url, "--key", "-", "--name", &self.name,
        ];
        let mut words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        words.extend([OsStr::new("--config"), self.config.as_os_str()]);
        if let Some(certificate) = &site.certificate {
            words.extend([OsStr::new("--ca-file"), certificate.file.as_os_str()]);
        }
        // The key goes by standard input: arguments can be seen by every user of the machine.
        self.program.ask(&words, install_key).await?;
        Ok(())
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn service(name: &str, kind: &str, address: SocketAddr) -> String {
    let (host, port) = (address.ip(), address.port());
    format!(
        "\n[[service]]\nname = \"{name}\"\nkind = \"{kind}\"\nhost = \"{host}\"\nport = {port}\n"
    )
}
