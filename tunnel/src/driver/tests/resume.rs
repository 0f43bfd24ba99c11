//! Tunnels that live across connections, which are cut in the middle of anything.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::*;
use crate::wire::{Code, Resume, StreamHello};

const REPLAY: u32 = 1 << 20;
const RESUME_FOR: Duration = Duration::from_secs(180);

fn windows() -> Windows {
    Windows {
        replay: REPLAY,
        ..Windows::default()
    }
}

fn agent_hello() -> AgentHello {
    AgentHello {
        windows: windows(),
        ..super::agent_hello()
    }
}

fn server_hello() -> ServerHello {
    ServerHello {
        windows: windows(),
        ..super::server_hello()
    }
}

/// What lies between two ends, for the test to cut.
struct Wire(JoinHandle<()>);

impl Wire {
    /// A pipe that is cut after so many bytes, both ways together.
    fn new(cut_after_bytes: usize) -> (DuplexStream, DuplexStream, Self) {
        let (near, mut far) = duplex(4096);
        let (other_near, mut other_far) = duplex(4096);
        let relay = spawn(async move {
            let mut left = cut_after_bytes;
            let (mut one, mut two) = (vec![0; 4096], vec![0; 4096]);
            while left > 0 {
                tokio::select! {
                    read = far.read(&mut one) => pass(read, &one, &mut left, &mut other_far).await,
                    read = other_far.read(&mut two) => pass(read, &two, &mut left, &mut far).await,
                }
            }
        });
        (near, other_near, Self(relay))
    }

    fn cut(self) {
        self.0.abort();
    }
}

async fn pass(
    read: io::Result<usize>,
    buffer: &[u8],
    left: &mut usize,
    to: &mut (impl AsyncWrite + Unpin),
) {
    let read = read.unwrap_or(0).min(*left);
    let passed = tokio::time::timeout(Duration::from_secs(1), to.write_all(&buffer[..read])).await;
    match passed {
        Ok(Ok(())) if read > 0 => *left -= read,
        _ => *left = 0,
    }
}

/// Both ends and what their owners need to go on.
struct Ends {
    server: End,
    agent: End,
    server_resumer: Resumer<DuplexStream>,
    agent_resumer: Resumer<DuplexStream>,
}

fn start_resumable(
    mut established: Established<DuplexStream>,
    resume_for: Duration,
) -> (End, Resumer<DuplexStream>) {
    let id = super::server_hello().tunnel;
    let resumer = established.driver.resumable(id, resume_for);
    (start(established), resumer)
}

async fn ends(cut_after_bytes: usize) -> (Ends, Wire) {
    let (server, agent, wire) = Wire::new(cut_after_bytes);
    let agent = spawn(async move {
        agent_handshake(agent, agent_hello())
            .await
            .expect("the server answers")
            .1
    });
    let (_, pending) = server_handshake(server).await.expect("the agent's HELLO");
    let server = pending.answer(server_hello()).await.expect("it listens");
    let (server, server_resumer) = start_resumable(server, RESUME_FOR);
    let agent = agent.await.expect("no panic");
    let (agent, agent_resumer) = start_resumable(agent, RESUME_FOR);
    let ends = Ends {
        server,
        agent,
        server_resumer,
        agent_resumer,
    };
    (ends, wire)
}

/// One attempt to go on, over a pipe of so many bytes. Tells whether both ends think it worked.
async fn reconnect(
    server_resumer: &Resumer<DuplexStream>,
    agent_resumer: &Resumer<DuplexStream>,
    cut_after_bytes: usize,
) -> (bool, Wire) {
    let (server, agent, wire) = Wire::new(cut_after_bytes);
    let resumer = agent_resumer.clone();
    let agent = spawn(async move {
        let hello = agent_hello();
        let answer =
            agent_handshake_resuming(agent, hello, Config::for_agent(), Some(&resumer)).await;
        match answer {
            Ok((answer, Welcome::Resumed)) => answer.resumed,
            Ok((_, Welcome::New(_))) => panic!("the old one lives"),
            Err(_) => false,
        }
    });
    let served = async {
        let (hello, pending) = server_handshake(server).await?;
        let Some(Resume { tunnel, received }) = hello.resume else {
            panic!("it offers to resume");
        };
        assert_eq!(tunnel, *server_resumer.id());
        let detached = server_resumer.detach(Some(received)).expect("honest");
        pending.resume(detached, server_hello()).await
    };
    let served = served.await.is_ok();
    (agent.await.expect("no panic") && served, wire)
}

