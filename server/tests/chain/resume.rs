//! What goes on over another connection when one was lost.

use std::time::Duration;

use server::access::Cause;
use server::relay::{OpenError, RelayStream};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tunnel::driver::{
    Config, Link, Resumer, Stream, StreamError, Tunnel, Welcome, stream_handshake_resuming,
};
use tunnel::wire::{Code, StreamHello, Windows};

use crate::harness::{Behaviour, RunningAgent, TestService, service, soon, spawn};
use crate::network::Network;
use crate::place::{Device, Place};

const BYTES: usize = 8 << 20;
const PARTS: usize = 8;

async fn scene(resume_s: u64) -> (Place, Network, Device) {
    let (place, network) = Place::behind(resume_s).await;
    let echo = TestService::start(Behaviour::Echo).await;
    let device = place.device(vec![service("echo", echo.port)]).await;
    (place, network, device)
}

fn pattern() -> Vec<u8> {
    let byte = |n: usize| (n % 251) as u8 ^ (n >> 8) as u8 ^ (n >> 16) as u8;
    (0..BYTES).map(byte).collect()
}

/// Sends all of the pattern into an echo, in a task.
fn send<S>(stream: S) -> (ReadHalf<S>, JoinHandle<()>)
where
    S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
{
    let (reader, mut writer) = tokio::io::split(stream);
    let writing = spawn(async move {
        writer.write_all(&pattern()).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    (reader, writing)
}

/// Reads the echo to its end, with something done between its parts.
async fn receive<S>(mut reader: ReadHalf<S>, mut between: impl AsyncFnMut())
where
    S: tokio::io::AsyncRead + Send + Unpin,
{
    let mut back = vec![0; BYTES];
    for (n, part) in back.chunks_mut(BYTES / PARTS).enumerate() {
        soon("a part", reader.read_exact(part)).await.unwrap();
        if n + 1 < PARTS {
            between().await;
        }
    }
    assert!(back == pattern(), "bytes differ");
    let end = soon("the end", reader.read_u8()).await.unwrap_err();
    assert_eq!(end.kind(), std::io::ErrorKind::UnexpectedEof, "{end}");
}

#[tokio::test]
async fn a_transfer_outlives_the_agents_connections() {
    let (place, network, device) = scene(180).await;
    let stream = place.access.open_when_up(device.id, "echo").await;
    let (reader, writing) = send(stream);
    receive(reader, async || network.cut()).await;
    soon("the writer", writing).await.unwrap();
    place.access.assert_echo(device.id).await;
}

async fn open_cut_and_wait(resume_s: u64) -> (Place, Network, Device, RelayStream) {
    let (place, network, device) = scene(resume_s).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    stream.write_all(b"x").await.unwrap();
    soon("an echo", stream.read_u8()).await.unwrap();
    (place, network, device, stream)
}

#[tokio::test]
async fn a_server_that_keeps_nothing_ends_the_streams_with_an_error() {
    let (_place, network, _device, mut stream) = open_cut_and_wait(0).await;
    network.cut();
    let error = soon("the end", stream.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionAborted);
}

#[tokio::test]
async fn a_device_that_was_deleted_meanwhile_does_not_come_back() {
    let (place, network, device, mut stream) = open_cut_and_wait(180).await;
    network.cut();
    place.delete(device.id).await;
    assert!(soon("the end", stream.read_u8()).await.is_err());
    let refused = place.access.open(device.id, "echo").await.err();
    assert!(matches!(
        refused,
        Some(OpenError::Offline | OpenError::Reconnecting | OpenError::Revoked)
    ));
    assert_eq!(place.access.relay.tunnels(), 0);
}

#[tokio::test]
async fn a_new_process_of_the_agent_ends_what_the_old_one_carried() {
    let (place, network, device, mut stream) = open_cut_and_wait(180).await;
    network.freeze();
    device.agent.kill().await;
    let _agent = RunningAgent::start(device.config, &device.key);
    let error = soon("the end", stream.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    place.access.assert_echo(device.id).await;
}

/// A client of a single stream that comes again.
struct Client {
    tunnel: Tunnel,
    resumer: Resumer<TcpStream>,
    lines: String,
}

fn hello() -> StreamHello {
    StreamHello {
        windows: Windows {
            replay: 1 << 20,
            ..Windows::default()
        },
        ..StreamHello::default()
    }
}

async fn connected(place: &Place, device: &Device, lines: &str) -> (Client, Stream) {
    drop(place.client_when_up(device.id, "echo", lines).await);
    let (head, connection) = place.ask_for_stream(device.id, "echo", lines).await;
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    let made = stream_handshake_resuming(connection, hello(), Config::default(), None);
    let (answer, Welcome::New(mut opened)) = soon("HELLO", made).await.unwrap() else {
        panic!("nothing was offered");
    };
    let resume_for = Duration::from_secs(180);
    let resumer = opened.driver.resumable(answer.tunnel, resume_for);
    spawn(opened.driver.run());
    soon("ACCEPT", opened.stream.accepted()).await.unwrap();
    let lines = lines.to_owned();
    let client = Client {
        tunnel: opened.tunnel,
        resumer,
        lines,
    };
    (client, opened.stream)
}

impl Client {
    /// Once its connection is lost. Tells whether the stream goes on.
    async fn again(&self, place: &Place, device: &Device) -> bool {
        soon("the loss", self.tunnel.link_changed(&Link::Connected)).await;
        let (head, connection) = place.ask_for_stream(device.id, "echo", &self.lines).await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        let lost = Some(&self.resumer);
        let made = stream_handshake_resuming(connection, hello(), Config::default(), lost);
        matches!(soon("HELLO", made).await, Ok((_, Welcome::Resumed)))
    }
}

fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

/// Its own connection and the agent's break together.
#[tokio::test]
async fn a_single_stream_goes_on_with_the_same_token() {
    let (place, network, device) = scene(180).await;
    let lines = bearer(&place.token().await);
    let (client, stream) = connected(&place, &device, &lines).await;
    let (reader, writing) = send(stream);
    receive(reader, async || {
        network.cut();
        assert!(client.again(&place, &device).await);
    })
    .await;
    soon("the writer", writing).await.unwrap();
}

#[tokio::test]
async fn a_single_stream_does_not_go_on_with_another_token() {
    let (place, network, device) = scene(180).await;
    let lines = bearer(&place.token().await);
    let (mut client, mut stream) = connected(&place, &device, &lines).await;
    network.cut();
    client.lines = bearer(&place.another_token().await);
    assert!(!client.again(&place, &device).await);
    let error = soon("the end", stream.read_u8()).await.unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    assert_eq!(inner, Some(&StreamError::TunnelLost));
}

#[tokio::test]
async fn s34_a_single_stream_whose_device_was_deleted_meanwhile_is_gone() {
    let (place, network, device) = scene(180).await;
    let token = place.token().await;
    let lines = bearer(&token);
    let (client, mut stream) = connected(&place, &device, &lines).await;
    network.cut();
    soon("the loss", client.tunnel.link_changed(&Link::Connected)).await;
    place.delete_with(device.id, &token).await;
    // The request for it is refused; and what was kept is gone.
    let (head, _) = place.ask_for_stream(device.id, "echo", &lines).await;
    assert!(head.starts_with("HTTP/1.1 404 "), "{head}");
    client.tunnel.close();
    assert!(soon("the end", stream.read_u8()).await.is_err());
}

/// What was cut while nobody heard it is told over the next connection.
#[tokio::test]
async fn s34_a_right_that_ended_meanwhile_ends_the_stream() {
    let (place, network, device) = scene(180).await;
    let lines = bearer(&place.token().await);
    let (client, mut stream) = connected(&place, &device, &lines).await;
    network.cut();
    soon("the loss", client.tunnel.link_changed(&Link::Connected)).await;
    let cause = Cause::DeviceDeleted(device.id);
    assert!(place.access.leases.revoke(cause) >= 1);
    assert!(
        client.again(&place, &device).await,
        "the token itself lives"
    );
    let error = soon("the end", stream.read_u8()).await.unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let code = Code::Revoked;
    assert!(
        matches!(inner, Some(StreamError::Reset { code: c, .. }) if *c == code),
        "{error}"
    );
}

/// A NAT that forgot the connection tells nobody. Two missed PINGs alone are 35 s at the least.
#[tokio::test]
async fn a_stream_goes_on_soon_after_a_nat_forgot_its_connection() {
    const WITHIN: Duration = Duration::from_secs(27);
    let (place, network, device) = scene(180).await;
    let mut stream = place.access.open_when_up(device.id, "echo").await;
    stream.write_all(b"a").await.unwrap();
    assert_eq!(soon("an echo", stream.read_u8()).await.unwrap(), b'a');
    network.freeze();
    stream.write_all(b"b").await.unwrap();
    let echoed = timeout(WITHIN, stream.read_u8()).await;
    assert_eq!(echoed.expect("in time").unwrap(), b'b');
}
