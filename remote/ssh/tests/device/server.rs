//! Real SSH servers.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::client::SOON;

/// The account of [`Server`].
pub(crate) const USER: &str = "root";
/// Its password.
pub(crate) const PASSWORD: &str = "correct horse";
/// As `openssl passwd -6` makes it.
const PASSWORD_HASH: &str = "$6$aditaditadit$MERqhFGXywf.hxQYVvCMGPadN39GiMUSCk7ayd6lRwhIDfDLGFICbHJPLgMif5M2OK6MCT5g0YFL2X83.BJRZ0";

/// A server that sees an account of its own, and the machine's as to all else.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The text of the key that may sign in.
    pub(crate) key: String,
    /// The host's public keys, `algorithm base64`.
    pub(crate) host_keys: Vec<String>,
    pub(crate) folder: TempDir,
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    /// OpenSSH with host keys of these kinds, and more lines in its configuration.
    pub(crate) async fn openssh(host_kinds: &[&str], more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let key = user_key(&path);
        let port = free_port().await;
        let mut config = format!(
            "{more}\nPort {port}\nListenAddress 127.0.0.1\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n\
             PrintMotd no\nPrintLastLog no\n"
        );
        let mut host_keys = Vec::new();
        for kind in host_kinds {
            let file = path.join(format!("host_{kind}"));
            keygen(&["-t", kind, "-N", "", "-f"], &file);
            config += &format!("HostKey {}\n", file.display());
            host_keys.push(public(&file));
        }
        let config_path = path.join("sshd_config");
        fs::write(&config_path, config).unwrap();
        // Wanted by sshd when it is started as root.
        let _ = fs::create_dir_all("/run/sshd");
        let process = with_account(&path)
            .args(["/usr/sbin/sshd", "-D", "-e", "-f"])
            .arg(&config_path)
            .stderr(fs::File::create(path.join("log")).unwrap())
            .spawn()
            .unwrap();
        Self::started(port, key, host_keys, folder, process).await
    }

    /// Dropbear, the SSH server of small devices.
    pub(crate) async fn dropbear() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let key = user_key(&path);
        let port = free_port().await;
        let host = path.join("host");
        let made = Command::new("dropbearkey")
            .args(["-t", "ed25519", "-f"])
            .arg(&host)
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let printed = String::from_utf8(made.stdout).unwrap();
        let line = printed.lines().find(|line| line.starts_with("ssh-"));
        let host_keys = vec![line.unwrap().to_owned()];
        let mut command = with_account(&path);
        command
            .args(["dropbear", "-F", "-E", "-p"])
            .arg(format!("127.0.0.1:{port}"))
            .arg("-r")
            .arg(&host)
            .arg("-P")
            .arg(path.join("pid"))
            .stderr(fs::File::create(path.join("log")).unwrap());
        let process = command.spawn().unwrap();
        Self::started(port, key, host_keys, folder, process).await
    }

    async fn started(
        port: u16,
        key: String,
        host_keys: Vec<String>,
        folder: TempDir,
        process: Child,
    ) -> Self {
        let server = Self {
            port,
            key,
            host_keys,
            folder,
            process,
        };
        let listens = async {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        let started = tokio::time::timeout(SOON, listens).await;
        assert!(started.is_ok(), "it did not start: {}", server.log());
        server
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Another private key for the account, made by ssh-keygen.
    pub(crate) fn another_key(&self, name: &str, words: &[&str]) -> String {
        let file = self.folder.path().join(name);
        keygen(&[words, &["-f"]].concat(), &file);
        let authorized = self.folder.path().join(".ssh/authorized_keys");
        let all = fs::read_to_string(&authorized).unwrap() + &public(&file) + "\n";
        fs::write(authorized, all).unwrap();
        fs::read_to_string(file).unwrap()
    }
}

/// A command that sees [`USER`] with [`PASSWORD`] and a home in `folder`, by mounts of its own
/// which end with it.
fn with_account(folder: &Path) -> Command {
    let home = folder.display();
    let accounts = format!(
        "root:x:0:0:root:{home}:/bin/sh\n\
         sshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n\
         nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    );
    let passwords = format!("root:{PASSWORD_HASH}:20000:0:99999:7:::\n");
    fs::write(folder.join("passwd"), accounts).unwrap();
    fs::write(folder.join("shadow"), passwords).unwrap();
    let script = "for file in passwd shadow; do mount --bind \"$0/$file\" /etc/$file || exit 1; done; \
                  exec \"$@\"";
    let mut command = Command::new("unshare");
    if !nix::unistd::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    command.args(["--mount", "sh", "-c", script]).arg(folder);
    command
}

/// A key that nobody knows.
pub(crate) fn stranger() -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("stranger");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &file);
    (fs::read_to_string(&file).unwrap(), public(&file))
}

fn user_key(folder: &Path) -> String {
    let file = folder.join("id");
    keygen(&["-t", "ed25519", "-N", "", "-f"], &file);
    // Where the home's own file is, for servers that cannot be told another.
    let ssh = folder.join(".ssh");
    fs::create_dir(&ssh).unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o700)).unwrap();
    let authorized = ssh.join("authorized_keys");
    fs::write(&authorized, public(&file) + "\n").unwrap();
    fs::set_permissions(&authorized, fs::Permissions::from_mode(0o600)).unwrap();
    fs::read_to_string(file).unwrap()
}

/// `algorithm base64` of a key's public half.
fn public(file: &Path) -> String {
    let line = fs::read_to_string(file.with_extension("pub")).unwrap();
    line.split_whitespace()
        .take(2)
        .collect::<Vec<_>>()
        .join(" ")
}

fn keygen(words: &[&str], file: &Path) {
    let made = Command::new("ssh-keygen")
        .arg("-q")
        .args(words)
        .arg(file)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    listener.local_addr().unwrap().port()
}