fn pattern(seed: u8, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed) ^ (n >> 8) as u8)
        .collect()
}

async fn receive(mut reader: impl AsyncRead + Unpin, expected: Vec<u8>) {
    let mut read = Vec::new();
    reader.read_to_end(&mut read).await.expect("a clean end");
    assert!(read == expected, "bytes differ");
}

/// A number that differs from step to step, the same in every run.
fn mixed(step: u64) -> u64 {
    let mixed = (step + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed ^ (mixed >> 29)
}

#[tokio::test(start_paused = true)]
async fn eight_streams_each_way_survive_a_pipe_that_is_cut_again_and_again() {
    const BYTES: usize = 512 << 10;
    let (mut ends, _wire) = ends(300_000).await;
    let (server_resumer, agent_resumer) = (ends.server_resumer.clone(), ends.agent_resumer.clone());
    let agent_tunnel = ends.agent.tunnel.clone();
    let connections = spawn(async move {
        let mut resumed = 0;
        let mut wires = Vec::new();
        for step in 0.. {
            let link = agent_tunnel.link_changed(&Link::Connected).await;
            if link == Link::Ended {
                break;
            }
            // Some are cut within their HELLOs.
            let bytes = mixed(step) % 400_000;
            let bytes = if step % 4 == 0 { bytes % 300 } else { bytes };
            let (worked, wire) = reconnect(&server_resumer, &agent_resumer, bytes as usize).await;
            wires.push(wire);
            resumed += u32::from(worked);
            tokio::time::sleep(Duration::from_millis(mixed(step) % 500)).await;
        }
        resumed
    });
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (near, far) = stream(&ends.server, &mut ends.agent).await;
        for (stream, mine, theirs) in [(near, n, 100 + n), (far, 100 + n, n)] {
            let (reader, mut writer) = tokio::io::split(stream);
            tasks.push(spawn(async move {
                writer
                    .write_all(&pattern(mine, BYTES))
                    .await
                    .expect("it lives");
                writer.shutdown().await.expect("it lives");
            }));
            tasks.push(spawn(receive(reader, pattern(theirs, BYTES))));
        }
    }
    for task in tasks {
        soon(task).await.expect("no panic");
    }
    ends.server.tunnel.close();
    ends.agent.tunnel.close();
    let resumed = soon(connections).await.expect("no panic");
    assert!(resumed >= 10, "{resumed} connections");
}

#[tokio::test(start_paused = true)]
async fn a_lost_tunnel_tells_that_it_waits() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (mut near, mut far) = stream(&ends.server, &mut ends.agent).await;
    assert_eq!(ends.server.tunnel.link(), Link::Connected);
    wire.cut();
    let link = soon(ends.server.tunnel.link_changed(&Link::Connected)).await;
    assert!(matches!(
        link,
        Link::Suspended {
            lost_by: Closed::Io(_),
            ..
        }
    ));
    soon(ends.agent.tunnel.link_changed(&Link::Connected)).await;
    near.write_all(b"meanwhile").await.expect("it waits");
    let (worked, _wire) = reconnect(&ends.server_resumer, &ends.agent_resumer, usize::MAX).await;
    assert!(worked);
    assert_eq!(ends.server.tunnel.link(), Link::Connected);
    let mut read = [0; 9];
    soon(far.read_exact(&mut read)).await.expect("it lives");
    assert_eq!(&read, b"meanwhile");
    let late = ends.server.tunnel.open(&web()).expect("room");
    let served = soon(ends.agent.incoming.next()).await;
    assert!(served.is_some());
    drop(late);
}

#[tokio::test(start_paused = true)]
async fn suspended_for_too_long_is_an_error_and_never_an_end() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (mut near, mut far) = stream(&ends.server, &mut ends.agent).await;
    let start = Instant::now();
    wire.cut();
    for stream in [&mut near, &mut far] {
        let error = soon(read_all(stream)).await.expect_err("no end");
        assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    }
    let waited = start.elapsed();
    assert!((RESUME_FOR..RESUME_FOR * 2).contains(&waited), "{waited:?}");
    assert!(matches!(
        soon(ends.server.driver).await.expect("no panic"),
        Closed::Io(_)
    ));
    assert!(ends.server_resumer.detach(Some(0)).is_err());
    assert_eq!(ends.server.tunnel.link(), Link::Ended);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_without_streams_is_not_waited_for() {
    let (ends, wire) = ends(usize::MAX).await;
    wire.cut();
    assert!(matches!(soon(ends.server.driver).await, Ok(Closed::Io(_))));
    assert!(matches!(soon(ends.agent.driver).await, Ok(Closed::Io(_))));
}

