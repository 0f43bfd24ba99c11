//! The browser's SSH client on this machine, and a real sshd behind the device.

use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use remote_messages::StreamFault;
use remote_messages::ssh::{Open, Size, ToPage, ToWorker};
use remote_ssh::{Inbox, Page, Surroundings};
use remote_stream::Stats;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tunnel::driver::Stream;

use super::{PATIENCE, spawn};

/// An sshd that lets its own user in with a key of its own.
pub(super) struct Sshd {
    pub(super) port: u16,
    user: String,
    private_key: String,
    host_key: String,
    _folder: tempfile::TempDir,
}

impl Sshd {
    pub(super) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (host, key) = (folder.path().join("host"), folder.path().join("key"));
        keygen(&host);
        keygen(&key);
        let config = folder.path().join("sshd_config");
        let text = format!(
            "HostKey {}\nAuthorizedKeysFile {}.pub\nStrictModes no\nUsePAM no\nPidFile none\n\
             PermitRootLogin yes\nPasswordAuthentication no\nPrintMotd no\n",
            host.display(),
            key.display()
        );
        std::fs::write(&config, text).unwrap();
        let _ = std::fs::create_dir_all("/run/sshd");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        spawn(async move {
            let mut sessions = Vec::new();
            while let Ok((connection, _)) = listener.accept().await {
                let socket = connection.into_std().unwrap();
                socket.set_nonblocking(false).unwrap();
                let socket = OwnedFd::from(socket);
                // As inetd would: the port is ours, and nothing has to be guessed.
                let child = tokio::process::Command::new("/usr/sbin/sshd")
                    .args(["-i", "-f"])
                    .arg(&config)
                    .stdin(socket.try_clone().unwrap())
                    .stdout(socket)
                    .stderr(Stdio::null())
                    .kill_on_drop(true)
                    .spawn();
                sessions.push(child.expect("sshd: `cargo xtask setup` installs it"));
            }
        });
        let user = Command::new("id").arg("-un").output().unwrap().stdout;
        Self {
            port,
            user: String::from_utf8(user).unwrap().trim().to_owned(),
            private_key: std::fs::read_to_string(&key).unwrap(),
            host_key: public(&host),
            _folder: folder,
        }
    }

    /// A shell over the stream, signed in.
    pub(super) async fn shell(&self, stream: Stream) -> Shell {
        let open = Open {
            url: String::new(),
            user: self.user.clone(),
            size: Size {
                columns: 100,
                rows: 30,
            },
            host_keys: vec![self.host_key.clone()],
        };
        let (inbox, screen) = (Arc::new(Inbox::default()), Arc::new(Screen::default()));
        let session = (Arc::clone(&inbox), Arc::clone(&screen));
        spawn(async move {
            let (inbox, screen) = session;
            drop(remote_ssh::run(stream, &open, inbox, screen, &Native).await);
        });
        let shell = Shell { inbox, screen };
        shell.until("a sign-in", |screen| screen.asks()).await;
        let key = ToWorker::PrivateKey {
            text: self.private_key.clone(),
            passphrase: None,
        };
        shell.inbox.say(key).unwrap();
        shell.until("a shell", |screen| screen.has_shell()).await;
        shell
    }
}

pub(super) struct Shell {
    inbox: Arc<Inbox>,
    screen: Arc<Screen>,
}

impl Shell {
    pub(super) fn type_text(&self, text: &str) {
        self.inbox.type_bytes(text.as_bytes()).unwrap();
    }

    /// Until this is on the screen so often.
    pub(super) async fn shows(&self, text: &str, times: usize) {
        self.until(text, |screen| screen.count(text) >= times).await;
    }

    async fn until(&self, what: &str, is_so: impl Fn(&Screen) -> bool) {
        let waited = timeout(PATIENCE, async {
            while !is_so(&self.screen) {
                sleep(Duration::from_millis(10)).await;
            }
        });
        assert!(waited.await.is_ok(), "waited in vain: {what}");
    }
}

#[derive(Default)]
struct Screen {
    told: Mutex<Vec<ToPage>>,
    written: Mutex<Vec<u8>>,
}

impl Screen {
    fn asks(&self) -> bool {
        let told = self.told.lock().unwrap();
        told.iter()
            .any(|message| matches!(message, ToPage::SignIn(_)))
    }

    fn has_shell(&self) -> bool {
        let told = self.told.lock().unwrap();
        told.iter().any(|message| matches!(message, ToPage::Shell))
    }

    fn count(&self, text: &str) -> usize {
        let written = self.written.lock().unwrap();
        String::from_utf8_lossy(&written).matches(text).count()
    }
}

impl Page for Screen {
    fn tell(&self, message: ToPage) {
        self.told.lock().unwrap().push(message);
    }

    fn write(&self, bytes: Bytes) {
        self.written.lock().unwrap().extend_from_slice(&bytes);
    }
}

struct Native;

impl Surroundings for Native {
    async fn sleep(&self, time: Duration) {
        sleep(time).await;
    }

    fn fault(&self) -> Option<StreamFault> {
        None
    }

    fn stats(&self) -> Stats {
        Stats::default()
    }
}

fn keygen(path: &PathBuf) {
    let words = ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f"];
    let made = Command::new("ssh-keygen").args(words).arg(path).status();
    assert!(
        made.is_ok_and(|status| status.success()),
        "ssh-keygen: `cargo xtask setup` installs it"
    );
}

/// `algorithm base64`
fn public(private: &Path) -> String {
    let line = std::fs::read_to_string(private.with_extension("pub")).unwrap();
    let words: Vec<_> = line.split_whitespace().take(2).collect();
    words.join(" ")
}
