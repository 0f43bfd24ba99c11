//! Many streams, much data, readers that do not read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;

use super::*;

fn pattern(seed: u8, bytes: usize) -> Vec<u8> {
    (0..bytes)
        .map(|n| (n as u8).wrapping_mul(31).wrapping_add(seed) ^ (n >> 8) as u8)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn eight_megabytes_each_way_on_eight_streams_arrive_as_they_were() {
    const BYTES: usize = 1 << 20;
    let (server, mut agent) = pair().await;
    let mut tasks = Vec::new();
    for n in 0..8 {
        let (near, far) = stream(&server, &mut agent).await;
        for (stream, mine, theirs) in [(near, n, 100 + n), (far, 100 + n, n)] {
            let (mut reader, mut writer) = tokio::io::split(stream);
            tasks.push(spawn(async move {
                writer
                    .write_all(&pattern(mine, BYTES))
                    .await
                    .expect("it lives");
                writer.shutdown().await.expect("it lives");
            }));
            tasks.push(spawn(async move {
                let mut read = Vec::new();
                reader.read_to_end(&mut read).await.expect("a clean end");
                assert!(read == pattern(theirs, BYTES), "bytes of stream {n} differ");
            }));
        }
    }
    for task in tasks {
        soon(task).await.expect("no panic");
    }
    soon(server.tunnel.idle()).await;
    soon(agent.tunnel.idle()).await;
    for end in [&server, &agent] {
        soon(end.tunnel.settled()).await;
        assert_eq!(
            end.tunnel
                .shared
                .drive(|state| state.mux.budget_used_bytes()),
            0
        );
    }
}

#[tokio::test(start_paused = true)]
async fn s36_a_slow_reader_holds_no_more_than_its_window() {
    let (server, mut agent) = pair().await;
    let (mut near, far) = stream(&server, &mut agent).await;
    let writer = spawn(async move { near.write_all(&vec![1; 10 << 20]).await });
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(!writer.is_finished());
    let received = agent.tunnel.stats().bytes_received;
    assert!((256 << 10..320 << 10).contains(&received), "{received}");
    drop(far);
    assert!(soon(writer).await.expect("no panic").is_err());
    soon(agent.tunnel.settled()).await;
    assert_eq!(
        agent
            .tunnel
            .shared
            .drive(|state| state.mux.budget_used_bytes()),
        0
    );
}

#[tokio::test(start_paused = true)]
async fn s36_two_hundred_stalled_readers_and_a_flooder_do_not_stall_a_sibling() {
    let config = Config {
        tunnel_budget_bytes: 256 << 20,
        ..Config::default()
    };
    let mut hello = agent_hello();
    hello.windows.max_pending = 256;
    let (server, mut agent) = pair_with(config, server_hello(), hello).await;
    let mut stalled = Vec::new();
    for _ in 0..200 {
        let (mut near, far) = stream(&server, &mut agent).await;
        let writer = spawn(async move { near.write_all(&vec![1; 1 << 20]).await });
        stalled.push((far, writer));
    }
    let (mut flood, mut drain) = stream(&server, &mut agent).await;
    let flooder = spawn(async move { flood.write_all(&vec![2; 64 << 20]).await });
    let drainer = spawn(async move { tokio::io::copy(&mut drain, &mut tokio::io::sink()).await });
    let (mut near, mut far) = stream(&server, &mut agent).await;
    for n in 0..100_u8 {
        let echo = async {
            near.write_all(&[n]).await.expect("it lives");
            assert_eq!(far.read_u8().await.expect("it lives"), n);
            far.write_all(&[n]).await.expect("it lives");
            assert_eq!(near.read_u8().await.expect("it lives"), n);
        };
        tokio::time::timeout(Duration::from_millis(250), echo)
            .await
            .expect("no stall");
    }
    let budget = agent
        .tunnel
        .shared
        .drive(|state| state.mux.budget_used_bytes());
    assert!(budget <= 256 << 20, "{budget}");
    flooder.abort();
    drainer.abort();
    drop(stalled);
}

#[tokio::test(start_paused = true)]
async fn a_tunnel_at_rest_gives_its_buffers_back_and_works_on() {
    let (server, mut agent) = pair().await;
    for _ in 0..3 {
        let (mut near, mut far) = stream(&server, &mut agent).await;
        let writer = spawn(async move { write_all_and_finish(&mut near, &[5; 1 << 20]).await });
        assert_eq!(
            soon(read_all(&mut far)).await.expect("a clean end").len(),
            1 << 20
        );
        soon(writer).await.expect("no panic").expect("it lives");
        drop(far);
        for end in [&server, &agent] {
            assert_ne!(end.tunnel.shared.drive(|state| state.waiters.capacity()), 0);
        }
        tokio::time::sleep(Duration::from_secs(25)).await;
        for end in [&server, &agent] {
            assert_eq!(end.tunnel.shared.drive(|state| state.waiters.capacity()), 0);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_running_tunnel_is_small() {
    let (server, agent) = duplex(64 * 1024);
    let agent = spawn(async move { agent_handshake(agent, agent_hello()).await });
    let (_, pending) = server_handshake(server).await.expect("the agent's HELLO");
    let established = pending
        .answer(server_hello())
        .await
        .expect("the agent listens");
    let run = established.driver.run();
    let bytes = size_of_val(&run) + size_of::<connection::Connection<DuplexStream>>();
    assert!(bytes <= 1536, "{bytes}");
    assert!(agent.await.expect("no panic").is_ok());
}

/// With real threads and real time, where a lost wake-up shows as a hang.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_wake_up_is_lost_between_threads() {
    let (server, mut agent) = pair().await;
    let mut tasks = Vec::new();
    for n in 0..16_usize {
        let (near, far) = stream(&server, &mut agent).await;
        let (mut reader, mut writer) = tokio::io::split(far);
        tasks.push(spawn(async move {
            tokio::io::copy(&mut reader, &mut writer)
                .await
                .expect("it lives");
            writer.shutdown().await.expect("it lives");
        }));
        let (mut reader, mut writer) = tokio::io::split(near);
        tasks.push(spawn(async move {
            for round in 0..300_usize {
                let sent = pattern(round as u8, 1 + (round * n * 37) % 3000);
                writer.write_all(&sent).await.expect("it lives");
                let mut got = vec![0; sent.len()];
                reader.read_exact(&mut got).await.expect("it lives");
                assert!(got == sent, "an echo differs");
            }
            writer.shutdown().await.expect("it lives");
            assert_eq!(reader.read(&mut [0]).await.expect("a clean end"), 0);
        }));
    }
    for task in tasks {
        tokio::time::timeout(Duration::from_secs(60), task)
            .await
            .expect("no hang")
            .expect("no panic");
    }
}

/// As TLS is: takes 64 KiB at once, and gives them to the pipe as that has room.
struct Holding {
    pipe: DuplexStream,
    held: std::collections::VecDeque<u8>,
    most_held: Arc<AtomicUsize>,
}

impl Holding {
    fn drain(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.held.is_empty() {
            let written = Pin::new(&mut self.pipe).poll_write(cx, self.held.as_slices().0);
            let written = std::task::ready!(written)?;
            self.held.drain(..written);
        }
        Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncRead for Holding {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut tokio::io::ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.pipe).poll_read(cx, buf)
    }
}

impl AsyncWrite for Holding {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let _ = self.drain(cx)?;
        let taken = buf.len().min((64 << 10) - self.held.len());
        self.held.extend(&buf[..taken]);
        self.most_held.fetch_max(self.held.len(), Ordering::Relaxed);
        let _ = self.drain(cx)?;
        if taken == 0 {
            return Poll::Pending;
        }
        Poll::Ready(Ok(taken))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.drain(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        std::task::ready!(self.drain(cx))?;
        Pin::new(&mut self.pipe).poll_shutdown(cx)
    }
}

/// 8 KB/s one way.
async fn thin_line(from: DuplexStream, to: DuplexStream) {
    let (mut from_reader, mut from_writer) = tokio::io::split(from);
    let (mut to_reader, mut to_writer) = tokio::io::split(to);
    spawn(async move { tokio::io::copy(&mut to_reader, &mut from_writer).await });
    let mut chunk = [0; 800];
    while let Ok(read @ 1..) = from_reader.read(&mut chunk).await {
        if to_writer.write_all(&chunk[..read]).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// R10: what TLS has taken and the kernel has not is a queue like any other.
#[tokio::test(start_paused = true)]
async fn what_a_layer_below_holds_is_not_gone() {
    let (server, thin_start) = duplex(1024);
    let (thin_end, agent) = duplex(1024);
    spawn(thin_line(thin_start, thin_end));
    let most_held = Arc::new(AtomicUsize::new(0));
    let server = Holding {
        pipe: server,
        held: Default::default(),
        most_held: Arc::clone(&most_held),
    };
    let agent = spawn(async move { agent_handshake(agent, agent_hello()).await });
    let (_, pending) = server_handshake(server).await.expect("the agent's HELLO");
    let server = pending
        .answer(server_hello())
        .await
        .expect("the agent listens");
    let mut agent = start(soon(agent).await.expect("no panic").expect("the answer").1);
    let tunnel = server.tunnel.clone();
    let driver = spawn(server.driver.run());
    let mut near = tunnel.open(&web()).expect("room for a stream");
    let mut far = agent.incoming.next().await.expect("an OPEN").accept();
    let bulk = vec![7; 256 << 10];
    let writer = spawn(async move { write_all_and_finish(&mut near, &bulk).await });
    assert_eq!(
        soon(read_all(&mut far)).await.expect("it lives").len(),
        256 << 10
    );
    soon(writer).await.expect("no panic").expect("it lives");
    driver.abort();
    let most_held = most_held.load(Ordering::Relaxed);
    assert!(most_held <= 12 << 10, "{most_held}");
}
