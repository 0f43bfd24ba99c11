//! Agents behind a company's proxy: a real one, from Debian.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use agent::{DeviceKey, Proxy, ProxyError, ServerError};
use tempfile::TempDir;

use crate::harness::{Behaviour, RunningAgent, TestService, closed_port, enroll, service, until};
use crate::place::Place;
use crate::programs::{Running, program};

struct Tinyproxy {
    port: u16,
    folder: TempDir,
    running: Running,
}

impl Tinyproxy {
    /// With `more` in its configuration.
    async fn start(more: &str) -> Self {
        let (port, folder) = (closed_port().await, tempfile::tempdir().unwrap());
        let config = format!(
            "Port {port}\nListen 127.0.0.1\nTimeout 600\nMaxClients 20\nLogLevel Connect\n\
             LogFile \"{}\"\n{more}\n",
            folder.path().join("log").display()
        );
        std::fs::write(folder.path().join("tinyproxy.conf"), config).unwrap();
        let running = Self::run(&folder, port).await;
        Self {
            port,
            folder,
            running,
        }
    }

    async fn run(folder: &TempDir, port: u16) -> Running {
        let mut command = Command::new(program("tinyproxy"));
        command.args(["-d", "-c"]);
        let mut running = Running::start(command.arg(folder.path().join("tinyproxy.conf")));
        until("tinyproxy listens", async || {
            running.assert_runs();
            tokio::net::TcpStream::connect(("127.0.0.1", port))
                .await
                .is_ok()
        })
        .await;
        running
    }

    async fn restart(self) -> Self {
        let Self {
            port,
            folder,
            running,
        } = self;
        drop(running);
        let running = Self::run(&folder, port).await;
        Self {
            port,
            folder,
            running,
        }
    }

    fn address(&self, credentials: &str) -> Proxy {
        let url = format!("http://{credentials}127.0.0.1:{}", self.port);
        Proxy::At(url.parse().unwrap())
    }

    fn log(&self) -> String {
        let path: PathBuf = self.folder.path().join("log");
        std::fs::read_to_string(path).unwrap()
    }
}

/// The name is resolved by the proxy; `adit.localhost` no other resolver knows.
fn config(place: &Place, port: u16, proxy: Proxy) -> agent::Config {
    agent::Config {
        server: format!("http://localhost:{}", place.port).parse().unwrap(),
        proxy,
        ..place.agent_config(vec![service("echo", port)])
    }
}

#[tokio::test]
async fn a_device_enrols_and_lives_behind_a_proxy_and_survives_its_restart() {
    let place = Place::start().await;
    let echo = TestService::start(Behaviour::Echo).await;
    for (more, credentials) in [("", ""), ("BasicAuth device s3cret", "device:s3cret@")] {
        let proxy = Tinyproxy::start(more).await;
        let config = config(&place, echo.port, proxy.address(credentials));
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let id = enroll(&config, &key, &place.install_key().await)
            .await
            .unwrap();
        let agent = RunningAgent::start(config, &key);
        place.access.assert_echo(id).await;
        let wanted = format!("CONNECT localhost:{} HTTP/1.1", place.port);
        assert!(proxy.log().contains(&wanted), "{}", proxy.log());
        let proxy = proxy.restart().await;
        place.access.assert_echo(id).await;
        drop(proxy);
        until("nothing leads around the proxy", async || {
            place.access.relay.tunnels() == 0
        })
        .await;
        agent.stop().await;
    }
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told_apart() {
    let place = Place::start().await;
    let key = Arc::new(DeviceKey::ephemeral().unwrap());
    let open = Tinyproxy::start("").await;
    let locked = Tinyproxy::start("BasicAuth device s3cret").await;
    let narrow = Tinyproxy::start("ConnectPort 443").await;
    let gone = agent::Config {
        server: format!("http://localhost:{}", closed_port().await)
            .parse()
            .unwrap(),
        ..config(&place, 1, open.address(""))
    };
    let nobody = format!("http://127.0.0.1:{}", closed_port().await);
    let nobody = Proxy::At(nobody.parse().unwrap());
    for (config, said) in [
        (
            config(&place, 1, locked.address("")),
            "wants a user name and a password (407): set proxy",
        ),
        (
            config(&place, 1, locked.address("device:wr0ng@")),
            "does not take this user name and password",
        ),
        (
            config(&place, 1, narrow.address("")),
            "does not allow connections to localhost",
        ),
        (gone, "could not connect to localhost"),
        (config(&place, 1, nobody), "no connection to the proxy"),
    ] {
        let error = enroll(&config, &key, "unused").await.unwrap_err();
        assert!(matches!(error, ServerError::Proxy(_)), "{error:?}");
        assert!(error.to_string().contains(said), "{error}");
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
    }
    let refused = enroll(&config(&place, 1, locked.address("")), &key, "unused").await;
    assert!(matches!(
        refused,
        Err(ServerError::Proxy(ProxyError::CredentialsWanted { .. }))
    ));
}
