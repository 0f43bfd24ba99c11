//! Tunnels that go on over another connection.

use std::time::Duration;

use api::DeviceState;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tunnel::driver::{
    Closed, Config, Incoming, Link, Resumer, Stream, Tunnel, Welcome, agent_handshake_resuming,
};
use tunnel::wire::{AgentHello, Code, Info, ServerHello, Windows};

use super::agent::{Scene, key_of, soon, spawn, until};
use crate::access::{Cause, Scope};
use crate::relay::serve::ProvenDevice;
use crate::relay::{OpenError, RelayStream};

const RESUME_FOR: Duration = Duration::from_secs(180);

/// An agent's tunnel, and the connection under it.
struct Lasting {
    tunnel: Tunnel,
    incoming: Incoming,
    resumer: Resumer<DuplexStream>,
    driver: JoinHandle<Closed>,
    hello: ServerHello,
    wire: JoinHandle<()>,
}

/// A pipe that ends when its task is aborted.
fn wire() -> (DuplexStream, DuplexStream, JoinHandle<()>) {
    let (near, mut near_far) = duplex(16 << 10);
    let (far, mut far_far) = duplex(16 << 10);
    let wire = spawn(async move {
        let _ = tokio::io::copy_bidirectional(&mut near_far, &mut far_far).await;
    });
    (near, far, wire)
}

fn hello(instance: u8) -> AgentHello {
    AgentHello {
        instance: [instance; 16],
        agent: "test".to_owned(),
        version: "0".to_owned(),
        features: Vec::new(),
        windows: Windows {
            replay: 1 << 20,
            ..Windows::default()
        },
        info: Info::default(),
        resume: None,
    }
}

impl Scene {
    fn proven(&self, instance: u8) -> ProvenDevice {
        ProvenDevice {
            device: self.device,
            key: key_of(&self.key_pair),
            instance: [instance; 16],
            address: "203.0.113.7".to_owned(),
        }
    }

    async fn lasting(&self, instance: u8) -> Lasting {
        let made = self.attempt(self.proven(instance), hello(instance), None);
        match made.await {
            (hello, wire, Welcome::New(mut established)) => {
                let resumer = established.driver.resumable(hello.tunnel, RESUME_FOR);
                Lasting {
                    tunnel: established.tunnel,
                    incoming: established.incoming,
                    resumer,
                    driver: spawn(established.driver.run()),
                    hello,
                    wire,
                }
            }
            _ => panic!("nothing was offered"),
        }
    }

    async fn attempt(
        &self,
        proven: ProvenDevice,
        hello: AgentHello,
        lost: Option<&Resumer<DuplexStream>>,
    ) -> (
        ServerHello,
        JoinHandle<()>,
        Welcome<tunnel::driver::Established<DuplexStream>>,
    ) {
        let (near, far, wire) = wire();
        let relay = self.server.state.relay.clone();
        let served = spawn(async move { relay.establish(far, proven).await.is_ok() });
        let made = agent_handshake_resuming(near, hello, Config::for_agent(), lost);
        let (hello, welcome) = soon("an answer", made).await.unwrap();
        assert!(soon("the server", served).await.unwrap());
        (hello, wire, welcome)
    }

    /// The same agent comes again. Tells whether its tunnel goes on.
    async fn again(&self, agent: &mut Lasting, instance: u8) -> bool {
        let proven = self.proven(instance);
        let lost = agent.resumer.clone();
        let (hello, wire, welcome) = self.attempt(proven, hello(instance), Some(&lost)).await;
        agent.wire = wire;
        let resumed = matches!(welcome, Welcome::Resumed);
        assert_eq!(resumed, hello.resumed);
        if resumed {
            assert_eq!(hello.epoch, agent.hello.epoch);
            assert_eq!(hello.tunnel, agent.hello.tunnel);
        }
        resumed
    }

    async fn opened(&self, agent: &mut Lasting) -> (RelayStream, Stream) {
        let (opened, accepted) = tokio::join!(self.open(), async {
            let asked = soon("an OPEN", agent.incoming.next()).await.unwrap();
            asked.accept()
        });
        (opened.unwrap(), accepted)
    }

    async fn state(&self) -> DeviceState {
        let scope = Scope::of(self.server.organization().await);
        let device = self.server.state.devices.device(scope, self.device);
        device.unwrap().state
    }

