//! A server with a device of an agent that speaks WebTunnel.

use std::net::Ipv4Addr;
use std::time::Duration;

use api::{Device, DeviceId, DeviceState, OrganizationId};
use http::{HeaderMap, StatusCode, header};
use server::Server;
use server::access::{Scope, Subject};
use server::clock::Clock;
use server::config::Config;
use server::relay::{OpenError, RelayStream};
use server::webtunnel::{AgentMade, NewAgent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tunnel::wire::Target;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::device::WebServer;
use crate::harness::{Browser, PASSWORD, Place, between, text};
use crate::stub::{Settings, Stub};
use crate::waiting::{soon, spawn};

pub(crate) const AGENT_ID: &str = "dev-0001";

/// All of it.
pub(crate) struct Scene {
    pub(crate) place: Place,
    pub(crate) web: WebServer,
    pub(crate) device: DeviceId,
    pub(crate) settings: Settings,
    pub(crate) domain: &'static str,
    label: String,
    /// Signs in once: too many sign-ins are refused.
    visitor: OnceCell<Browser>,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        Self::with("devices.localhost", |_| {}).await
    }

    pub(crate) async fn with(domain: &'static str, change: impl FnOnce(&mut Config)) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let public_url = format!("http://adit.localhost:{}", address.port());
        let mut config = Config::new(&public_url, domain).unwrap();
        config.listen.address = address;
        config.database.path = folder.path().join("adit.db");
        change(&mut config);
        let server = Server::build(config, Clock::system()).await.unwrap();
        let handle = server.handle();
        let password = Zeroizing::new(PASSWORD.to_owned());
        handle.accounts.create_admin("ada", password).await.unwrap();
        spawn(async move {
            let _ = server.serve(listener).await;
        });
        let place = Place {
            port: address.port(),
            handle,
            folder,
        };
        let input = NewAgent {
            agent_id: AGENT_ID.to_owned(),
            domain: None,
            name: None,
            password: None,
        };
        let organization = place.handle.accounts.default_organization().await.unwrap();
        let made = place
            .handle
            .webtunnel
            .create_agent(Scope::of(organization), input)
            .await
            .unwrap();
        let web = WebServer::start().await;
        let settings = Settings {
            port: place.port,
            authority: format!("{domain}:{}", place.port),
            target: "/".to_owned(),
            user: format!("{AGENT_ID}@{}", made.domain),
            password: made.secret.unwrap().reveal().to_owned(),
            ports: vec![web.port],
            properties: vec![format!("httpPort={}", web.port)],
            keep_alive: true,
            confirms_late: false,
            dozes: Duration::ZERO,
            more: String::new(),
        };
        Self {
            place,
            web,
            device: made.device,
            settings,
            domain,
            label: made.label,
            visitor: OnceCell::new(),
        }
    }

    /// A device of another organization.
    pub(crate) async fn foreign(&self, agent_id: &str) -> AgentMade {
        let file = self.place.folder.path().join("adit.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
        let database = sqlx::SqlitePool::connect_with(options).await.unwrap();
        let organization = OrganizationId(Uuid::max());
        sqlx::query(
            "INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, 4102444800000000)",
        )
        .bind(organization.0)
        .bind(agent_id)
        .execute(&database)
        .await
        .unwrap();
        database.close().await;
        let input = NewAgent {
            agent_id: agent_id.to_owned(),
            domain: None,
            name: None,
            password: None,
        };
        let webtunnel = &self.place.handle.webtunnel;
        let made = webtunnel.create_agent(Scope::of(organization), input).await;
        made.unwrap()
    }

    /// The agent, and its device is online.
    pub(crate) async fn connect(&self) -> Stub {
        let stub = Stub::connect(&self.settings).await;
        let stub = stub.unwrap_or_else(|answer| panic!("{answer:?}"));
        self.until_state(DeviceState::Online).await;
        soon("the services", async {
            while self.view().await.services.is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        stub
    }

    /// Where the app's link to the device's page leads.
    pub(crate) async fn link(&self) -> String {
        let services = self.view().await.services;
        services
            .into_iter()
            .find_map(|service| service.url)
            .unwrap()
    }

    pub(crate) async fn view(&self) -> Device {
        let accounts = &self.place.handle.accounts;
        let organization = accounts.default_organization().await.unwrap();
        let devices = &self.place.handle.devices;
        devices
            .device(Scope::of(organization), self.device)
            .unwrap()
    }

    pub(crate) async fn until_state(&self, state: DeviceState) {
        soon("another state of the device", async {
            while self.place.handle.devices.state(self.device) != Some(state) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }

    /// The device's name, without port.
    pub(crate) fn host(&self) -> String {
        format!("{}.{}", self.label, self.domain)
    }

    pub(crate) fn page(&self) -> String {
        format!("http://{}:{}", self.host(), self.place.port)
    }

    pub(crate) async fn signed_in(&self) -> Browser {
        self.visitor
            .get_or_init(|| self.place.signed_in())
            .await
            .clone()
    }

    /// A service of the device that only knows bytes: `port-N`.
    pub(crate) async fn open(&self, port: u16) -> Result<RelayStream, OpenError> {
        let browser = self.signed_in().await;
        let mut headers = HeaderMap::new();
        let line = browser.cookie_line("adit.localhost").unwrap();
        headers.insert(header::COOKIE, line.parse().unwrap());
        let handle = &self.place.handle;
        let principal = handle.accounts.signed_in(&headers).await;
        let principal = principal.unwrap().unwrap();
        let subject = Subject::new(&principal, Some(self.device));
        let lease = handle.leases.issue(subject);
        let target = Target::Service(format!("port-{port}"));
        handle.relay.open(self.device, target, lease).await
    }

    /// A browser that has the device's page open.
    pub(crate) async fn visiting(&self) -> Browser {
        let mut browser = self.signed_in().await;
        let code = browser.obtain_code(&format!("{}/", self.page())).await;
        let answer = browser.redeem(&code).await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(between(&text(answer).await, "\"location\":\"", "\""), "/");
        browser
    }
}

/// A service that speaks first and then echoes.
pub(crate) async fn banner() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            spawn(async move {
                connection.write_all(b"SSH-2.0-x\r\n").await.unwrap();
                let (mut from, mut to) = connection.split();
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    port
}

/// A service that reads to the end, then answers how much it was, and ends.
pub(crate) async fn counting() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            spawn(async move {
                let mut all = Vec::new();
                connection.read_to_end(&mut all).await.unwrap();
                let answer = format!("{} bytes", all.len());
                connection.write_all(answer.as_bytes()).await.unwrap();
            });
        }
    });
    port
}