#[tokio::test(start_paused = true)]
async fn a_second_connection_goes_on_while_the_first_still_looks_alive() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (mut near, mut far) = stream(&ends.server, &mut ends.agent).await;
    near.write_all(b"one").await.expect("it lives");
    let mut read = [0; 3];
    soon(far.read_exact(&mut read)).await.expect("it lives");
    // Neither end has noticed anything.
    let (worked, second) = reconnect(&ends.server_resumer, &ends.agent_resumer, usize::MAX).await;
    assert!(worked);
    far.write_all(b"two").await.expect("it lives");
    soon(near.read_exact(&mut read)).await.expect("it lives");
    assert_eq!(&read, b"two");
    // The first is nobody's any more: its end ends nothing.
    soon(wire.0).await.expect("both ends dropped it");
    near.write_all(b"six").await.expect("it lives");
    soon(far.read_exact(&mut read)).await.expect("it lives");
    assert_eq!(&read, b"six");
    drop(second);
}

#[tokio::test(start_paused = true)]
async fn the_latest_of_two_attempts_gets_the_tunnel() {
    let (mut ends, _wire) = ends(usize::MAX).await;
    let (_near, _far) = stream(&ends.server, &mut ends.agent).await;
    let (socket, _other) = duplex(64 * 1024);
    let hanging = ends.server_resumer.detach(Some(1)).expect("it lives");
    let (worked, _wire) = reconnect(&ends.server_resumer, &ends.agent_resumer, usize::MAX).await;
    assert!(worked);
    let socket = socket::Socket::new(socket, websocket::Role::Server);
    assert_eq!(hanging.attach_told(socket), Err(ResumeError::Ended));
    assert_eq!(ends.server.tunnel.link(), Link::Connected);
}

#[tokio::test(start_paused = true)]
async fn s37_a_count_that_cannot_be_detaches_nothing() {
    let (mut ends, _wire) = ends(usize::MAX).await;
    let (mut near, mut far) = stream(&ends.server, &mut ends.agent).await;
    let refused = ends.server_resumer.detach(Some(1000)).err();
    assert_eq!(refused, Some(ResumeError::AboveSent));
    near.write_all(b"x").await.expect("it lives");
    assert_eq!(soon(far.read_u8()).await.expect("it lives"), b'x');
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_go_on_ends_the_agents_streams() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (_near, mut far) = stream(&ends.server, &mut ends.agent).await;
    wire.cut();
    soon(ends.agent.tunnel.link_changed(&Link::Connected)).await;
    let (server, agent, _wire) = Wire::new(usize::MAX);
    let resumer = ends.agent_resumer.clone();
    let agent = spawn(async move {
        let config = Config::for_agent();
        agent_handshake_resuming(agent, agent_hello(), config, Some(&resumer)).await
    });
    let (hello, pending) = server_handshake(server).await.expect("the agent's HELLO");
    assert!(hello.resume.is_some());
    let _server = pending.answer(server_hello()).await.expect("it listens");
    let welcome = soon(agent).await.expect("no panic").expect("an answer");
    assert!(matches!(welcome, (_, Welcome::New(_))));
    let error = soon(read_all(&mut far)).await.expect_err("no end");
    assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
}

#[tokio::test(start_paused = true)]
async fn an_end_that_was_meant_is_not_waited_for() {
    let (mut first, _wire) = ends(usize::MAX).await;
    let (_near, mut far) = stream(&first.server, &mut first.agent).await;
    first.server.tunnel.close();
    let error = soon(read_all(&mut far)).await.expect_err("no end");
    assert_eq!(inner(&error), Some(&StreamError::TunnelLost));
    assert_eq!(
        soon(first.agent.driver).await.expect("no panic"),
        Closed::Peer
    );

    let (mut second, wire) = ends(usize::MAX).await;
    let (near, _far) = stream(&second.server, &mut second.agent).await;
    second.server.tunnel.go_away(GoAway {
        reason: GoAwayReason::Restart,
        reconnect_after: Duration::ZERO,
        url: None,
    });
    soon(second.agent.tunnel.sent_away()).await;
    wire.cut();
    let closed = soon(second.agent.driver).await.expect("no panic");
    assert!(matches!(closed, Closed::GoAway(_)));
    drop(near);
}

