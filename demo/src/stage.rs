//! All that the demo runs, in the order it is set up; dropped, all of it is gone.

use std::path::Path;
use std::sync::{Arc, Weak};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use api::DeviceState;
use tokio::net::TcpListener;
use tokio::sync::Mutex;

use crate::Options;
use crate::access::Access;
use crate::device::Device;
use crate::layout::Site;
use crate::rest::Rest;
use crate::server::{Secrets, Server};

const ONLINE_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Who signs in.
pub(crate) const USERNAME: &str = "admin";

/// The running demo; dropped, its programs end.
pub(crate) struct Stage(Arc<Parts>);

/// A way to the stage as long as it stands; cheap to clone.
#[derive(Clone)]
pub(crate) struct WeakStage(Weak<Parts>);

impl WeakStage {
    pub(crate) fn upgrade(&self) -> Option<Stage> {
        self.0.upgrade().map(Stage)
    }
}

struct Parts {
    url: String,
    access: Access,
    secrets: Secrets,
    rest: Rest,
    server: Mutex<Server>,
    devices: Vec<Mutex<Device>>,
}

impl Stage {
    /// Starts the server and the devices, and waits until all are online.
    ///
    /// # Errors
    /// Something did not start; nothing is left running.
    pub(crate) async fn set_up(options: &Options, folder: &Path) -> Result<Self> {
        let logs = options.logs.as_deref().unwrap_or(folder);
        std::fs::create_dir_all(logs).context("no folder for logs")?;
        let port = free_port(options.port).await?;
        let site = Site::make(options.layout, port, folder)?;

        let mut server = Server::prepare(folder, logs, &site)?;
        let secrets = server.make_records(USERNAME).await?;
        let rest = Rest::new(&site, secrets.api_token.clone())?;
        server.start(&rest).await?;

        let mut devices = Vec::new();
        let access = Access::make(folder).await?;
        for number in 0..options.devices {
            let key = &secrets.install_key;
            let mut device = Device::enrol(number, folder, logs, &site, key, &access)
                .await
                .with_context(|| format!("the server says:\n{}", server.last_words()))?;
            device.start()?;
            devices.push(Mutex::new(device));
        }
        let server = Mutex::new(server);
        let stage = Self(Arc::new(Parts {
            url: site.url(),
            access,
            secrets,
            rest,
            server,
            devices,
        }));
        stage.wait_until_online().await?;
        Ok(stage)
    }

    /// Goes on until the server ends by itself.
    ///
    /// # Errors
    /// It did.
    pub(crate) async fn watch(&self) -> Result<()> {
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let mut server = self.0.server.lock().await;
            if server.has_ended() {
                bail!("the server ended by itself:\n{}", server.last_words());
            }
        }
    }

    pub(crate) fn downgrade(&self) -> WeakStage {
        WeakStage(Arc::downgrade(&self.0))
    }

    pub(crate) fn url(&self) -> &str {
        &self.0.url
    }

    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    /// How to sign in at a device's terminal.
    pub(crate) fn access(&self) -> &Access {
        &self.0.access
    }

    /// The devices in the order they were set up, as the server tells of them.
    ///
    /// # Errors
    /// The server did not answer.
    pub(crate) async fn devices(&self) -> Result<Vec<api::Device>> {
        let mut devices = self.0.rest.devices().await?;
        // Ids are made in order of time.
        devices.sort_by_key(|device| device.enrolled_at);
        Ok(devices)
    }

    /// Ends the agent of a device.
    ///
    /// # Errors
    /// There is no such device, or its agent could not be ended.
    pub(crate) async fn stop_device(&self, number: usize) -> Result<()> {
        self.device(number)?.lock().await.stop().await
    }

    /// Starts the agent of a device again.
    ///
    /// # Errors
    /// There is no such device, or its agent could not be started.
    pub(crate) async fn start_device(&self, number: usize) -> Result<()> {
        self.device(number)?.lock().await.start()
    }

    /// Gives the SSH server of a device other host keys than its agent has reported.
    ///
    /// # Errors
    /// There is no such device, or they could not be made.
    pub(crate) async fn change_host_keys(&self, number: usize) -> Result<()> {
        self.device(number)?.lock().await.change_host_keys().await
    }

    /// Ends the server without warning.
    ///
    /// # Errors
    /// It could not be ended.
    pub(crate) async fn kill_server(&self) -> Result<()> {
        self.0.server.lock().await.kill().await
    }

    /// Starts the server again and waits until it takes requests.
    ///
    /// # Errors
    /// It is not ready in time.
    pub(crate) async fn start_server(&self) -> Result<()> {
        self.0.server.lock().await.start(&self.0.rest).await
    }

    fn device(&self, number: usize) -> Result<&Mutex<Device>> {
        self.0
            .devices
            .get(number)
            .context("there is no such device")
    }

    async fn wait_until_online(&self) -> Result<()> {
        let online = async {
            loop {
                let devices = self.0.rest.devices().await?;
                let up = devices
                    .iter()
                    .filter(|device| device.state == DeviceState::Online);
                if up.count() >= self.0.devices.len() {
                    return anyhow::Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        match tokio::time::timeout(ONLINE_WITHIN, online).await {
            Ok(outcome) => outcome,
            Err(_) => bail!(
                "not all devices are online after {ONLINE_WITHIN:?}; the server says:\n{}",
                self.0.server.lock().await.last_words()
            ),
        }
    }
}

/// The port asked for, or one that is free at this moment: addresses in the server's configuration
/// name it, so it must be known before the server binds it.
async fn free_port(port: u16) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", port))
        .await
        .with_context(|| format!("port {port} is taken; try --port 0"))?;
    Ok(listener.local_addr()?.port())
}
