//! A server, agents and services in one process.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use agent::{Agent, DeviceKey, Service};
use api::{DeviceId, Enrol, OrganizationId, ServiceKind, SignInId, UserId};
use server::access::{Lease, Leases, Subject, Via};
use server::relay::{OpenError, Relay, RelayStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tunnel::wire::Target;
use uuid::Uuid;

pub(crate) use crate::waiting::{soon, spawn};

/// Asks again until it is true; each turn lets everybody else run.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    soon(what, async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}

/// A stream's end as a peer sees it.
pub(crate) async fn read_to_end(stream: &mut RelayStream) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    soon("the end of a stream", stream.read_to_end(&mut bytes))
        .await
        .map(|_| bytes)
}

/// What a service does with each connection.
#[derive(Clone, Copy)]
pub(crate) enum Behaviour {
    /// Sends for ever, reads nothing.
    Flood,
    /// Sends back what comes, ends when the other side has ended.
    Echo,
    /// Sends one byte, then breaks.
    Reset,
    /// Says nothing, reads nothing, and tells how the connection ended.
    Hold,
}

/// How a held connection ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    Clean,
    Broken,
}

/// A service on a port of its own.
pub(crate) struct TestService {
    pub(crate) port: u16,
    pub(crate) ends: tokio::sync::mpsc::Receiver<End>,
}

impl TestService {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, ends) = tokio::sync::mpsc::channel(64);
        spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let sender = sender.clone();
                spawn(async move {
                    if let Some(end) = behave(behaviour, connection).await {
                        let _ = sender.try_send(end);
                    }
                });
            }
        });
        Self { port, ends }
    }

    pub(crate) async fn next_end(&mut self) -> End {
        soon("the end of a service's connection", self.ends.recv())
            .await
            .unwrap()
    }
}

async fn behave(behaviour: Behaviour, mut connection: TcpStream) -> Option<End> {
    match behaviour {
        Behaviour::Echo => {
            let (mut reader, mut writer) = connection.split();
            let _ = tokio::io::copy(&mut reader, &mut writer).await;
            let _ = writer.shutdown().await;
            None
        }
        Behaviour::Flood => {
            let chunk = vec![0; 64 << 10];
            while connection.write_all(&chunk).await.is_ok() {}
            None
        }
        Behaviour::Reset => {
            let _ = connection.write_all(b"x").await;
            // Until the byte has arrived: RST would throw it away.
            let _ = connection.read_u8().await;
            connection.set_zero_linger().unwrap();
            None
        }
        Behaviour::Hold => {
            let mut byte = [0];
            loop {
                match connection.read(&mut byte).await {
                    Ok(0) => return Some(End::Clean),
                    Ok(_) => {}
                    Err(_) => return Some(End::Broken),
                }
            }
        }
    }
}

/// A port where nothing listens.
pub(crate) async fn closed_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    listener.local_addr().unwrap().port()
}

pub(crate) fn service(name: &str, port: u16) -> Service {
    let host = "127.0.0.1".parse().unwrap();
    Service {
        name: name.to_owned(),
        kind: ServiceKind::Tcp,
        host,
        port,
        tls: false,
    }
}

/// An agent that runs.
pub(crate) struct RunningAgent {
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl RunningAgent {
    pub(crate) fn start(config: agent::Config, key: &Arc<DeviceKey>) -> Self {
        let stop = CancellationToken::new();
        let agent = Agent::new(config, Arc::clone(key)).unwrap();
        Self {
            task: spawn(agent.run(stop.clone())),
            stop,
        }
    }

    /// As by SIGTERM.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        soon("the agent's stop", self.task).await.unwrap();
    }

    /// It is gone from one moment to the next, with all it had under way.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.is_err_and(|error| error.is_cancelled()));
    }
}

/// What every server of these tests can do, however it was built.
pub(crate) struct Access {
    pub(crate) relay: Relay,
    pub(crate) leases: Leases,
}

impl Access {
    pub(crate) fn lease(&self, device: DeviceId) -> Lease {
        self.leases.issue(Subject {
            user: UserId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            via: Via::SignIn(SignInId(Uuid::nil())),
            device: Some(device),
        })
    }

    pub(crate) async fn open(
        &self,
        device: DeviceId,
        name: &str,
    ) -> Result<RelayStream, OpenError> {
        let target = Target::Service(name.to_owned());
        soon(
            "an answer to OPEN",
            self.relay.open(device, target, self.lease(device)),
        )
        .await
    }

    /// Opens as soon as the device is there.
    pub(crate) async fn open_when_up(&self, device: DeviceId, name: &str) -> RelayStream {
        soon("the device", async {
            loop {
                match self.open(device, name).await {
                    Ok(stream) => return stream,
                    Err(OpenError::Offline | OpenError::Reconnecting) => {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        })
        .await
    }

    /// Proves that bytes go both ways and both ends end cleanly.
    pub(crate) async fn assert_echo(&self, device: DeviceId) {
        let mut stream = self.open_when_up(device, "echo").await;
        stream.write_all(b"are you there?").await.unwrap();
        stream.shutdown().await.unwrap();
        assert_eq!(read_to_end(&mut stream).await.unwrap(), b"are you there?");
    }
}

pub(crate) async fn enroll(
    config: &agent::Config,
    key: &Arc<DeviceKey>,
    install_key: &str,
) -> Result<DeviceId, agent::ServerError> {
    let request = Enrol {
        install_key: install_key.to_owned(),
        name: "bench".to_owned(),
    };
    let enrolled = soon(
        "enrolment",
        agent::enroll(config, Arc::clone(key), &request),
    )
    .await?;
    Ok(enrolled.device_id)
}
