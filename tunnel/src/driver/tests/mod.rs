//! Both ends over an in-memory pipe, with tokio's clock under control.

mod faults;
mod load;
mod resume;
mod single;
mod streams;

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::wire::{AgentHello, Info, ServerHello, Target, Windows};

/// One end with its driver running.
struct End {
    tunnel: Tunnel,
    incoming: Incoming,
    driver: JoinHandle<Closed>,
}

fn agent_hello() -> AgentHello {
    AgentHello {
        instance: [3; 16],
        agent: "test".into(),
        version: "0".into(),
        features: Vec::new(),
        windows: Windows {
            replay: 4 << 20,
            ..Windows::default()
        },
        info: Info::default(),
        resume: None,
    }
}

fn server_hello() -> ServerHello {
    ServerHello {
        tunnel: [4; 16],
        epoch: 1,
        resumed: false,
        received: None,
        features: Vec::new(),
        windows: Windows {
            replay: 4 << 20,
            ..Windows::default()
        },
        keepalive_s: 45,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test owns the task by its handle"
)]
fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    tokio::spawn(task)
}

fn start(established: Established<DuplexStream>) -> End {
    let Established {
        tunnel,
        incoming,
        driver,
    } = established;
    End {
        tunnel,
        incoming,
        driver: spawn(driver.run()),
    }
}

/// A server and an agent.
async fn pair() -> (End, End) {
    pair_with(Config::default(), server_hello(), agent_hello()).await
}

async fn pair_with(config: Config, answer: ServerHello, hello: AgentHello) -> (End, End) {
    let (server, agent) = duplex(64 * 1024);
    let agent_config = Config {
        process_budget: Budget::new(1 << 30),
        ..config.clone()
    };
    let agent = spawn(async move {
        agent_handshake_with(agent, hello, agent_config)
            .await
            .expect("the server answers")
            .1
    });
    let (_, pending) = server_handshake_with(server, config)
        .await
        .expect("the agent's HELLO");
    let server = pending.answer(answer).await.expect("the agent listens");
    (start(server), start(agent.await.expect("no panic")))
}

/// A server's end, and the socket of an agent that the test plays itself, after the HELLOs.
async fn server_and_raw_agent() -> (End, WebSocketStream<DuplexStream>) {
    use bytes::BytesMut;
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::tungstenite::Message;

    let (server, agent) = duplex(64 * 1024);
    let mut raw = WebSocketStream::from_raw_socket(agent, Role::Client, None).await;
    let mut message = BytesMut::new();
    let hello = agent_hello().to_bytes().expect("a small HELLO");
    crate::wire::Frame::Hello(hello).encode(&mut message);
    raw.send(Message::Binary(message.freeze()))
        .await
        .expect("the pipe has room");
    let (_, pending) = server_handshake(server).await.expect("the agent's HELLO");
    let server = start(
        pending
            .answer(server_hello())
            .await
            .expect("the pipe has room"),
    );
    raw.next()
        .await
        .expect("the server's HELLO")
        .expect("valid");
    (server, raw)
}

fn web() -> Target {
    Target::Service("web".into())
}

/// A stream that both ends hold: opened by the first, accepted by the second.
async fn stream(from: &End, to: &mut End) -> (Stream, Stream) {
    let mut opened = from.tunnel.open(&web()).expect("room for a stream");
    let accepted = to.incoming.next().await.expect("an OPEN").accept();
    opened.accepted().await.expect("it was accepted");
    (opened, accepted)
}

fn inner(error: &io::Error) -> Option<&StreamError> {
    error.get_ref().and_then(|inner| inner.downcast_ref())
}

/// Fails a test that hangs; with the clock paused this costs no time.
async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(300), future)
        .await
        .expect("it does not hang")
}

async fn read_all(stream: &mut Stream) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map(|_| bytes)
}

async fn write_all_and_finish(stream: &mut Stream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await
}
