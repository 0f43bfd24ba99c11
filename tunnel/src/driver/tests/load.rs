//! Many streams, much data, readers that do not read.

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
