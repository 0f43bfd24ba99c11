//! A device whose network changes while it is connected. As root: in a network of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agent::{DeviceKey, Proxy};
use nix::sched::{CloneFlags, unshare};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::harness::{Behaviour, RunningAgent, TestService, enroll, service, soon, spawn, until};
use crate::place::Place;

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status();
    assert!(status.unwrap().success(), "ip {arguments}");
}

/// A proxy that counts what devices send.
async fn counting_proxy(port: u16) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            spawn(carry(connection, port, Arc::clone(&counted)));
        }
    });
    (address, count)
}

async fn carry(mut device: TcpStream, port: u16, count: Arc<AtomicUsize>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(device.read_u8().await.unwrap());
    }
    device.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
    let server = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    let (mut from_device, mut to_device) = device.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_device).await;
    });
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from_device.read(&mut buffer).await {
        count.fetch_add(length, Ordering::SeqCst);
        if to_server.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}

async fn settled(count: &AtomicUsize) -> usize {
    let mut before = usize::MAX;
    until("nothing more is sent", async || {
        let now = count.load(Ordering::SeqCst);
        let is_same = std::mem::replace(&mut before, now) == now;
        if !is_same {
            sleep(Duration::from_millis(1500)).await;
        }
        is_same
    })
    .await;
    before
}

/// Runs `test` in a network of its own with a link to change.
fn roam(test: impl Future<Output = ()>) {
    unshare(CloneFlags::CLONE_NEWNET).unwrap();
    ip("link set lo up");
    ip("link add here type veth peer name there");
    ip("link set here up");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(test);
}

/// The old connection is gone without a word, as after a change from one uplink to another. Found
/// by silence alone that takes half a minute.
#[test]
fn a_stream_goes_on_soon_after_the_network_changed() {
    roam(async {
        let (place, network) = Place::behind(180).await;
        let echo = TestService::start(Behaviour::Echo).await;
        let device = place.device(vec![service("echo", echo.port)]).await;
        let mut stream = place.access.open_when_up(device.id, "echo").await;
        stream.write_all(b"a").await.unwrap();
        assert_eq!(soon("an echo", stream.read_u8()).await.unwrap(), b'a');
        network.freeze();
        ip("addr add 10.9.0.2/24 dev here");
        stream.write_all(b"b").await.unwrap();
        let echoed = timeout(Duration::from_secs(20), stream.read_u8()).await;
        assert_eq!(echoed.unwrap().unwrap(), b'b');
    });
}

#[test]
fn a_device_asks_for_its_server_as_soon_as_its_network_changes() {
    roam(async {
        let place = Place::start().await;
        let echo = TestService::start(Behaviour::Echo).await;
        let (address, count) = counting_proxy(place.port).await;
        let config = agent::Config {
            server: format!("http://localhost:{}", place.port).parse().unwrap(),
            proxy: Proxy::At(format!("http://{address}").parse().unwrap()),
            ..place.agent_config(vec![service("echo", echo.port)])
        };
        let key = Arc::new(DeviceKey::ephemeral().unwrap());
        let install_key = place.install_key().await;
        let id = enroll(&config, &key, &install_key).await.unwrap();
        let agent = RunningAgent::start(config, &key);
        place.access.assert_echo(id).await;
        for change in [
            "addr add 10.9.0.2/24 dev here",
            "link set there up",
            "addr del 10.9.0.2/24 dev here",
        ] {
            let before = settled(&count).await;
            ip(change);
            // Long before the 45 s of silence after which it asks by itself.
            let asked = timeout(Duration::from_secs(10), async {
                while count.load(Ordering::SeqCst) == before {
                    sleep(Duration::from_millis(10)).await;
                }
            });
            assert!(asked.await.is_ok(), "{change}");
        }
        place.access.assert_echo(id).await;
        agent.stop().await;
    });
}
