//! An agent's end of a tunnel, and a server with one device for it.

use std::time::Duration;

use api::{DeviceId, OrganizationId, SignInId, UserId};
use ring::signature::{Ed25519KeyPair, KeyPair};
use tokio::io::{AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tunnel::driver::{Closed, Established, Incoming, Tunnel, agent_handshake};
use tunnel::wire::{AgentHello, Code, Info, Target, Windows};
use uuid::Uuid;

use crate::access::{Lease, Subject, Via};
use crate::relay::OpenError;
use crate::relay::serve::ProvenDevice;
use crate::relay::stream::RelayStream;
use crate::testing::TestServer;

/// Long enough for a busy machine; only a failing test waits it out.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, event).await {
        Ok(value) => value,
        Err(_) => panic!("waited in vain: {what}"),
    }
}

pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    soon(what, async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's tasks end with its runtime"
)]
pub(super) fn spawn<F>(task: F) -> JoinHandle<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    tokio::spawn(task)
}

pub(super) struct Scene {
    pub(super) server: TestServer,
    pub(super) device: DeviceId,
    pub(super) key_pair: Ed25519KeyPair,
}

/// A tunnel as its agent has it.
pub(super) struct Agent {
    pub(super) tunnel: Tunnel,
    pub(super) incoming: Option<Incoming>,
    pub(super) driver: JoinHandle<Closed>,
}

pub(super) fn key_of(key_pair: &Ed25519KeyPair) -> [u8; 32] {
    key_pair.public_key().as_ref().try_into().unwrap()
}

impl Scene {
    pub(super) async fn new() -> Self {
        Self::at(TestServer::new().await).await
    }

    pub(super) async fn at(server: TestServer) -> Self {
        let organization = server.organization().await;
        let key_pair = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).unwrap();
        let key = key_of(&key_pair);
        let device = server.enrol(organization, key, "bench").await.device_id;
        Self {
            server,
            device,
            key_pair,
        }
    }

    /// Connects as this process of the agent. `None`: the server did not want it.
    pub(super) async fn connect(&self, instance: u8, windows: Windows) -> Option<Agent> {
        let established = self.hello(instance, windows).await?;
        Some(Agent {
            tunnel: established.tunnel,
            incoming: Some(established.incoming),
            driver: spawn(established.driver.run()),
        })
    }

    /// As far as HELLO: nobody works on the tunnel yet.
    pub(super) async fn hello(
        &self,
        instance: u8,
        windows: Windows,
    ) -> Option<Established<DuplexStream>> {
        let (near, far) = tokio::io::duplex(64 << 10);
        let proven = ProvenDevice {
            device: self.device,
            key: key_of(&self.key_pair),
            instance: [instance; 16],
            address: "203.0.113.7".to_owned(),
        };
        let hello = AgentHello {
            instance: [instance; 16],
            agent: "test".to_owned(),
            version: "0".to_owned(),
            features: Vec::new(),
            windows,
            info: Info::default(),
            resume: None,
        };
        let relay = self.server.state.relay.clone();
        let served = spawn(async move { relay.establish(far, proven).await.is_ok() });
        let (_, established) = agent_handshake(near, hello).await.ok()?;
        soon("registration", served)
            .await
            .ok()?
            .then_some(established)
    }

    pub(super) fn lease(&self) -> Lease {
        self.server.state.leases.issue(Subject {
            user: UserId(Uuid::nil()),
            organization: OrganizationId(Uuid::nil()),
            via: Via::SignIn(SignInId(Uuid::nil())),
            device: Some(self.device),
        })
    }

    pub(super) async fn open(&self) -> Result<RelayStream, OpenError> {
        let target = Target::Service("who".to_owned());
        let relay = &self.server.state.relay;
        relay.open(self.device, target, self.lease()).await
    }
}

impl Agent {
    /// Accepts every stream, says this one byte and ends it.
    pub(super) fn answer_with(&mut self, byte: u8) {
        let mut incoming = self.incoming.take().unwrap();
        spawn(async move {
            while let Some(stream) = incoming.next().await {
                if matches!(stream.target(), Target::Internal(_)) {
                    stream.reject(Code::NotOffered, "");
                    continue;
                }
                let mut stream = stream.accept();
                spawn(async move {
                    let _ = stream.write_all(&[byte]).await;
                    let _ = stream.shutdown().await;
                    // Until the other end has ended too.
                    let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                });
            }
        });
    }
}
