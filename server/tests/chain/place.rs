//! The server of the chain tests: the real one, on a port of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use agent::{DeviceKey, Service};
use api::{CreateApiToken, CreateInstallKey, DeviceId, Enrol, TokenScope, UserId};
use fault::Settings;
use server::access::{Scope, Subject, Via};
use server::clock::Clock;
use server::config::Config;
use server::lifecycle::Outcome;
use server::{Handle, Server};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use zeroize::Zeroizing;

use crate::harness::{Access, RunningAgent, enroll, soon, spawn};
use crate::network::Network;

const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct Place {
    pub(crate) access: Access,
    pub(crate) port: u16,
    /// Where figures are.
    pub(crate) metrics: SocketAddr,
    handle: Handle,
    folder: TempDir,
    serving: JoinHandle<Outcome>,
}

impl Place {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::at(listener, tempfile::tempdir().unwrap(), |_| {}).await
    }

    /// A server whose configuration differs.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        Self::at(listener, tempfile::tempdir().unwrap(), change).await
    }

    /// A server that is reached through a network that can be cut; one lost tunnel or stream is
    /// kept for so long.
    pub(crate) async fn behind(resume_s: u64) -> (Self, Network) {
        Self::behind_a(Settings::default(), resume_s).await
    }

    /// The same with a network of another kind.
    pub(crate) async fn behind_a(network: Settings, resume_s: u64) -> (Self, Network) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let network = Network::start(listener.local_addr().unwrap(), network);
        let folder = tempfile::tempdir().unwrap();
        let change = |config: &mut Config| config.limits.resume_s = resume_s;
        let place = Self::reached(listener, folder, network.port(), change).await;
        (place, network)
    }

    /// A server that is reached at another port than its own.
    pub(crate) async fn reached_at(listener: TcpListener, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::reached(listener, folder, port, |_| {}).await
    }

    async fn at(listener: TcpListener, folder: TempDir, change: impl FnOnce(&mut Config)) -> Self {
        let port = listener.local_addr().unwrap().port();
        Self::reached(listener, folder, port, change).await
    }

    async fn reached(
        listener: TcpListener,
        folder: TempDir,
        port: u16,
        change: impl FnOnce(&mut Config),
    ) -> Self {
        let public_url = format!("http://adit.localhost:{port}");
        let mut config = Config::new(&public_url, "adit.localhost").unwrap();
        // A name that programs outside of this process can resolve too, and one behind a proxy.
        let by_program = format!("http://localhost:{port}");
        config.agent_origins = [by_program.as_str(), "https://adit.example"]
            .map(|origin| origin.parse().unwrap())
            .to_vec();
        config.listen.address = listener.local_addr().unwrap();
        config.database.path = folder.path().join("adit.db");
        change(&mut config);
        let server = Server::build(config, Clock::system()).await.unwrap();
        let handle = server.handle();
        let access = Access {
            relay: handle.relay.clone(),
            leases: handle.leases.clone(),
        };
        let figures = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let metrics = figures.local_addr().unwrap();
        let server = server.with_metrics(figures).unwrap();
        let serving = spawn(server.serve(listener));
        Self {
            access,
            port,
            metrics,
            handle,
            folder,
            serving,
        }
    }

    pub(crate) fn agent_config(&self, services: Vec<Service>) -> agent::Config {
        agent::Config {
            server: format!("http://adit.localhost:{}", self.port)
                .parse()
                .unwrap(),
            key_file: "unused".into(),
            ca_file: None,
            proxy: agent::Proxy::Environment,
            client_certificate: None,
            ssh_host_key_files: None,
            services,
        }
    }

    pub(crate) async fn install_key(&self) -> String {
        let organization = self.handle.accounts.default_organization().await.unwrap();
        let input = CreateInstallKey {
            name: "bench".to_owned(),
            ..CreateInstallKey::default()
        };
        let created = self
            .handle
            .devices
            .create_install_key(Scope::of(organization), input)
            .await;
        created.unwrap().secret
    }

    /// Enrols a device and runs its agent.
    pub(crate) async fn device(&self, services: Vec<Service>) -> Device {
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let config = self.agent_config(services);
        let id = enroll(&config, &key, &self.install_key().await)
            .await
            .unwrap();
        Device {
            id,
            agent: RunningAgent::start(config.clone(), &key),
            key,
            config,
        }
    }

    /// Enrols a device by its key alone: no agent of ours runs for it.
    pub(crate) async fn enrol_key(&self, key: [u8; 32]) -> DeviceId {
        let input = Enrol {
            install_key: self.install_key().await,
            name: "raw".to_owned(),
        };
        let enrolled = self.handle.devices.enrol(key, input).await;
        enrolled.unwrap().device_id
    }

    async fn admin(&self) -> UserId {
        let password = Zeroizing::new(PASSWORD.to_owned());
        let made = self.handle.accounts.create_admin("ada", password).await;
        made.unwrap()
    }

    /// A right that is found when it is looked for again, every 30 s; its user is made for it.
    pub(crate) async fn lasting_right(&self, device: DeviceId) -> Subject {
        let user = self.admin().await;
        let input = CreateApiToken {
            name: "test".to_owned(),
            scope: TokenScope::Full,
            expires_in_s: None,
        };
        let accounts = &self.handle.accounts;
        let token = accounts.create_api_token_for("ada", input).await.unwrap();
        Subject {
            user,
            organization: accounts.default_organization().await.unwrap(),
            via: Via::ApiToken(token.token.id, TokenScope::Full),
            device: Some(device),
        }
    }

    /// A user's full token; the user is made for it.
    pub(crate) async fn token(&self) -> String {
        self.admin().await;
        self.another_token().await
    }

    /// One more of the same user.
    pub(crate) async fn another_token(&self) -> String {
        let input = CreateApiToken {
            name: "test".to_owned(),
            scope: TokenScope::Full,
            expires_in_s: None,
        };
        let token = self
            .handle
            .accounts
            .create_api_token_for("ada", input)
            .await
            .unwrap();
        token.secret
    }

    /// A user's cookie, of a sign-in as a browser does it; the user is made for it.
    pub(crate) async fn cookie(&self) -> String {
        self.admin().await;
        let body = format!(r#"{{"username":"ada","password":"{PASSWORD}"}}"#);
        let answer = self
            .ask(&format!(
                "POST /api/v1/sign-in HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        let cookie = answer
            .split("set-cookie: ")
            .nth(1)
            .and_then(|line| line.split(';').next());
        cookie.unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// As the app does it.
    pub(crate) async fn sign_out(&self, cookie: &str) {
        let answer = self
            .ask(&format!(
                "POST /api/v1/sign-out HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
                 Origin: http://HOST\r\nCookie: {cookie}\r\nContent-Length: 0\r\n\r\n"
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    /// As a program does it, over the API.
    pub(crate) async fn delete(&self, device: DeviceId) {
        let token = self.token().await;
        self.delete_with(device, &token).await;
    }

    pub(crate) async fn delete_with(&self, device: DeviceId, token: &str) {
        let answer = self
            .ask(&format!(
                "DELETE /api/v1/devices/{device} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
                 Authorization: Bearer {}\r\n\r\n",
                token
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    }

    /// As a program does it, over the API.
    pub(crate) async fn disable(&self, device: DeviceId, token: &str, disabled: bool) {
        let body = format!(r#"{{"disabled":{disabled}}}"#);
        let answer = self
            .ask(&format!(
                "PATCH /api/v1/devices/{device} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\
                 Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// A raw request with `HOST` for the manager's; the whole answer.
    pub(crate) async fn ask(&self, request: &str) -> String {
        let request = request.replace("HOST", &format!("adit.localhost:{}", self.port));
        Self::ask_at((Ipv4Addr::LOCALHOST, self.port).into(), &request).await
    }

    /// The whole answer to a raw request.
    pub(crate) async fn ask_at(address: SocketAddr, request: &str) -> String {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        soon("an answer", connection.read_to_end(&mut answer))
            .await
            .unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Stops softly and starts another server at the same port with the same records.
    pub(crate) async fn restart(self) -> Self {
        self.handle.shutdown();
        let _ = soon("the server's stop", self.serving).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port))
            .await
            .unwrap();
        Self::at(listener, self.folder, |_| {}).await
    }

    /// Stops softly; comes to its end with the server.
    pub(crate) fn stop(self) -> JoinHandle<Outcome> {
        self.handle.shutdown();
        self.serving
    }

    /// Leaves nothing time to finish.
    pub(crate) fn stop_hard(&self) {
        self.handle.shutdown();
        self.handle.shutdown();
    }
}

pub(crate) struct Device {
    pub(crate) id: DeviceId,
    pub(crate) key: Arc<DeviceKey>,
    pub(crate) config: agent::Config,
    pub(crate) agent: RunningAgent,
}