    async fn until_state(&self, state: DeviceState) {
        soon("the device's state", async {
            while self.state().await != state {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }
}

impl Lasting {
    /// The connection breaks; both ends notice.
    async fn cut(&self, scene: &Scene) {
        self.wire.abort();
        soon("the loss", self.tunnel.link_changed(&Link::Connected)).await;
        scene.until_state(DeviceState::Reconnecting).await;
    }
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| (n % 251) as u8 ^ (n >> 8) as u8)
        .collect()
}

#[tokio::test]
async fn a_transfer_goes_on_over_the_next_connections() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (near, mut far) = scene.opened(&mut agent).await;
    let sent = pattern(6 << 20);
    let echo = spawn(async move {
        let mut buffer = vec![0; 8 << 10];
        loop {
            let read = far.read(&mut buffer).await.unwrap();
            if read == 0 {
                return far.shutdown().await.unwrap();
            }
            far.write_all(&buffer[..read]).await.unwrap();
        }
    });
    let (mut reader, mut writer) = tokio::io::split(near);
    let bytes = sent.clone();
    let writing = spawn(async move {
        writer.write_all(&bytes).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut back = vec![0; sent.len()];
    let (cut_parts, last_part) = back.split_at_mut(5 << 20);
    for part in cut_parts.chunks_mut(1 << 20) {
        soon("a part", reader.read_exact(part)).await.unwrap();
        agent.cut(&scene).await;
        assert!(scene.again(&mut agent, 1).await);
        scene.until_state(DeviceState::Online).await;
    }
    soon("the last part", reader.read_exact(last_part))
        .await
        .unwrap();
    assert!(back == sent, "bytes differ");
    let mut rest = Vec::new();
    soon("the end", reader.read_to_end(&mut rest))
        .await
        .unwrap();
    assert!(rest.is_empty());
    soon("the echo", echo).await.unwrap();
    soon("the writer", writing).await.unwrap();
}

#[tokio::test]
async fn an_agent_goes_on_while_the_server_thinks_the_old_connection_lives() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, mut far) = scene.opened(&mut agent).await;
    let old_wire = std::mem::replace(&mut agent.wire, spawn(async {}));
    assert!(scene.again(&mut agent, 1).await);
    near.write_all(b"on").await.unwrap();
    let mut read = [0; 2];
    soon("bytes", far.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"on");
    soon("the old connection's end", old_wire).await.unwrap();
    assert_eq!(scene.state().await, DeviceState::Online);
    assert_eq!(scene.server.state.relay.tunnels(), 1);
}

#[tokio::test]
async fn an_open_during_the_gap_waits_for_the_next_connection() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (_near, _far) = scene.opened(&mut agent).await;
    agent.cut(&scene).await;
    let (opened, resumed) = tokio::join!(scene.open(), async {
        let resumed = scene.again(&mut agent, 1).await;
        let asked = soon("an OPEN", agent.incoming.next()).await.unwrap();
        let mut stream = asked.accept();
        stream.write_all(b"!").await.unwrap();
        (resumed, stream)
    });
    assert!(resumed.0);
    assert_eq!(opened.unwrap().read_u8().await.unwrap(), b'!');
}

#[tokio::test]
async fn the_id_grants_nothing_to_another_process() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, _far) = scene.opened(&mut agent).await;
    agent.cut(&scene).await;
    let old_epoch = agent.hello.epoch;
    assert!(!scene.again(&mut agent, 2).await, "another instance");
    assert!(soon("an error, no end", near.read_u8()).await.is_err());
    assert!(old_epoch < scene.server.state.devices.next_epoch());
    soon("its end", agent.driver).await.unwrap();
}

#[tokio::test]
async fn the_id_grants_nothing_to_another_device() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, mut far) = scene.opened(&mut agent).await;
    let organization = scene.server.organization().await;
    let other = scene.server.enrol(organization, [8; 32], "other").await;
    let proven = ProvenDevice {
        device: other.device_id,
        key: [8; 32],
        ..scene.proven(1)
    };
    let mut asked = hello(1);
    asked.resume = Some(tunnel::wire::Resume {
        tunnel: agent.hello.tunnel,
        received: 0,
    });
    let (near_end, far_end, _wire) = wire();
    let relay = scene.server.state.relay.clone();
    let _served = spawn(async move { relay.establish(far_end, proven).await.is_ok() });
    let answer = raw_hello(near_end, asked).await;
    assert!(!answer.resumed);
    near.write_all(b"mine").await.unwrap();
    let mut read = [0; 4];
    soon("bytes", far.read_exact(&mut read)).await.unwrap();
    assert_eq!(&read, b"mine");
}

