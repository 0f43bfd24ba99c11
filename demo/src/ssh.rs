//! A real sshd for each demo device, on a loopback port, for the user who runs the demo.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Child;
use tokio::task::JoinSet;

use crate::access::Access;
use crate::program::Program;

/// Which host keys a device has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostKeys {
    Modern,
    /// As old devices have it.
    RsaOnly,
}

/// An sshd that is asked anew for each connection, so that no port has to be guessed for it.
pub(crate) struct SshServer {
    program: Program,
    config: PathBuf,
    log: PathBuf,
    folder: PathBuf,
    keys: HostKeys,
    listener: TcpListener,
}

impl SshServer {
    /// Makes host keys and a configuration in `folder`, and takes a port.
    ///
    /// # Errors
    /// sshd or `ssh-keygen` is missing, or no port could be had.
    pub(crate) async fn prepare(
        folder: &Path,
        log: &Path,
        keys: HostKeys,
        access: &Access,
    ) -> Result<Self> {
        let server = Self {
            program: Program::of_the_system("sshd")?,
            config: folder.join("sshd_config"),
            log: log.to_owned(),
            folder: folder.to_owned(),
            keys,
            listener: TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?,
        };
        let mut config = format!(
            "AuthorizedKeysFile {}\nAllowUsers {}\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n\
             AllowTcpForwarding no\nAllowAgentForwarding no\nX11Forwarding no\nPrintMotd no\n\
             Subsystem sftp internal-sftp\n",
            access.authorized.display(),
            access.user
        );
        for kind in keys.kinds() {
            let key = server.host_key(kind);
            keygen(&key, kind).await?;
            config += &format!("HostKey {}\n", key.display());
        }
        fs::write(&server.config, config)?;
        // Where sshd, if it is root's, locks up the part of it that speaks with strangers.
        let _ = fs::create_dir_all("/run/sshd");
        Ok(server)
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The system does not tell.
    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.listener.local_addr()?)
    }

    /// The public keys that the agent is to report.
    pub(crate) fn public_keys(&self) -> Vec<PathBuf> {
        let kinds = self.keys.kinds().iter();
        kinds
            .map(|kind| self.host_key(kind).with_extension("pub"))
            .collect()
    }

    /// A way to give it other host keys than the agent has reported.
    pub(crate) fn impostor(&self) -> Impostor {
        Impostor {
            keys: self
                .keys
                .kinds()
                .iter()
                .map(|kind| (*kind, self.host_key(kind)))
                .collect(),
        }
    }

    /// Serves until it is dropped; what is open ends with it.
    pub(crate) async fn serve(self) {
        let mut open: JoinSet<()> = JoinSet::new();
        while let Ok((connection, _)) = self.listener.accept().await {
            match self.start(connection) {
                Ok(mut child) => {
                    open.spawn(async move {
                        let _ = child.wait().await;
                    });
                }
                Err(error) => eprintln!("an sshd did not start: {error:#}"),
            }
            while open.try_join_next().is_some() {}
        }
    }

    fn start(&self, connection: TcpStream) -> Result<Child> {
        let connection = connection.into_std()?;
        connection.set_nonblocking(false)?;
        let words = ["-i", "-f"].map(OsStr::new);
        let words = [words[0], words[1], self.config.as_os_str()];
        let socket = OwnedFd::from(connection);
        self.program.start_on_socket(&words, socket, &self.log)
    }

    fn host_key(&self, kind: &str) -> PathBuf {
        self.folder.join(format!("ssh_host_{kind}_key"))
    }
}

/// Changes host keys behind everybody's back, for tests.
pub(crate) struct Impostor {
    keys: Vec<(&'static str, PathBuf)>,
}

impl Impostor {
    /// Makes other keys; the next connection is served with them.
    ///
    /// # Errors
    /// `ssh-keygen` failed.
    pub(crate) async fn change_host_keys(&self) -> Result<()> {
        for (kind, path) in &self.keys {
            fs::remove_file(path)?;
            let _ = fs::remove_file(path.with_extension("pub"));
            keygen(path, kind).await?;
        }
        Ok(())
    }
}

impl HostKeys {
    const fn kinds(self) -> &'static [&'static str] {
        match self {
            Self::Modern => &["ed25519", "ecdsa"],
            Self::RsaOnly => &["rsa"],
        }
    }
}

/// Makes a key pair without a passphrase at `path`.
///
/// # Errors
/// `ssh-keygen` is missing or failed.
pub(crate) async fn keygen(path: &Path, kind: &str) -> Result<()> {
    let program = Program::of_the_system("ssh-keygen")?;
    let mut words: Vec<OsString> = ["-q", "-t", kind, "-N", "", "-C", "adit-demo", "-f"]
        .map(OsString::from)
        .into();
    words.push(path.into());
    let words: Vec<&OsStr> = words.iter().map(OsString::as_os_str).collect();
    program.ask(&words, "").await?;
    ensure!(path.is_file(), "ssh-keygen made no {}", path.display());
    Ok(())
}