#[tokio::test(start_paused = true)]
async fn a_driver_that_is_dropped_is_an_end_that_was_meant() {
    let (mut ends, _wire) = ends(usize::MAX).await;
    let (_near, mut far) = stream(&ends.server, &mut ends.agent).await;
    let start = Instant::now();
    ends.server.driver.abort();
    assert!(soon(read_all(&mut far)).await.is_err());
    let closed = soon(ends.agent.driver).await.expect("no panic");
    assert_eq!(closed, Closed::Peer);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn closing_a_suspended_tunnel_ends_it_at_once() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (mut near, _far) = stream(&ends.server, &mut ends.agent).await;
    wire.cut();
    soon(ends.server.tunnel.link_changed(&Link::Connected)).await;
    let start = Instant::now();
    ends.server.tunnel.close();
    assert!(soon(read_all(&mut near)).await.is_err());
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_open_waits_for_the_connection_but_not_for_ever() {
    let (mut ends, wire) = ends(usize::MAX).await;
    let (_near, _far) = stream(&ends.server, &mut ends.agent).await;
    wire.cut();
    soon(ends.server.tunnel.link_changed(&Link::Connected)).await;
    let start = Instant::now();
    let mut late = ends.server.tunnel.open(&web()).expect("it waits");
    let refused = soon(late.accepted()).await;
    assert!(matches!(
        refused,
        Err(OpenError::Rejected {
            code: Code::Reconnecting,
            ..
        })
    ));
    let waited = start.elapsed().as_secs();
    assert!((10..11).contains(&waited), "{waited}");
}

#[tokio::test(start_paused = true)]
async fn a_single_stream_survives_a_pipe_that_is_cut() {
    const BYTES: usize = 2 << 20;
    let hello = || StreamHello {
        windows: windows(),
        ..StreamHello::default()
    };
    let (server, client, _wire) = Wire::new(200_000);
    let client = spawn(async move {
        stream_handshake(client, hello(), Config::default())
            .await
            .expect("the server answers")
            .1
    });
    let (_, pending) = stream_asked(server, Config::default())
        .await
        .expect("the client's HELLO");
    let mut server = pending
        .answer(server_hello(), web())
        .await
        .expect("it listens");
    let mut client = client.await.expect("no panic");
    let id = server_hello().tunnel;
    let server_resumer = server.driver.resumable(id, RESUME_FOR);
    let client_resumer = client.driver.resumable(id, RESUME_FOR);
    let tunnels = [client.tunnel.clone(), server.tunnel.clone()];
    let drivers = [spawn(server.driver.run()), spawn(client.driver.run())];
    let served = server.stream.accept();
    let mut tasks = Vec::new();
    for (stream, mine, theirs) in [(client.stream, 1, 2), (served, 2, 1)] {
        let (reader, mut writer) = tokio::io::split(stream);
        tasks.push(spawn(receive(reader, pattern(theirs, BYTES))));
        tasks.push(spawn(async move {
            writer
                .write_all(&pattern(mine, BYTES))
                .await
                .expect("it lives");
            writer.shutdown().await.expect("it lives");
        }));
    }
    let tunnel = client.tunnel;
    let connections = spawn(async move {
        let mut resumed = 0;
        let mut wires = Vec::new();
        while tunnel.link_changed(&Link::Connected).await != Link::Ended {
            let (server, client, wire) = Wire::new(300_000);
            wires.push(wire);
            let resumer = client_resumer.clone();
            let client = spawn(async move {
                let config = Config::default();
                stream_handshake_resuming(client, hello(), config, Some(&resumer)).await
            });
            let (hello, pending) = stream_asked(server, Config::default())
                .await
                .expect("the client's HELLO");
            let received = hello.resume.map(|resume| resume.received);
            let detached = server_resumer.detach(received).expect("honest");
            pending
                .resume(detached, server_hello())
                .await
                .expect("it listens");
            let welcome = client.await.expect("no panic").expect("an answer").1;
            assert!(matches!(welcome, Welcome::Resumed));
            resumed += 1;
        }
        resumed
    });
    for task in tasks {
        soon(task).await.expect("no panic");
    }
    for tunnel in tunnels {
        tunnel.close();
    }
    for driver in drivers {
        soon(driver).await.expect("no panic");
    }
    let resumed = soon(connections).await.expect("no panic");
    assert!(resumed >= 8, "{resumed} connections");
}