/// Says HELLO as it is given: no honest agent offers what it does not have.
async fn raw_hello(socket: DuplexStream, hello: AgentHello) -> ServerHello {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;
    use tunnel::wire::Frame;

    let mut socket = WebSocketStream::from_raw_socket(socket, Role::Client, None).await;
    let mut message = bytes::BytesMut::new();
    Frame::Hello(hello.to_bytes().unwrap()).encode(&mut message);
    socket
        .send(Message::Binary(message.freeze()))
        .await
        .unwrap();
    let answer = soon("a HELLO", socket.next()).await.unwrap().unwrap();
    match Frame::decode(&mut answer.into_data()).unwrap() {
        Some(Frame::Hello(cbor)) => ServerHello::from_bytes(&cbor).unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn s37_a_count_that_cannot_be_ends_the_old_streams() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, _far) = scene.opened(&mut agent).await;
    let mut asked = hello(1);
    asked.resume = Some(tunnel::wire::Resume {
        tunnel: agent.hello.tunnel,
        received: 1_000_000,
    });
    let (near_end, far_end, _wire) = wire();
    let relay = scene.server.state.relay.clone();
    let proven = scene.proven(1);
    let _served = spawn(async move { relay.establish(far_end, proven).await.is_ok() });
    let answer = raw_hello(near_end, asked).await;
    assert!(!answer.resumed && answer.epoch > agent.hello.epoch);
    assert!(soon("an error, no end", near.read_u8()).await.is_err());
}

#[tokio::test]
async fn a_device_that_was_sent_away_meanwhile_does_not_go_on() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, mut far) = scene.opened(&mut agent).await;
    agent.cut(&scene).await;
    scene.server.state.relay.disconnect(scene.device);
    assert!(soon("an error, no end", near.read_u8()).await.is_err());
    let refused = soon("an answer", scene.open()).await.err();
    assert_eq!(refused, Some(OpenError::Offline));
    assert!(!scene.again(&mut agent, 1).await);
    assert!(soon("an error, no end", far.read_u8()).await.is_err());
}

#[tokio::test]
async fn s34_a_right_that_ends_meanwhile_ends_the_stream_at_both_ends() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (mut near, mut far) = scene.opened(&mut agent).await;
    let (mut other, mut other_far) = scene.opened(&mut agent).await;
    other.write_all(b"x").await.unwrap();
    assert_eq!(soon("a byte", other_far.read_u8()).await.unwrap(), b'x');
    agent.cut(&scene).await;
    scene
        .server
        .state
        .leases
        .revoke(Cause::DeviceDeleted(scene.device));
    assert!(soon("at once", near.read_u8()).await.is_err());
    assert!(scene.again(&mut agent, 1).await);
    let error = soon("RESET", far.read_u8()).await.unwrap_err();
    let text = format!("{error}");
    assert!(text.contains(&Code::Revoked.to_string()), "{text}");
}

#[tokio::test]
async fn s36_the_largest_that_waits_is_given_up_first() {
    let scene = Scene::new().await;
    let mut agent = scene.lasting(1).await;
    let (_near, _far) = scene.opened(&mut agent).await;
    let mut larger = Scene {
        device: scene.device,
        key_pair: ring::signature::Ed25519KeyPair::from_seed_unchecked(&[10; 32]).unwrap(),
        server: scene.server,
    };
    let organization = larger.server.organization().await;
    let key = key_of(&larger.key_pair);
    let enrolled = larger.server.enrol(organization, key, "larger").await;
    let small_device = std::mem::replace(&mut larger.device, enrolled.device_id);
    let mut other = larger.lasting(1).await;
    let (mut first, _far) = larger.opened(&mut other).await;
    let (_second, _far) = larger.opened(&mut other).await;
    let kept = larger.server.state.relay.0.kept.clone();
    assert_eq!(kept.shed(1), 0, "those with a connection are not touched");
    other.cut(&larger).await;
    agent.wire.abort();
    larger.device = small_device;
    larger.until_state(DeviceState::Reconnecting).await;
    assert_eq!(kept.shed(1), 1);
    assert!(soon("an error, no end", first.read_u8()).await.is_err());
    let relay = &larger.server.state.relay;
    until("one is left", || relay.tunnels() == 1).await;
    assert_eq!(larger.state().await, DeviceState::Reconnecting);
    assert_eq!(kept.shed(u64::MAX), 1);
    until("none is left", || relay.tunnels() == 0).await;
    assert_eq!(kept.shed(u64::MAX), 0);
}
